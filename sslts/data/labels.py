"""Labelled stretches of a recording."""

from __future__ import annotations

from dataclasses import dataclass

from sslts.errors import LengthError, SignalError


@dataclass(frozen=True, slots=True)
class Interval:
    """A labelled stretch [start_s, end_s) on the recording's clock."""

    start_s: float
    end_s: float
    label: str

    def __post_init__(self) -> None:
        if not self.start_s < self.end_s:
            raise LengthError(f"Interval '{self.label}' must end after it starts, got {self.start_s} s to {self.end_s} s.")

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class LabelTrack:
    """Labelled stretches, in time order; what lies between them has no label."""

    intervals: tuple[Interval, ...]

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.intervals, key=lambda interval: interval.start_s))
        for before, after in zip(ordered, ordered[1:], strict=False):
            if after.start_s < before.end_s - 1e-9:
                raise SignalError(
                    f"Labels overlap: '{before.label}' ends at {before.end_s:g} s, '{after.label}' starts at {after.start_s:g} s."
                )
        object.__setattr__(self, "intervals", ordered)

    @property
    def names(self) -> tuple[str, ...]:
        """Distinct labels in order of appearance."""
        return tuple(dict.fromkeys(interval.label for interval in self.intervals))

    def between(self, start_s: float, end_s: float) -> LabelTrack:
        """The labels inside a stretch of time, clipped to it."""
        clipped = [(max(i.start_s, start_s), min(i.end_s, end_s), i.label) for i in self.intervals]
        return LabelTrack(tuple(Interval(start, end, label) for start, end, label in clipped if start < end))
