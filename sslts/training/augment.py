"""Random changes of training windows that change nothing about what a person does: how a sensor sits, and how strongly it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sslts.config import Channel
from sslts.training.recipe import Augmentation
from sslts.training.source import WindowSource
from sslts.types import SensorBatch, Signal


@dataclass(frozen=True, slots=True)
class Augmented:
    """A source whose windows are changed anew each time they are read, by the reading's own generator. recorded: the source itself."""

    recorded: WindowSource
    settings: Augmentation

    def __len__(self) -> int:
        return len(self.recorded)

    def __getattr__(self, name: str) -> object:
        return getattr(self.recorded, name)

    def ids(self, indices: Sequence[int]) -> Sequence[str]:
        """The source's names."""
        return self.recorded.ids(indices)

    def batch(self, indices: Sequence[int], *, generator: torch.Generator) -> SensorBatch:
        """These windows, changed."""
        return augment(self.recorded.batch(indices, generator=generator), self.settings, generator=generator)


def augment(batch: SensorBatch, settings: Augmentation, *, generator: torch.Generator) -> SensorBatch:
    """Rotate each device of each window and scale each of its sensors. Where nothing was observed stays untouched.

    Sensors on one position are one device: its accelerometer, gyroscope and magnetometer turn together, or physics would not hold.
    """
    signals, turns = dict(batch.signals), dict[str, Tensor]()
    for name, signal in batch.signals.items():
        if (settings.rotate_deg or settings.any_rotation) and _three_axes(signal.channels):
            place = signal.channels[0].position
            if place not in turns:
                turns[place] = _turns(len(batch), settings, generator)
            signal = _turned(signal, turns[place])
        if settings.scale:
            gain = torch.exp(settings.scale * torch.randn(len(batch), 1, 1, generator=generator))
            signal = replace(signal, values=torch.where(signal.observed, gain * signal.values, signal.values))
        signals[name] = signal
    return replace(batch, signals=signals)


def random_rotations(count: int, spread_deg: float, *, generator: torch.Generator) -> Tensor:
    """[count, 3, 3]: about axes in all directions, by angles of which each component is normal with this spread."""
    angle = torch.deg2rad(torch.tensor(spread_deg)) * torch.randn(count, 3, generator=generator)
    x, y, z, zero = *angle.unbind(1), torch.zeros(count)
    return torch.matrix_exp(torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(count, 3, 3))


def _turns(count: int, settings: Augmentation, generator: torch.Generator) -> Tensor:
    small = random_rotations(count, settings.rotate_deg, generator=generator)
    if not settings.any_rotation:
        return small
    free = any_rotations(count, generator=generator)
    return torch.where(torch.rand(count, 1, 1, generator=generator) < settings.any_rotation, free, small)


def any_rotations(count: int, *, generator: torch.Generator) -> Tensor:
    """[count, 3, 3], uniform over all rotations: unit quaternions from four normal numbers (Marsaglia 1972)."""
    w, x, y, z = torch.nn.functional.normalize(torch.randn(count, 4, generator=generator), dim=1).unbind(1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def _three_axes(channels: Sequence[Channel]) -> bool:
    return len(channels) == 3 and len({(channel.kind, channel.unit, channel.position) for channel in channels}) == 1


def _turned(signal: Signal, turns: Tensor) -> Signal:
    """A rotated axis mixes all three: where one was lost, none is observed any more."""
    seen = signal.observed.all(1, keepdim=True).expand_as(signal.observed)
    clean = torch.where(seen, signal.values, torch.zeros((), dtype=signal.values.dtype))
    return replace(signal, values=torch.where(seen, torch.einsum("bij,bjt->bit", turns, clean), signal.values), observed=seen)
