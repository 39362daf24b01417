"""Recordings shorter than one window, padded with samples that count as lost: short clips may then be trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from sslts.config import ComponentConfig
from sslts.data.labels import Interval, LabelTrack
from sslts.data.reader import Reader
from sslts.data.recording import Recording, Stream


class PaddedReader(Reader):
    """Another reader's recordings, none shorter than a window. A label that reaches the end of a clip reaches the end of its padding."""

    def __init__(self, reader: Reader, window_s: float) -> None:
        super().__init__(_Padded(inner=reader.config.model_dump(mode="json"), window_s=window_s))
        self._reader = reader
        self._window_s = window_s

    def sessions(self, root: str | Path) -> tuple[str, ...]:
        return self._reader.sessions(root)

    def files(self, root: str | Path, session: str) -> tuple[Path, ...]:
        return self._reader.files(root, session)

    def read(self, root: str | Path, *, session: str | None = None) -> Recording:
        return padded(self._reader.read(root, session=session), self._window_s)


class _Padded(ComponentConfig):
    inner: Mapping[str, object]
    window_s: float


def padded(recording: Recording, window_s: float) -> Recording:
    """The recording, at least `window_s` seconds long."""
    short = recording.start_s + window_s - recording.end_s
    if short <= 0:
        return recording
    end_s = recording.end_s
    streams = {name: _padded(stream, window_s - stream.duration_s) for name, stream in recording.streams.items()}
    labels = recording.labels
    if labels is not None:
        labels = LabelTrack(tuple(_stretched(interval, end_s, short) for interval in labels.intervals))
    return replace(recording, streams=streams, labels=labels)


def _padded(stream: Stream, more_s: float) -> Stream:
    count = int(np.ceil(more_s * stream.rate_hz - 1e-9))
    if count <= 0:
        return stream
    values = np.pad(stream.values, ((0, count), *((0, 0),) * (stream.values.ndim - 1)))
    return replace(stream, values=values, observed=np.pad(stream.is_observed(), ((0, count), (0, 0))))


def _stretched(interval: Interval, end_s: float, more_s: float) -> Interval:
    return replace(interval, end_s=interval.end_s + more_s + 1e-6) if interval.end_s >= end_s - 1e-6 else interval
