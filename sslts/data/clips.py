"""Clips: recordings whose parts are aligned by fraction of the clip, because their clocks do not agree or are not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sslts.data.labels import Interval, LabelTrack
from sslts.data.recording import Recording, Stream
from sslts.errors import LengthError


def spread(stream: Stream) -> Stream:
    """The stream as a whole clip: its first sample begins at 0, its last ends at 1.

    Raises:
        LengthError: there are fewer than two samples, which cannot be spread over anything.
    """
    if len(stream) < 2:
        what = "frame" if stream.frame is not None else "sample"
        raise LengthError(f"'{stream.name}' holds {len(stream)} {what}{'' if len(stream) == 1 else 's'}; a clip needs at least two.")
    return replace(stream, rate_hz=float(len(stream)), start_s=0.0)


def as_clip(recording: Recording) -> Recording:
    """The recording on a clock that runs from 0 at its start to 1 at its end. A clip stays as it is.

    Raises:
        LengthError: it holds no sample, or a stream of it a single one.
    """
    start, duration = recording.start_s, recording.duration_s
    for stream in recording.streams.values():
        if len(stream) < 2:
            spread(stream)  # says what is wrong
    if not duration > 0:
        raise LengthError("This clip is empty: it holds no stream with samples.")
    if start == 0 and np.isclose(duration, 1.0, rtol=0, atol=1e-9):
        return recording
    streams = {
        name: replace(stream, rate_hz=stream.rate_hz * duration, start_s=(stream.start_s - start) / duration)
        for name, stream in recording.streams.items()
    }
    labels = recording.labels
    if labels is not None:
        labels = LabelTrack(
            tuple(Interval((i.start_s - start) / duration, (i.end_s - start) / duration, i.label) for i in labels.intervals)
        )
    return replace(recording, streams=streams, labels=labels, events_s=tuple((event - start) / duration for event in recording.events_s))
