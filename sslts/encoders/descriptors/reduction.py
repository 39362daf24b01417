"""Standardise, then principal components: fitted once on training windows, without labels, and fixed afterwards."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Reduction(nn.Module):
    """[B, F] -> quiet [B, components] and kept [B, keep].

    Kept: the leading components, each of unit variance over the training windows. Quiet: all components, their loudness falling with the
    square root of their deviation and of unit mean square together, so that what is rarely large does not drown what is often.
    A number that varies less than `least` over the training windows is only centred: scaling it up would amplify noise.
    """

    mean: Tensor
    scale: Tensor
    centre: Tensor
    deviation: Tensor
    components: Tensor

    def __init__(self, numbers: int, components: int, *, keep: int, clip: float, least: float) -> None:
        super().__init__()
        self.keep, self.clip, self.least = keep, clip, least
        count = min(components, numbers)
        self.register_buffer("mean", torch.zeros(numbers))
        self.register_buffer("scale", torch.ones(numbers))
        self.register_buffer("centre", torch.zeros(count))
        self.register_buffer("deviation", torch.ones(count))
        # Half precision: it is the largest part of the artefact, and its rounding is far below that of a share.
        self.register_buffer("components", torch.zeros(numbers, count, dtype=torch.float16))

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """values [B, F] -> quiet [B, components], kept [B, keep]."""
        unit = (self._standard(values) @ self.components.to(values.dtype) - self.centre) / self.deviation
        loudness = (self.deviation / self.deviation.mean()).sqrt()
        return unit * loudness, unit[:, : self.keep]

    @torch.no_grad()
    def fit(self, values: Tensor) -> None:
        """Fit to training windows [B, F]."""
        deviation = values.std(0, correction=0)
        self.mean.copy_(values.mean(0))
        self.scale.copy_(torch.where(deviation > self.least, deviation, torch.ones_like(deviation)))
        standard = self._standard(values).double()
        centred = standard - standard.mean(0)
        count = min(self.components.shape[1], *centred.shape)
        # Components of the smaller of the two Gram matrices.
        if centred.shape[0] < centred.shape[1]:
            strength, left = torch.linalg.eigh(centred @ centred.T)
            directions = centred.T @ left[:, -count:] / strength[-count:].clamp(min=1e-9).sqrt()
        else:
            strength, directions = torch.linalg.eigh(centred.T @ centred)
            directions = directions[:, -count:]
        self.components.zero_()
        self.components[:, :count] = directions.flip(1).to(self.components.dtype)
        found = self._standard(values) @ self.components.to(values.dtype)
        self.centre.copy_(found.mean(0))
        spread = found.std(0, correction=0)
        self.deviation.copy_(torch.where(spread > 1e-4, spread, torch.ones_like(spread)))

    def _standard(self, values: Tensor) -> Tensor:
        return ((values - self.mean) / self.scale).clamp(-self.clip, self.clip)
