"""Small statistics of [..., T] signals that several descriptors share. All are row by row and finite for finite input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def quantiles(values: Tensor, levels: Sequence[float]) -> Tensor:
    """[B, C, T] -> [B, C * len(levels)]."""
    table = torch.quantile(values, torch.tensor(levels, dtype=values.dtype, device=values.device), dim=-1)
    return table.movedim(0, -1).flatten(1)


def slope(values: Tensor) -> Tensor:
    """Least-squares change over half a window. [..., T] -> [...]."""
    time = torch.linspace(-1, 1, values.shape[-1], dtype=values.dtype, device=values.device)
    return (values * time).mean(-1) / time.square().mean()


def detrended(values: Tensor) -> Tensor:
    """Without mean and straight line. [..., T]."""
    time = torch.linspace(-1, 1, values.shape[-1], dtype=values.dtype, device=values.device)
    return values - values.mean(-1, keepdim=True) - slope(values)[..., None] * time


def pieces(values: Tensor, count: int) -> Tensor:
    """[..., T] -> [..., count, T // count]: equal pieces, a rest at the end dropped."""
    length = values.shape[-1] // count
    return values[..., : count * length].unflatten(-1, (count, length))


def smooth(values: Tensor, width: int) -> Tensor:
    """Centred moving mean of `width` (made odd) samples. [B, C, T] -> [B, C, T]; shorter means at the edges."""
    odd = width | 1
    return torch.nn.functional.avg_pool1d(values, odd, 1, odd // 2, count_include_pad=False)


def log_band_power(values: Tensor, rate_hz: float, edges_hz: Sequence[float], floor: float) -> Tensor:
    """Log power in frequency bands (Hann periodogram of the detrended window). [B, C, T] -> [B, C * (len(edges) - 1)].

    `floor` is added before the logarithm, in squared units of the signal: power below it counts as none.
    """
    samples = values.shape[-1]
    window = torch.hann_window(samples, periodic=False, dtype=values.dtype, device=values.device)
    spectrum = torch.fft.rfft(detrended(values) * window).abs().square() / window.square().sum() / samples
    frequency = torch.arange(spectrum.shape[-1], device=values.device) * (rate_hz / samples)
    bands = [(frequency >= low) & (frequency < high) for low, high in zip(edges_hz, edges_hz[1:], strict=False)]
    power = 2 * spectrum @ torch.stack(bands, dim=1).to(spectrum.dtype)
    return (power + floor).log().flatten(1)


def band_pass(values: Tensor, rate_hz: float, low_hz: float, high_hz: float) -> Tensor:
    """Smooth band-pass in the frequency domain. [..., T] -> [..., T]."""
    samples = values.shape[-1]
    spectrum = torch.fft.rfft(values)
    frequency = torch.arange(spectrum.shape[-1], device=values.device, dtype=values.dtype) * (rate_hz / samples)
    gain = torch.sigmoid((frequency - low_hz) / (0.025 * low_hz)) * torch.sigmoid((high_hz - frequency) / (0.025 * high_hz))
    return torch.fft.irfft(spectrum * gain, n=samples)


def autocorrelation(values: Tensor) -> Tensor:
    """Unbiased, 1 at lag 0. [..., T] -> [..., T] (lags 0..T-1)."""
    samples = values.shape[-1]
    spectrum = torch.fft.rfft(values - values.mean(-1, keepdim=True), n=2 * samples)
    raw = torch.fft.irfft(spectrum.abs().square())[..., :samples]
    overlap = 1 - torch.arange(samples, device=values.device, dtype=values.dtype) / samples
    return raw / (raw[..., :1] + 1e-6) / overlap.clamp(min=0.2)


def masked_quantiles(values: Tensor, valid: Tensor, levels: Sequence[float]) -> Tensor:
    """Quantiles of the valid entries only (nearest rank). [B, N], bool [B, N] -> [B, len(levels)]; 0 where a row has none."""
    ordered = torch.where(valid, values, torch.full_like(values, torch.inf)).sort(-1).values
    count = valid.sum(-1, keepdim=True)
    rank = torch.tensor(levels, dtype=values.dtype, device=values.device) * (count - 1).clamp(min=0)
    picked = ordered.gather(-1, rank.round().long())
    return torch.where(count > 0, picked, torch.zeros_like(picked))


def masked_moments(values: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the valid entries. [B, N] -> [B], [B]; 0 where there are none."""
    weight = valid.to(values.dtype)
    kept = torch.where(valid, values, torch.zeros_like(values))
    count = weight.sum(-1).clamp(min=1)
    mean = kept.sum(-1) / count
    spread = torch.where(valid, values - mean[..., None], torch.zeros_like(values)).square().sum(-1) / count
    return mean, spread.sqrt()
