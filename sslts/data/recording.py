"""A recording: one or more streams on a common clock, each with its channels, unit and rate; optionally labels, events and a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sslts.config import Channel, Modality
from sslts.data.labels import LabelTrack
from sslts.errors import ChannelError, DTypeError, FrameSizeError, LengthError, MissingModalityError, RateError, SignalError


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One sensor's samples, or a video's frames, at a constant rate.

    values:   float32 [T, C], or [T, C, H, W] for video, in the units of `channels`; 0 where not observed
    observed: bool [T, C], [T, 1] for video, or None when every sample is observed
    start_s:  time of the first sample on the recording's clock

    NaN and infinities given in `values` become unobserved samples; a frame that holds one is lost as a whole.
    """

    name: str
    channels: tuple[Channel, ...]
    rate_hz: float
    values: NDArray[np.float32]
    observed: NDArray[np.bool_] | None = None
    start_s: float = 0.0

    def __post_init__(self) -> None:
        _check_rate(self.rate_hz, self.name)
        if not np.isfinite(self.start_s):
            raise SignalError(f"Stream '{self.name}' starts at {self.start_s} s, expected a finite time.")
        values = np.asarray(self.values)
        if values.dtype != np.float32 or values.ndim not in (2, 4):
            raise DTypeError(
                f"Stream '{self.name}' needs float32 values [T, C], or [T, C, H, W] for video, got {values.dtype} {values.shape}. "
                "Recording.from_arrays converts."
            )
        if values.ndim == 4 and 0 in values.shape[2:]:
            raise FrameSizeError(
                f"Stream '{self.name}' has frames of {values.shape[2]} x {values.shape[3]} pixels, expected at least 1 x 1."
            )
        names = [channel.name for channel in self.channels]
        if len(names) != values.shape[1]:
            raise ChannelError(f"Stream '{self.name}' has {values.shape[1]} columns but {len(names)} channels ({', '.join(names)}).")
        if len(set(names)) != len(names):
            raise ChannelError(f"Stream '{self.name}' names a channel twice: {', '.join(names)}. Each channel needs its own name.")
        observed = self.observed
        expected = values.shape if values.ndim == 2 else (len(values), 1)
        if observed is not None:
            observed = np.asarray(observed)
            if observed.shape != expected or observed.dtype != np.bool_:
                raise LengthError(
                    f"Stream '{self.name}': observed must be bool {expected}, like values, got {observed.dtype} {observed.shape}."
                )
        finite = np.isfinite(values) if values.ndim == 2 else np.logical_and.reduce(np.isfinite(values), axis=(1, 2, 3))[:, None]
        if not finite.all():
            observed = finite if observed is None else observed & finite
        if observed is not None:
            if observed.all():
                observed = None
            else:
                seen = observed if values.ndim == 2 else observed[:, :, None, None]
                if not np.all(np.where(seen, np.float32(0), values) == 0):
                    values = np.where(seen, values, np.float32(0))
        object.__setattr__(self, "rate_hz", float(self.rate_hz))
        object.__setattr__(self, "start_s", float(self.start_s))
        object.__setattr__(self, "channels", tuple(self.channels))
        object.__setattr__(self, "values", _read_only(values))
        object.__setattr__(self, "observed", None if observed is None else _read_only(observed))

    def __len__(self) -> int:
        return self.values.shape[0]

    def __repr__(self) -> str:
        units = "/".join(dict.fromkeys(channel.unit for channel in self.channels))
        lost = "" if self.observed is None else f", {100 * (1 - self.observed.mean()):.1f} % lost"
        names = ", ".join(self.channel_names) if len(self.channels) <= 6 else f"{len(self.channels)} channels"
        names += "" if self.frame is None else f" of {self.frame[0]} x {self.frame[1]} pixels"
        return f"Stream({self.name}: {names} in {units}, {self.rate_hz:g} Hz, {_duration(self.duration_s)}{lost})"

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Channel names, in column order."""
        return tuple(channel.name for channel in self.channels)

    @property
    def duration_s(self) -> float:
        """Seconds that the samples cover."""
        return len(self) / self.rate_hz

    @property
    def end_s(self) -> float:
        """End of the last sample on the recording's clock."""
        return self.start_s + self.duration_s

    @property
    def modality(self) -> Modality:
        """What this stream is, as a spec entry."""
        return Modality(name=self.name, rate_hz=self.rate_hz, channels=self.channels, frame=self.frame)

    @property
    def frame(self) -> tuple[int, int] | None:
        """(rows, columns) of a video's frames; None for a sensor."""
        return None if self.values.ndim == 2 else (self.values.shape[2], self.values.shape[3])

    def is_observed(self) -> NDArray[np.bool_]:
        """bool [T, C], [T, 1] for video, spelt out."""
        if self.observed is not None:
            return self.observed
        return np.ones(self.values.shape if self.frame is None else (len(self), 1), dtype=bool)

    def window(self, *, start_s: float, end_s: float) -> Stream:
        """The samples nearest to [start_s, end_s) on the recording's clock; fewer, or none, where the stream does not reach."""
        first = int(np.clip(sample_index(start_s, self), 0, len(self)))
        last = int(np.clip(sample_index(end_s, self), first, len(self)))
        return replace(
            self,
            values=self.values[first:last],
            observed=None if self.observed is None else self.observed[first:last],
            start_s=self.start_s + first / self.rate_hz,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Streams on one clock.

    `start_unix` is the UNIX time of second 0 of that clock, if known. `events_s` are marked moments (an E4's button presses).
    """

    streams: Mapping[str, Stream]
    subject: str | None = None
    session: str | None = None
    labels: LabelTrack | None = None
    start_unix: float | None = None
    events_s: tuple[float, ...] = field(default=())

    def __post_init__(self) -> None:
        for name, stream in self.streams.items():
            if name != stream.name:
                raise ChannelError(f"Stream '{stream.name}' is filed under '{name}'. Use the stream's own name as the key.")
        object.__setattr__(self, "streams", MappingProxyType(dict(self.streams)))

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, Any],
        *,
        rate_hz: float | Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        channels: Mapping[str, Sequence[str]] | None = None,
        kinds: Mapping[str, str] | None = None,
        positions: Mapping[str, str] | None = None,
        descriptions: Mapping[str, str] | None = None,
        start_s: Mapping[str, float] | None = None,
        subject: str | None = None,
        session: str | None = None,
        labels: LabelTrack | None = None,
    ) -> Self:
        """A recording from arrays [T] or [T, C], or [T, C, H, W] of a video, one for each stream.

        Args:
            arrays: `{"acc": array [T, 3], "eda": array [T]}`. Real numbers; NaN and infinities count as lost samples.
            rate_hz: one rate for all streams, or `{name: rate}`. Required: an array does not know its rate.
            units: `{name: unit}`, or `{"name.channel": unit}` where channels differ. Required.
            channels: `{name: [channel, ...]}`. One column is named like its stream, three of an inertial sensor x, y, z.
            kinds: `{name: what is measured}`; known names such as "acc" or "eda" need none.
            positions: `{name: where on the body}`, for models that read in words what channels are.
            descriptions: `{"name.channel": a sentence}` instead of what kind, position and unit say; one for each axis.
            start_s: `{name: time of the first sample}` on a common clock; 0 where not given.

        units, kinds, positions and descriptions may be given for a stream, `{name: ...}`, or for one channel, `{"name.channel": ...}`.

        Raises:
            RateError, UnitError: missing or not usable; the message shows how to give them.
            ChannelError, LengthError, DTypeError: columns, shape or numbers do not fit.
        """
        from sslts.data.arrays import streams_from_arrays

        streams = streams_from_arrays(arrays, rate_hz, units, channels, kinds, start_s, positions, descriptions)
        return cls(streams, subject=subject, session=session, labels=labels)

    @classmethod
    def from_pandas(
        cls,
        frames: Any,
        *,
        rate_hz: float | Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        name: str = "signal",
        kinds: Mapping[str, str] | None = None,
        positions: Mapping[str, str] | None = None,
        descriptions: Mapping[str, str] | None = None,
        start_s: Mapping[str, float] | None = None,
        subject: str | None = None,
        session: str | None = None,
        labels: LabelTrack | None = None,
    ) -> Self:
        """A recording from a pandas frame or series, or from `{name: frame}`; column names are channel names.

        `name` names the only stream when a bare frame is given. The index is not read: rates are given as in `from_arrays`.
        Raises as `from_arrays` does.
        """
        from sslts.data.arrays import frames_to_arrays

        arrays, channels = frames_to_arrays(frames, name)
        told: dict[str, Any] = {"kinds": kinds, "positions": positions, "descriptions": descriptions, "start_s": start_s}
        whose: dict[str, Any] = {"subject": subject, "session": session, "labels": labels}
        return cls.from_arrays(arrays, rate_hz=rate_hz, units=units, channels=channels, **told, **whose)

    @property
    def names(self) -> tuple[str, ...]:
        """Stream names."""
        return tuple(self.streams)

    @property
    def start_s(self) -> float:
        """Where the earliest stream starts (0 without streams)."""
        return min((stream.start_s for stream in self.streams.values()), default=0.0)

    @property
    def end_s(self) -> float:
        """Where the latest stream ends (0 without streams)."""
        return max((stream.end_s for stream in self.streams.values()), default=0.0)

    @property
    def duration_s(self) -> float:
        """Seconds from the earliest start to the latest end."""
        return self.end_s - self.start_s

    def without(self, *names: str) -> Self:
        """The same recording without some streams.

        Raises:
            MissingModalityError: there is no such stream.
        """
        unknown = sorted(set(names) - set(self.streams))
        if unknown:
            raise MissingModalityError(f"Cannot remove {', '.join(unknown)}: this recording holds {', '.join(self.names) or 'no stream'}.")
        return replace(self, streams={name: stream for name, stream in self.streams.items() if name not in names})

    def only(self, *names: str) -> Self:
        """The same recording with these streams alone, as when only the unit on the arm were worn.

        Raises:
            MissingModalityError: there is no such stream.
        """
        unknown = sorted(set(names) - set(self.streams))
        if unknown or not names:
            asked = f"has no {', '.join(unknown)}" if unknown else "was asked for no stream"
            raise MissingModalityError(f"This recording {asked}: it holds {', '.join(self.names) or 'no stream'}.")
        return replace(self, streams={name: stream for name, stream in self.streams.items() if name in names})

    def window(self, *, start_s: float, duration_s: float | None = None) -> Self:
        """A stretch of the recording, on the same clock, to the end when no duration is given.

        Raises:
            LengthError: the stretch is empty or lies outside the recording.
        """
        end_s = self.end_s if duration_s is None else start_s + duration_s
        if not (start_s < end_s and start_s < self.end_s and end_s > self.start_s):
            raise LengthError(
                f"No sample between {start_s:g} s and {end_s:g} s: this recording runs from {self.start_s:g} s to {self.end_s:g} s."
            )
        return replace(
            self,
            streams={name: stream.window(start_s=start_s, end_s=end_s) for name, stream in self.streams.items()},
            labels=None if self.labels is None else self.labels.between(start_s, end_s),
            events_s=tuple(event for event in self.events_s if start_s <= event < end_s),
        )

    def summary(self) -> str:
        """A few lines for people: who, how long, which streams, which labels."""
        who = " ".join(part for part in (self.subject, self.session if self.session != self.subject else None) if part)
        lines = [f"Recording{f' of {who}' if who else ''}, {_duration(self.duration_s)}"]
        lines += [f"  {stream!r}" for stream in self.streams.values()] or ["  no stream"]
        if self.labels is not None:
            seconds = {name: sum(i.duration_s for i in self.labels.intervals if i.label == name) for name in self.labels.names}
            lines.append("  labels: " + (", ".join(f"{name} {_duration(total)}" for name, total in seconds.items()) or "none"))
        if self.events_s:
            lines.append(f"  events: {len(self.events_s)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        rates = ", ".join(f"{stream.name} {stream.rate_hz:g} Hz" for stream in self.streams.values())
        return f"Recording({self.subject or 'unnamed'}: {rates or 'no stream'}; {_duration(self.duration_s)})"


def sample_index(time_s: Any, stream: Stream) -> Any:
    """The nearest sample's index (may lie outside the stream); halves round up, with a hair of tolerance for floating point."""
    return np.floor((np.asarray(time_s, dtype=np.float64) - stream.start_s) * stream.rate_hz + 0.5 + 1e-6).astype(np.int64)


def _check_rate(rate_hz: Any, name: str) -> None:
    if isinstance(rate_hz, bool) or not isinstance(rate_hz, int | float | np.integer | np.floating) or not 0 < rate_hz <= 1e6:
        raise RateError(f"Stream '{name}' needs a rate in Hz above 0 and up to 1e6, got {rate_hz!r}.")


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.4g} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
