"""Shares of positive responses to fixed kernels on an octave pyramid: the shape of a signal at several time scales.

After ROCKET and MiniRocket (Dempster et al. 2020, arXiv:1910.13051; 2021, arXiv:2012.08791): the 84 kernels of length 9 with weights -1 and
three 2s, pooled as the proportion of values above a threshold. Where MiniRocket dilates, this halves the rate (anti-aliased by a mean of
two) and convolves again, which costs half as much at each octave and sees a smoothed signal at long scales. Thresholds are spread
log-uniformly, by a low-discrepancy sequence, over the range of responses in the bundled recording: two numbers an octave and channel
(`ranges`).
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

KERNELS = 84
LENGTH = 9
_GOLDEN = (math.sqrt(5) - 1) / 2
_CACHED = 1 << 20  # responses held at a time


def fixed_kernels() -> Tensor:
    """The 84 kernels [84, 1, 9]: every choice of three positions with weight 2 among -1; each sums to zero."""
    kernels = torch.full((KERNELS, 1, LENGTH), -1.0)
    for index, places in enumerate(itertools.combinations(range(LENGTH), 3)):
        kernels[index, 0, list(places)] = 2.0
    return kernels


class KernelShares(nn.Module):
    """[B, C, T] -> [B, octaves * C * 84 * thresholds], each in 0..1."""

    kernels: Tensor
    spread: Tensor
    sign: Tensor
    log_range: Tensor

    def __init__(self, log_range: Tensor, *, thresholds: int) -> None:
        """log_range: [octaves, channels, 2], log of the smallest and of the largest threshold."""
        super().__init__()
        octaves, channels, _ = log_range.shape
        self.octaves = octaves
        self.register_buffer("kernels", fixed_kernels()[:, 0], persistent=False)
        places = torch.arange(1, channels * KERNELS * thresholds + 1, dtype=torch.float64)
        shift = torch.arange(octaves, dtype=torch.float64)[:, None] * 977
        spread = ((places + shift) * _GOLDEN).remainder(1.0)
        sign = torch.where(((places + shift) * _GOLDEN * 7.13).floor().remainder(2) == 0, 1.0, -1.0)
        shape = (octaves, channels, KERNELS, thresholds)
        self.register_buffer("spread", spread.float().reshape(shape), persistent=False)
        self.register_buffer("sign", sign.float().reshape(shape), persistent=False)
        self.register_buffer("log_range", log_range.float(), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """Shares of the window above each threshold."""
        # A few windows at a time, so that their responses stay in the cache.
        rows = max(1, _CACHED // (KERNELS * values.shape[1] * values.shape[2]))
        return torch.cat([self._describe(part) for part in values.split(rows)])

    def _pyramid(self, values: Tensor) -> list[Tensor]:
        octaves = [values]
        while len(octaves) < self.octaves:
            octaves.append(functional.avg_pool1d(octaves[-1], 2))
        return octaves

    def _describe(self, values: Tensor) -> Tensor:
        low, high = self.log_range[..., None, None, :].unbind(-1)
        threshold = self.sign * (low + (high - low) * self.spread).exp()
        found = []
        for octave, halved in enumerate(self._pyramid(values)):
            response = self._responses(halved)
            above = [share_above(response, threshold[octave, ..., k]) for k in range(threshold.shape[-1])]
            found.append(torch.stack(above, dim=-1).flatten(1))
        return torch.cat(found, dim=1)

    def _responses(self, values: Tensor) -> Tensor:
        """[..., T] -> [..., 84, T - 8]. One small matrix product: a third of the time of conv1d, which is tuned for many channels."""
        return self.kernels @ values.unfold(-1, LENGTH, 1).transpose(-1, -2)


def share_above(values: Tensor, threshold: Tensor) -> Tensor:
    """Share of values above the threshold. [..., T], [...] -> [...]."""
    above = (values > threshold[..., None]).view(torch.uint8)
    samples = above.shape[-1]
    # Eight flags are added at a time, as the bytes of one int64: at most 255 of them before a byte could overflow.
    words = functional.pad(above, (0, -samples % 8)).view(torch.int64)
    counts = [part.sum(-1, keepdim=True).view(torch.uint8).sum(-1) for part in words.split(255, dim=-1)]
    return torch.stack(counts).sum(0).to(values.dtype) / samples


def response_range(values: Tensor, octaves: int) -> Tensor:
    """The range of thresholds that suits some windows: how `ranges` was made. [B, C, T] -> log range [octaves, C, 2]."""
    probe = KernelShares(torch.zeros(octaves, values.shape[1], 2), thresholds=1)
    found = []
    for halved in probe._pyramid(values):
        for channel in range(values.shape[1]):
            size = probe._responses(halved[:, channel]).abs().flatten()
            size = size[:: max(1, size.numel() // 500_000)]
            top = torch.quantile(size, 0.995).clamp(min=1e-6)
            found.append(torch.stack([torch.maximum(torch.quantile(size, 0.3), 0.003 * top), 1.5 * top]).log())
    return torch.stack(found).reshape(octaves, values.shape[1], 2)
