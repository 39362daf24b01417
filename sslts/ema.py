"""A moving-average copy of a module: the target network of JEPA-style methods."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from sslts.errors import ConfigError


class MovingAverage(nn.Module):
    """`average <- decay * average + (1 - decay) * online`, without gradients. Buffers are copied.

    The copy lives in training checkpoints only; a published artefact holds the online weights.
    """

    def __init__(self, online: nn.Module) -> None:
        super().__init__()
        self.average = copy.deepcopy(online).requires_grad_(False)

    @torch.no_grad()
    def update(self, online: nn.Module, decay: float) -> None:
        """One step. decay in [0, 1]: 1 keeps the average, 0 copies the online module."""
        if not 0 <= decay <= 1:
            raise ConfigError(f"decay must be between 0 and 1, got {decay}.")
        for mean, parameter in zip(self.average.parameters(), online.parameters(), strict=True):
            mean.lerp_(parameter.detach(), 1 - decay)
        for stored, buffer in zip(self.average.buffers(), online.buffers(), strict=True):
            stored.copy_(buffer)

    def forward(self, *args: Tensor) -> object:
        """Whatever the averaged module returns."""
        return self.average(*args)


def cosine_decay(step: int, total: int, *, start: float = 0.996, end: float = 1.0) -> float:
    """The usual schedule of the decay from `start` to `end` (BYOL, Grill et al. 2020, sec. 3.2)."""
    progress = min(max(step / max(total, 1), 0.0), 1.0)
    return end - (end - start) * (1 + torch.cos(torch.tensor(torch.pi * progress)).item()) / 2
