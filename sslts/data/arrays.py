"""From raw arrays and frames to streams: everything an array does not know (rate, unit, channel names) is asked for, nothing is guessed."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from sslts.config import Channel
from sslts.data.recording import Stream
from sslts.data.units import normalise_unit
from sslts.errors import ChannelError, DTypeError, LengthError, MissingModalityError, RateError, UnitError, suggest
from sslts.invalid import describe

#: What streams of these names measure, unless `kinds` says otherwise.
KINDS = {
    "acc": "accelerometer",
    "accelerometer": "accelerometer",
    "gyro": "gyroscope",
    "gyroscope": "gyroscope",
    "mag": "magnetometer",
    "magnetometer": "magnetometer",
    "bvp": "blood-volume-pulse",
    "ppg": "blood-volume-pulse",
    "eda": "electrodermal-activity",
    "gsr": "electrodermal-activity",
    "temp": "skin-temperature",
    "ecg": "electrocardiogram",
    "emg": "electromyogram",
    "eeg": "electroencephalogram",
    "eog": "electrooculogram",
    "resp": "respiration",
    "hr": "heart-rate",
}
#: A usual unit of a kind, for the example in an error message. Nothing is ever taken to be in it.
_USUAL = {
    "accelerometer": "g",
    "gyroscope": "rad/s",
    "magnetometer": "uT",
    "electrodermal-activity": "uS",
    "skin-temperature": "degC",
    "electrocardiogram": "mV",
    "electromyogram": "mV",
    "electroencephalogram": "uV",
    "electrooculogram": "uV",
    "heart-rate": "bpm",
}
_TRIAXIAL = ("accelerometer", "gyroscope", "magnetometer")


@dataclass(frozen=True, slots=True)
class _Told:
    """What was said of streams, or of "stream.channel" where channels differ."""

    units: Mapping[str, str]
    kinds: Mapping[str, str]
    positions: Mapping[str, str]
    descriptions: Mapping[str, str]

    def named(self) -> tuple[tuple[str, Mapping[str, str]], ...]:
        """Each with the name of its argument."""
        return ("units", self.units), ("kinds", self.kinds), ("positions", self.positions), ("descriptions", self.descriptions)

    def refuse_unknown_channels(self, stream: str, names: Sequence[str], arrays: Collection[str]) -> None:
        """ChannelError for "stream.channel" where the stream has no such channel."""
        for what, given in self.named():
            for key in given:
                if _stream_of(key, arrays) == stream and key != stream and key.removeprefix(f"{stream}.") not in names:
                    raise ChannelError(f"{what} names '{key}', but '{stream}' has the channels {', '.join(names)}.")


def streams_from_arrays(
    arrays: Mapping[str, Any],
    rate_hz: float | Mapping[str, float] | None,
    units: Mapping[str, str] | None,
    channels: Mapping[str, Sequence[str]] | None,
    kinds: Mapping[str, str] | None,
    start_s: Mapping[str, float] | None,
    positions: Mapping[str, str] | None,
    descriptions: Mapping[str, str] | None,
) -> dict[str, Stream]:
    """See `Recording.from_arrays`."""
    if not isinstance(arrays, Mapping):
        raise ChannelError(f"Expected {{name: array}}, such as {{'acc': array}}, got {type(arrays).__name__}.")
    if not arrays:
        raise MissingModalityError("A recording needs at least one stream, got none.")
    told = _Told(units or {}, kinds or {}, positions or {}, descriptions or {})
    for what, plain in (("rate_hz", rate_hz), ("channels", channels), ("start_s", start_s)):
        if isinstance(plain, Mapping):
            _refuse_unknown(plain, arrays, what, by_channel=False)
    for what, given in told.named():
        if not isinstance(given, Mapping):
            raise ChannelError(f"{what} must be {{name: text}}, such as {what}={{'{next(iter(arrays))}': ...}}, got {given!r}.")
        _refuse_unknown(given, arrays, what, by_channel=True)
    return {
        name: _stream(name, array, rate_hz, told, (channels or {}).get(name), (start_s or {}).get(name, 0.0), arrays)
        for name, array in arrays.items()
    }


def frames_to_arrays(frames: Any, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, list[str]]]:
    """Arrays and channel names of a pandas frame or series, or of a mapping of them. pandas itself is never imported."""
    given = frames if isinstance(frames, Mapping) else {name: frames}
    arrays: dict[str, NDArray[Any]] = {}
    channels: dict[str, list[str]] = {}
    for key, frame in given.items():
        if not hasattr(frame, "to_numpy"):
            raise DTypeError(
                f"'{key}' is {type(frame).__name__}, expected a pandas DataFrame or Series. Arrays go to Recording.from_arrays."
            )
        columns = getattr(frame, "columns", None)
        if columns is None:
            channels[key] = [key]
            arrays[key] = _from_series(frame, key)
            continue
        channels[key] = [str(column) for column in columns]
        parts = [_from_series(frame.iloc[:, index], f"{key}.{column}") for index, column in enumerate(columns)]
        arrays[key] = np.stack(parts, axis=1) if parts else np.empty((len(frame), 0))
    return arrays, channels


def real_array(array: Any, name: str, *, video: bool = False) -> NDArray[np.float32]:
    """float32 [T, C] from anything that holds real numbers; masked entries and non-finite values become NaN or infinity, never a number.

    video: [T, C, H, W] may come as well, and stays so.

    Raises:
        DTypeError: complex, text, objects, booleans, dates.
        LengthError: not one or two axes, nor the four of a video.
    """
    try:
        raw = np.ma.asanyarray(array) if isinstance(array, np.ma.MaskedArray) else np.asarray(array)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DTypeError(f"'{name}' cannot be read as an array of numbers ({error}).") from error
    if isinstance(array, str | os.PathLike):
        raise DTypeError(f"'{name}' is {os.fspath(array)!r}, expected an array of numbers. Files are read by sslts.data.readers.")
    if raw.dtype.kind not in "iuf":
        what = {"c": "complex numbers", "O": "Python objects", "U": "text", "S": "text", "b": "booleans", "M": "dates", "m": "durations"}
        raise DTypeError(
            f"'{name}' holds {what.get(raw.dtype.kind, 'no numbers')} ({raw.dtype}), expected real numbers. "
            f"Convert first, for example with array.astype('float32')."
        )
    if raw.ndim not in ((1, 2, 4) if video else (1, 2)):
        videos = ", or [T, C, H, W] for a video (array[:, None] for frames of one channel)" if video else ""
        raise LengthError(f"'{name}' has shape {raw.shape}, expected [T] or [T, C]: samples first, channels second{videos}.")
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 becomes infinite, which counts as a lost sample
        values = np.array(raw.data if isinstance(raw, np.ma.MaskedArray) else raw, dtype=np.float32)
    if isinstance(raw, np.ma.MaskedArray):
        values[np.ma.getmaskarray(raw)] = np.nan
    return values[:, None] if values.ndim == 1 else values


def _stream(
    name: str,
    array: Any,
    rate_hz: float | Mapping[str, float] | None,
    told: _Told,
    channels: Sequence[str] | None,
    start_s: float,
    arrays: Collection[str],
) -> Stream:
    rate = rate_hz.get(name) if isinstance(rate_hz, Mapping) else rate_hz
    if rate is None:
        raise RateError(
            f"'{name}' has no rate. An array does not know it: Recording.from_arrays and encode take rate_hz=32 for all "
            f"streams, or rate_hz={{'{name}': 32}}."
        )
    values = real_array(array, name, video=True)
    kind = told.kinds.get(name) or KINDS.get(name, name)
    names = _channel_names(name, values, channels, kind)
    told.refuse_unknown_channels(name, names, arrays)
    return Stream(
        name=name,
        channels=tuple(_channel(name, channel, kind, told, single=len(names) == 1) for channel in names),
        rate_hz=rate,
        values=values,
        start_s=start_s,
    )


def _channel_names(name: str, values: NDArray[np.float32], channels: Sequence[str] | None, kind: str) -> list[str]:
    samples, columns = values.shape[:2]
    video = f" A video is [T, C, H, W], frames first and channels second; this one has shape {values.shape}." if values.ndim == 4 else ""
    if isinstance(channels, str):
        raise ChannelError(f"channels['{name}'] must be a list of names, got the text '{channels}'.")
    if channels is not None and len(channels) != columns:
        if not samples:
            raise LengthError(f"'{name}' is empty: it has shape {values.shape}.")
        if values.ndim == 4 and len(channels) == 1 and 3 in (columns, values.shape[-1]):
            video += f" Three channels look like colour, and '{channels[0]}' is one of another kind."
        turned = " The array looks like [C, T]: pass array.T, samples first." if len(channels) == samples and values.ndim == 2 else video
        raise ChannelError(f"'{name}' has {columns} columns but {len(channels)} channel names ({', '.join(channels)}).{turned}")
    if channels is not None:
        return list(channels)
    if values.ndim == 2 and 0 < samples < columns:
        raise LengthError(
            f"'{name}' has shape {values.shape}: fewer samples than channels. It looks like [C, T], expected [T, C]: pass array.T "
            f"(or name the {columns} channels, if there really are so many: channels={{'{name}': [...]}})."
        )
    if columns == 1:
        return [name]
    if columns == 3 and kind in _TRIAXIAL:
        return ["x", "y", "z"]
    raise ChannelError(f"'{name}' has {columns} columns. Name them: channels={{'{name}': ['first', 'second', ...]}}.{video}")


def _channel(stream: str, channel: str, kind: str, told: _Told, *, single: bool) -> Channel:
    whole = f"{stream}.{channel}"
    kind, unit = told.kinds.get(whole, kind), told.units.get(whole, told.units.get(stream))
    if unit is None:
        example = stream if single else f"{stream}.{channel}"
        usual = _USUAL.get(kind, "a.u.")
        rest = "" if usual == "a.u." else ", or 'a.u.' for arbitrary units"
        raise UnitError(f"'{stream}.{channel}' has no unit. Give units={{'{example}': '{usual}'}} if it is in {usual}{rest}.")
    try:
        return Channel(
            name=channel,
            kind=kind,
            unit=normalise_unit(unit),
            position=told.positions.get(whole, told.positions.get(stream, "")),
            description=told.descriptions.get(whole, told.descriptions.get(stream, "")),
        )
    except ValidationError as error:
        named = any(part["loc"][:1] in (("name",), ("kind",)) for part in error.errors())
        hint = " Names are lower-case letters, digits, '.', '_' and '-'." if named else ""
        raise ChannelError(f"'{stream}.{channel}': {describe(error)}.{hint}") from None


def _from_series(series: Any, where: str) -> NDArray[Any]:
    """One column; a nullable pandas column (Float64, Int64) becomes float with NaN, anything else keeps its dtype for the check later."""
    kind = getattr(series.dtype, "kind", "O")
    if not isinstance(series.dtype, np.dtype) and kind in "iuf":
        return series.to_numpy(dtype="float64", na_value=np.nan)
    column = series.to_numpy()
    if column.dtype.kind not in "iuf":
        raise DTypeError(f"Column '{where}' holds {series.dtype}, expected real numbers. Select the sensor columns first.")
    return column


def _stream_of(key: str, arrays: Collection[str]) -> str | None:
    """The stream that "stream" or "stream.channel" names: names may hold dots themselves, so the longest that fits."""
    fits = [name for name in arrays if key == name or key.startswith(f"{name}.")]
    return max(fits, key=len, default=None)


def _refuse_unknown(given: Mapping[str, Any], arrays: Mapping[str, Any], what: str, *, by_channel: bool) -> None:
    for key in given:
        if key not in arrays and not (by_channel and _stream_of(key, arrays) is not None):
            raise ChannelError(f"{what} names '{key}', which is not among the arrays. {suggest(key, arrays)}Arrays: {', '.join(arrays)}.")
