"""From a recording as it was made to what a model expects: its modalities, channel order, units and rates. Everything else is an error.

Unit mistakes are found by physics: a sensor's valid range, and what it can measure at all (plausible.py).
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from sslts.config import AnyChannels, Channel, Modality, SensorSpec, describe
from sslts.data.clips import as_clip, filled
from sslts.data.plausible import check_plausible
from sslts.data.recording import Recording, Stream
from sslts.data.resample import resample
from sslts.data.units import compatible_units, convert, normalise_unit
from sslts.errors import (
    ChannelError,
    ConfigError,
    FrameSizeError,
    LengthError,
    MissingModalityError,
    RangeError,
    RateWarning,
    UnitError,
    UnusedStreamWarning,
)

logger = logging.getLogger(__name__)

#: Share of the model's rate below which a movement is too slow to be trusted without a word: walking at 25 Hz is still walking at 10 Hz,
#: and looks like running at 5 Hz.
_SLOW = 0.4
#: Kinds whose fast part tells movements apart. Others (temperature, skin conductance) are slow by nature, and were so in training.
_FAST = frozenset({"accelerometer", "linear-acceleration", "gyroscope", "magnetometer"})

#: Rounding of seconds as floating-point numbers: what lasts this much less than a window still holds one.
TOLERANCE_S = 1e-6
#: More observed samples than this outside a channel's valid range mean a wrong unit, not artefacts.
MAX_OUTSIDE = 0.2


def prepare(recording: Recording, spec: SensorSpec) -> Recording:
    """The recording in the spec's modalities, channel order, units and rates.

    A modality that the recording lacks is left out; streams that the spec does not name are ignored. Samples outside a channel's valid
    range become unobserved, and so do frames of depth alone without any reading (all 0). Preparing a prepared recording changes
    nothing. Where the spec's clock is "clip", the streams that it reads are put on one clock from 0 to 1, and a stream that does not
    reach an end of the clip has lost samples there.

    Raises:
        MissingModalityError: none of the spec's modalities is there.
        ChannelError: a stream's channels are not the expected ones (order does not matter).
        UnitError: a unit cannot be converted.
        RangeError: the values do not look like their declared unit.
        RateError: no usable ratio between the rates.
        LengthError: the recording is empty, or shorter than one window; a clip holds a single frame or sample, or streams of which one
            lasts less than half as long as the clip.
        FrameSizeError: a video's frames are of another size.
    """
    if not recording.streams:
        raise MissingModalityError(f"This recording holds no stream. {_wanted(spec)}")
    given = recording
    if spec.clock == "clip":  # the streams that the spec does not read must not stretch the clip
        read = _read_by(recording, spec)
        recording = as_clip(read) if read.streams else recording  # which then holds nothing that is expected
    if spec.modalities == "any":
        for stream in recording.streams.values():
            check_plausible(stream, range(len(stream.channels)))
        prepared = recording
    elif isinstance(spec.modalities, AnyChannels):
        prepared = _described(recording, spec)
    else:
        found = [modality for modality in spec.named if modality.name in recording.streams]
        if not found:
            raise MissingModalityError(
                f"None of the expected modalities is there: this recording holds {', '.join(recording.names)}. {_wanted(spec)} "
                f"If a stream is only named otherwise, give it the expected name."
            )
        ignored = [name for name in given.names if name not in spec.names]
        if ignored:
            logger.info("Streams not used by this spec: %s.", ", ".join(ignored))
            _warn_of_names(given, ignored, [modality for modality in spec.named if modality not in found])
        used = {modality.name: recording.streams[modality.name] for modality in found}
        # Before any work; resampling may still complete a window that lacks half a sample.
        _check_length(replace(recording, streams=used), spec, 0.5 / min(stream.rate_hz for stream in used.values()))
        prepared = replace(recording, streams={m.name: _prepared(recording.streams[m.name], m) for m in found})
    if spec.clock == "clip" and spec.modalities != "any":
        prepared = replace(prepared, streams={name: filled(stream) for name, stream in prepared.streams.items()})
    _check_length(prepared, spec, TOLERANCE_S)
    return prepared


def _warn_of_names(recording: Recording, ignored: Sequence[str], absent: Sequence[Modality]) -> None:
    """Of a stream that only needs another name. One that says that it was worn elsewhere does not."""
    for modality in absent:
        wanted = modality.channels[0]
        alike = [
            name
            for name in ignored
            if (worn := recording.streams[name].channels[0]).kind == wanted.kind
            and (not worn.position or not wanted.position or worn.position == wanted.position)
        ]
        if alike:
            warnings.warn(
                f"'{modality.name}' counts as missing, and of the same kind ({wanted.kind}) these stay unused: {', '.join(alike)}. "
                f"If one is only named otherwise, call it '{modality.name}'.",
                UnusedStreamWarning,
                stacklevel=_outside(),
            )


def _read_by(recording: Recording, spec: SensorSpec) -> Recording:
    """The recording without the streams that the spec does not read."""
    if spec.modalities == "any":
        return recording
    if isinstance(spec.modalities, AnyChannels):
        kinds = spec.modalities.units
        read = [name for name, stream in recording.streams.items() if any(channel.kind in kinds for channel in stream.channels)]
    else:
        read = [name for name in recording.names if name in spec.names]
    return recording.without(*(name for name in recording.names if name not in read))


def is_prepared(stream: Stream, modality: Modality) -> bool:
    """Whether a stream already has a modality's rate, frame size, channels and units."""
    same = [(c.name, c.unit) for c in stream.channels] == [(c.name, c.unit) for c in modality.channels]
    return same and (stream.rate_hz, stream.frame) == (modality.rate_hz, modality.frame)


def _described(recording: Recording, spec: SensorSpec) -> Recording:
    """Every stream with a channel of a known kind, at the spec's rate and in its units; other channels are left out."""
    if not isinstance(spec.modalities, AnyChannels):
        raise ConfigError("This spec does not say at which rate and in which units it takes channels.")
    units, found = spec.modalities.units, {}
    for name, stream in recording.streams.items():
        kept = [index for index, channel in enumerate(stream.channels) if channel.kind in units]
        left = [channel.name for channel in stream.channels if channel.kind not in units]
        if left:
            logger.info("Channels not used, of a kind that this model does not read: %s of '%s'.", ", ".join(left), name)
        if not kept:
            continue
        wanted = tuple(_in_unit(stream.channels[index], units[stream.channels[index].kind], name) for index in kept)
        try:
            modality = Modality(name=name, rate_hz=spec.modalities.rate_hz, channels=wanted)
        except ValidationError as error:
            raise ChannelError(
                f"Stream '{name}': {describe(error)}. Names are lower-case letters, digits, '.', '_' and '-', a letter or digit first."
            ) from None
        if stream.rate_hz < _SLOW * modality.rate_hz and any(channel.kind in _FAST for channel in wanted):
            warnings.warn(
                f"'{name}' has {stream.rate_hz:g} Hz, this model reads {modality.rate_hz:g} Hz: what is faster than "
                f"{stream.rate_hz / 2:g} Hz is missing, and what it says of such a signal was never measured.",
                RateWarning,
                stacklevel=_outside(),
            )
        found[name] = _prepared(stream, modality, partial=True)
    if not found:
        held = [f"{stream.name}.{channel.name} ({channel.kind})" for stream in recording.streams.values() for channel in stream.channels]
        more = f" and {len(held) - 12} more" if len(held) > 12 else ""
        raise MissingModalityError(
            f"This recording holds {', '.join(held[:12])}{more}; this model reads {', '.join(units)}. If a channel measures one of these "
            f"(an accelerometer feels gravity), say so by its kind: Recording.from_arrays(..., "
            f"kinds={{'{recording.names[0]}': '{next(iter(units))}'}})."
        )
    return replace(recording, streams=found)


def _outside() -> int:
    """How far up the first line is that is not this library's: where a warning should point."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("sslts."):
        level, frame = level + 1, frame.f_back
    return level


def _in_unit(channel: Channel, unit: str, stream: str) -> Channel:
    """The channel as the model wants it: another unit, the same physical range."""
    try:
        valid = None if channel.valid is None else tuple(float(end) for end in convert(channel.valid, channel.unit, unit))
    except UnitError as error:
        raise UnitError(f"'{stream}.{channel.name}': {error}") from None
    return channel.model_copy(update={"unit": unit, "valid": valid})


def _prepared(stream: Stream, modality: Modality, *, partial: bool = False) -> Stream:
    """`partial`: channels that the modality does not name are left out instead of refused."""
    check_frame(stream, modality)
    order = [stream.channel_names.index(name) for name in modality.channel_names] if partial else _order(stream, modality)
    check_plausible(stream, order, modality)
    source = [stream.channels[index] for index in order]
    same = order == list(range(len(order))) and all(a.unit == b.unit for a, b in zip(source, modality.channels, strict=True))
    raw = stream.values if same else stream.values[:, order]
    values = raw if same else np.empty_like(raw)  # days of data are not copied for nothing
    observed = stream.observed
    if observed is not None and stream.frame is None:  # a frame is lost with all of its channels
        observed = observed[:, order]
    for column, (before, after) in enumerate(zip(source, modality.channels, strict=True)):
        if not same:
            try:
                values[:, column] = convert(raw[:, column], before.unit, after.unit)
            except UnitError as error:
                raise UnitError(f"'{stream.name}.{after.name}': {error}") from None
        if after.valid is None or stream.frame is not None:  # a pixel out of range is no lost frame
            continue
        inside = (values[:, column] >= after.valid[0]) & (values[:, column] <= after.valid[1])
        seen = np.ones(len(raw), dtype=bool) if observed is None else observed[:, column]
        if not inside[seen].all():
            _check_range(raw[:, column], seen, inside, before, after, stream.name)
            observed = np.ones(raw.shape, dtype=bool) if observed is None else observed.copy()
            observed[:, column] &= inside
    if stream.frame is not None and all(channel.kind == "depth" for channel in modality.channels):
        reading = np.asarray(values.any(axis=(1, 2, 3)))  # a covered or unplugged camera gives frames of 0
        if not reading.all():
            observed = stream.is_observed() & reading[:, None]
    converted = Stream(modality.name, modality.channels, stream.rate_hz, values, observed, stream.start_s)
    return resample(converted, rate_hz=modality.rate_hz)


def check_frame(stream: Stream, modality: Modality) -> None:
    """FrameSizeError if one is a sensor and the other a video, or their frames differ in size."""
    if stream.frame == modality.frame:
        return
    wanted = "a sensor [T, C]" if modality.frame is None else f"a video of {modality.frame[0]} x {modality.frame[1]} pixels"
    got = "a sensor [T, C]" if stream.frame is None else f"a video of {stream.frame[0]} x {stream.frame[1]} pixels"
    cure = ""
    if modality.frame and stream.frame:
        cure = f" Resize it: sslts.data.frames.resize(recording, {modality.frame})."
        if any(have < want for have, want in zip(stream.frame, modality.frame, strict=True)):
            cure += " Smaller frames gain no detail by it."
        if any(channel.kind == "depth" for channel in modality.channels):
            cure += " What depth must show, and what must be cut away first, is on the model's card."
    raise FrameSizeError(f"'{stream.name}' is {got}, expected {wanted}.{cure}")


def _order(stream: Stream, modality: Modality) -> list[int]:
    """Where each expected channel stands in the stream."""
    have, want = stream.channel_names, modality.channel_names
    missing, extra = [name for name in want if name not in have], [name for name in have if name not in want]
    if missing or extra:
        problem = " and ".join(
            part for part in (missing and f"lacks {', '.join(missing)}", extra and f"has unexpected {', '.join(extra)}") if part
        )
        raise ChannelError(f"Stream '{stream.name}' {problem}. Expected channels: {', '.join(want)} (any order); got: {', '.join(have)}.")
    return [have.index(name) for name in want]


def _check_range(
    raw: NDArray[np.float32], observed: NDArray[np.bool_], inside: NDArray[np.bool_], before: Channel, after: Channel, stream: str
) -> None:
    seen = int(observed.sum())
    outside = int((observed & ~inside).sum())
    if after.valid is None or not seen or outside <= MAX_OUTSIDE * seen:
        return
    low, high = after.valid
    hint = ""
    for unit in compatible_units(before.unit):
        other = convert(raw[observed], unit, after.unit)
        if unit != normalise_unit(before.unit) and np.mean((other >= low) & (other <= high)) >= 0.95:
            hint = f" Values around {np.median(raw[observed]):.4g} look like {unit}: check the declared unit."
            break
    raise RangeError(
        f"'{stream}.{after.name}': {100 * outside / seen:.0f} % of the observed samples are outside {low:g} to {high:g} {after.unit}, "
        f"declared unit {before.unit}.{hint or ' Check the unit and the sensor.'}"
    )


def _check_length(recording: Recording, spec: SensorSpec, slack_s: float) -> None:
    if all(len(stream) == 0 for stream in recording.streams.values()):
        raise LengthError(f"This recording is empty: {', '.join(recording.names)} hold no samples. Give at least {spec.window_s:g} s.")
    if recording.duration_s < spec.window_s - slack_s:
        is_clip = recording.start_s == 0 and abs(recording.duration_s - 1) < TOLERANCE_S
        raise LengthError(
            f"This recording lasts {recording.duration_s:.4g} s, one window needs {spec.window_s:g} s. "
            "Record longer, or use a model with a shorter window."
            + (" If this is a clip, whose clock runs from 0 to 1: use a model that reads clips." if is_clip else "")
        )


def _wanted(spec: SensorSpec) -> str:
    wanted = [f"{m.name} ({'/'.join(m.channel_names)} in {m.channels[0].unit}, {m.rate_hz:g} Hz)" for m in spec.named]
    return f"Expected at least one of: {', '.join(wanted)}." if wanted else "Expected at least one stream."
