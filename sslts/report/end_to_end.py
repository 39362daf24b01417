"""Several recordings of the same sensors on one clock, one after the other: to be drawn, never to be encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sslts.data.labels import Interval, LabelTrack
from sslts.data.recording import Recording, Stream
from sslts.errors import ChannelError, LengthError


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """recording: all of them, nothing observed between; shift_s: what turns second t of recording k into second t + shift_s[k]."""

    recording: Recording
    shift_s: tuple[float, ...]


def end_to_end(recordings: Sequence[Recording], *, gap_s: float) -> EndToEnd:
    """Lay recordings one after the other from second 0 on, `gap_s` apart, with their labels.

    Raises:
        LengthError: no recordings.
        ChannelError: one has other streams, channels or rates than the first.
    """
    if not recordings:
        raise LengthError("Nothing to lay end to end: expected at least one recording, got none.")
    first = recordings[0]
    for other in recordings[1:]:
        if _layout(other) != _layout(first):
            raise ChannelError(f"'{other.session}' has other streams, channels or rates than '{first.session}': they share no drawing.")
    lengths = [recording.duration_s + gap_s for recording in recordings]
    starts = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    shift_s = tuple(float(start - recording.start_s) for start, recording in zip(starts, recordings, strict=True))
    streams = {name: _joined([recording.streams[name] for recording in recordings], shift_s) for name in first.names}
    labels = LabelTrack(
        tuple(
            Interval(i.start_s + shift, i.end_s + shift, i.label)
            for recording, shift in zip(recordings, shift_s, strict=True)
            for i in (recording.labels.intervals if recording.labels else ())
        )
    )
    return EndToEnd(Recording(streams, subject=first.subject, labels=labels), shift_s)


def _layout(recording: Recording) -> dict[str, tuple[object, ...]]:
    return {name: (stream.channels, stream.rate_hz) for name, stream in recording.streams.items()}


def _joined(parts: Sequence[Stream], shift_s: Sequence[float]) -> Stream:
    """Each part at the sample nearest to its time; NaN, which means not observed, between them."""
    rate_hz = parts[0].rate_hz
    places = [round((part.start_s + shift) * rate_hz) for part, shift in zip(parts, shift_s, strict=True)]
    values = np.full((places[-1] + len(parts[-1]), len(parts[0].channels)), np.nan, dtype=np.float32)
    for part, place in zip(parts, places, strict=True):
        values[place : place + len(part)] = np.where(part.is_observed(), part.values, np.float32(np.nan))
    return Stream(parts[0].name, parts[0].channels, rate_hz, values)
