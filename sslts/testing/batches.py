"""Batches of windows to feed methods and captioners with, and what may be done to them without changing a result."""

from __future__ import annotations

from dataclasses import replace

import torch

from sslts.config import Channel
from sslts.testing.kit import ROWS, noise
from sslts.types import RateClock, SensorBatch, Signal


def some_batch(rows: int = ROWS, *, samples: int = 64, rate_hz: float = 32.0) -> SensorBatch:
    """An accelerometer (g) and a gyroscope (rad/s); the gyroscope is absent from row 1, and the last row has neither."""
    made = {}
    for index, (name, kind, unit) in enumerate((("acc", "accelerometer", "g"), ("gyro", "gyroscope", "rad/s"))):
        channels = tuple(Channel(name=axis, kind=kind, unit=unit, position="right wrist") for axis in ("x", "y", "z"))
        values = noise(rows, 3, samples, seed=index)
        present = torch.ones(rows, dtype=torch.bool)
        present[-1] = False
        if name == "gyro":
            present[1] = False
        made[name] = Signal(values, channels, RateClock(rate_hz), present, torch.ones_like(values, dtype=torch.bool))
    return SensorBatch(made)


def soiled(batch: SensorBatch, junk: float) -> SensorBatch:
    """The same batch with junk wherever nothing is to be read."""

    def filled(signal: Signal) -> Signal:
        usable = signal.usable if signal.values.dim() == 3 else signal.usable[..., None, None]
        return replace(signal, values=signal.values.masked_fill(~usable.expand_as(signal.values), junk))

    return replace(batch, signals={name: filled(signal) for name, signal in batch.signals.items()})


def in_dtype(batch: SensorBatch, dtype: torch.dtype) -> SensorBatch:
    """The same batch in another precision."""
    return replace(batch, signals={name: replace(signal, values=signal.values.to(dtype)) for name, signal in batch.signals.items()})
