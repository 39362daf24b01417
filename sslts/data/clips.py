"""Clips: recordings whose parts are aligned by fraction of the clip, because their clocks do not agree or are not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import overload

import numpy as np

from sslts.data.labels import Interval, LabelTrack
from sslts.data.recording import Recording, Stream, sample_index
from sslts.errors import LengthError

#: A stream that reaches over less of its clip would count as absent there, and nobody would be told.
_REACH = 0.5
#: Rounding of seconds as floating-point numbers, as a share of a clip: 1 us of 1 s, as on a clock that counts from 1970.
_HAIR = 1e-6


@overload
def spread(part: Stream) -> Stream: ...


@overload
def spread(part: Recording) -> Recording: ...


def spread(part: Stream | Recording) -> Stream | Recording:
    """The stream as a whole clip: its first sample begins at 0, its last ends at 1. Of a recording, each of its streams.

    Labels and events of a recording keep their fraction of it.

    Raises:
        LengthError: there are fewer than two samples, which cannot be spread over anything.
    """
    if isinstance(part, Recording):
        return _clocked(part, {name: spread(stream) for name, stream in part.streams.items()})
    if len(part) < 2:
        what = "frame" if part.frame is not None else "sample"
        raise LengthError(f"'{part.name}' holds {len(part)} {what}{'' if len(part) == 1 else 's'}; a clip needs at least two.")
    return replace(part, rate_hz=float(len(part)), start_s=0.0)


def as_clip(recording: Recording) -> Recording:
    """The recording on a clock that runs from 0 at its start to 1 at its end. A clip stays as it is.

    Raises:
        LengthError: it holds no sample, or a stream of it a single one, or one reaches over less than half of the clip.
    """
    start, duration = recording.start_s, recording.duration_s
    is_clip = start == 0 and _is_one(duration)
    for stream in recording.streams.values():
        if len(stream) < 2 and not (is_clip and _is_one(stream.duration_s)):  # of a model that reads one frame a clip
            spread(stream)  # says what is wrong
    if not duration > 0:
        raise LengthError("This clip is empty: it holds no stream with samples.")
    _check_reach(recording)
    if is_clip:
        return recording
    streams = {
        name: replace(stream, rate_hz=stream.rate_hz * duration, start_s=(stream.start_s - start) / duration)
        for name, stream in recording.streams.items()
    }
    return _clocked(recording, streams)


def _clocked(recording: Recording, streams: Mapping[str, Stream]) -> Recording:
    """The recording with streams on the clock of a clip; its labels and events follow."""
    start, duration = recording.start_s, recording.duration_s or 1.0
    labels = recording.labels
    if labels is not None:
        labels = LabelTrack(
            tuple(Interval((i.start_s - start) / duration, (i.end_s - start) / duration, i.label) for i in labels.intervals)
        )
    return replace(recording, streams=streams, labels=labels, events_s=tuple((event - start) / duration for event in recording.events_s))


def filled(stream: Stream) -> Stream:
    """A clip's stream at a whole rate, with exactly that many samples from 0 to 1: lost ones where it does not reach.

    Rounding to whole samples moves a stream's end; without this the clip would last a little more or less than 1.
    """
    count = round(stream.rate_hz)
    if stream.start_s == 0 and len(stream) == count:
        return stream
    first = int(sample_index(0.0, stream))  # the same rule as for windows: the nearest sample
    low, high = max(first, 0), min(first + count, len(stream))
    values = np.zeros((count, *stream.values.shape[1:]), dtype=np.float32)
    seen = stream.is_observed()
    observed = np.zeros((count, *seen.shape[1:]), dtype=bool)
    if low < high:
        values[low - first : high - first], observed[low - first : high - first] = stream.values[low:high], seen[low:high]
    return replace(stream, values=values, observed=observed, start_s=0.0)


def _check_reach(recording: Recording) -> None:
    start, duration = recording.start_s, recording.duration_s
    for stream in recording.streams.values():
        if stream.duration_s >= (_REACH - _HAIR) * duration:
            continue
        raise LengthError(
            f"'{stream.name}' reaches from {stream.start_s - start:.4g} to {stream.end_s - start:.4g} s of this clip, which lasts "
            f"{duration:.4g} s: over less than half of it, so that it would count as absent. If it shows the same as the others by "
            "another clock, spread each over the clip: sslts.data.clips.spread(recording). If not, keep what all have seen: "
            f"recording.window(start_s=..., duration_s=...), or leave it out: recording.without('{stream.name}')."
        )


def _is_one(duration: float) -> bool:
    return bool(np.isclose(duration, 1.0, rtol=0, atol=1e-9))
