"""A fixed, made-up input for a model: the golden embedding is what the publisher's machine computed from it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sslts.config import AnyChannels, Channel, Modality, SensorSpec
from sslts.types import ClipClock, RateClock, SensorBatch, Signal

ROWS = 2


def golden_batch(spec: SensorSpec, seed: int) -> SensorBatch:
    """Two windows of slow drift, a rhythm and noise per channel, inside each channel's valid range; wholly a function of (spec, seed).

    NumPy draws the numbers: its generators are stable across versions and machines, torch's need not be.
    """
    random = np.random.default_rng(seed)
    return SensorBatch({modality.name: _signal(modality, spec, random) for modality in _modalities(spec)})


def _modalities(spec: SensorSpec) -> tuple[Modality, ...]:
    """The spec's own; for a model that reads any channels, three axes on the right wrist of each kind that it knows."""
    if not isinstance(spec.modalities, AnyChannels):
        return spec.named
    rate_hz = spec.modalities.rate_hz
    return tuple(
        Modality(
            name=kind,
            rate_hz=rate_hz,
            channels=tuple(Channel(name=axis, kind=kind, unit=unit, position="right wrist") for axis in ("x", "y", "z")),
        )
        for kind, unit in sorted(spec.modalities.units.items())
    )


def _signal(modality: Modality, spec: SensorSpec, random: np.random.Generator) -> Signal:
    samples = spec.samples(modality)
    time_s = np.arange(samples) / modality.rate_hz
    rows = np.empty((ROWS, len(modality.channels), samples), dtype=np.float32)
    for row in range(ROWS):
        for index, channel in enumerate(modality.channels):
            low, high = channel.valid or (-1.0, 1.0)
            middle, reach = (low + high) / 2, (high - low) / 8
            rhythm = np.sin(2 * np.pi * (random.uniform(0.05, 0.4) * modality.rate_hz**0.5 * time_s + random.uniform()))
            drift = np.cumsum(random.standard_normal(samples)) / np.sqrt(samples)
            rows[row, index] = np.clip(middle + reach * (rhythm + drift + 0.3 * random.standard_normal(samples)), low, high)
    if modality.frame is not None:
        rows = _film(rows, modality)
    values = torch.from_numpy(rows)
    return Signal(
        values=values,
        channels=modality.channels,
        clock=ClipClock() if spec.clock == "clip" else RateClock(modality.rate_hz),
        present=torch.ones(ROWS, dtype=torch.bool),
        observed=torch.ones(values.shape if modality.frame is None else (ROWS, 1, samples), dtype=torch.bool),
    )


def _film(rows: NDArray[np.float32], modality: Modality) -> NDArray[np.float32]:
    """[B, C, T] -> [B, C, T, H, W]: each frame a ramp from corner to corner, as bright and as tilted as its number says."""
    down, across = (np.linspace(-1, 1, size, dtype=np.float32) for size in modality.frame or ())
    tilt = 1 + 0.25 * down[:, None] * across[None, :] + 0.25 * np.sign(rows[..., None, None]) * down[:, None]
    film = np.asarray(rows[..., None, None] * tilt, dtype=np.float32)
    for index, channel in enumerate(modality.channels):
        if channel.valid is not None:
            film[:, index] = np.clip(film[:, index], *channel.valid)
    return film
