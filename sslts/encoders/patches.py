"""Patches of one channel as numbers that an encoder can embed: fixed, without parameters, at any rate.

A patch is a fixed stretch of time, not a number of samples: it is read at `points` evenly spaced moments, so that one set of weights serves
every rate. Level and strength are told apart from shape. Shape is what MiniRocket sees (Dempster et al. 2021, arXiv:2012.08791): how often
the responses to 84 fixed kernels, at several dilations, exceed a threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import torch
from einops import rearrange
from torch import Tensor

from sslts import ops
from sslts.encoders.descriptors.shares import KERNELS, LENGTH, fixed_kernels
from sslts.errors import LengthError
from sslts.types import Signal, Tokens

_DILATIONS = (1, 2, 4)
_QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_BANDS = 17
_LAGS = 14
_SUMMARIES = 3 + len(_QUANTILES) + _BANDS + _LAGS
# Responses to a patch of unit variance: thresholds from a tenth of a deviation to five.
_THRESHOLDS = (0.1, 5.0)
_GOLDEN = (math.sqrt(5) - 1) / 2
#: A deviation that is small, in units of what is large: noise is not scaled up to a shape.
_QUIET = 0.03
_CACHED = 1 << 19


def width(points: int) -> int:
    """F: numbers that describe one patch."""
    return _SUMMARIES + KERNELS * len(_dilations(points))


def patch_tokens(signal: Signal, *, patch_s: float, points: int, scales: Mapping[str, float], described: Tensor | None = None) -> Tokens:
    """One token for each channel and whole patch, channel by channel. [B, C, T] -> [B, C * n, F].

    A patch counts where at least half of it was observed; lost samples inside stand at the mean of the others. What is left of the window
    after the last whole patch is not read.

    Args:
        patch_s: seconds that a patch covers.
        points: moments at which a patch is read.
        scales: kind of a channel -> what is large in its unit; 1 where not given.
        described: [C, E], a vector for each channel.

    Raises:
        LengthError: the window is shorter than one patch.
    """
    values, usable = ops.filled(signal), signal.usable
    batch, channels, samples = values.shape
    count = round(signal.clock.duration_s(samples) / patch_s * 1e6) // 10**6  # 5 s of 1 s patches are five, whatever 5 / 1 rounds to
    if count < 1:
        raise LengthError(f"A window of {signal.clock.duration_s(samples):g} s holds no patch of {patch_s:g} s. Give longer windows.")
    each = samples * patch_s / signal.clock.duration_s(samples)
    length = math.floor(each + 1e-6)
    starts = [min(round(index * each), samples - length) for index in range(count)]
    pieces = torch.stack([values[..., first : first + length] for first in starts], dim=2)
    seen = torch.stack([usable[..., first : first + length] for first in starts], dim=2)
    scale = torch.tensor([scales.get(channel.kind, 1.0) for channel in signal.channels], device=values.device, dtype=values.dtype)
    features = describe(pieces / scale[:, None, None], seen, points)
    places = torch.arange(count, device=values.device)
    time_s = ((places + 0.5) * patch_s).to(torch.float32)
    zeros = torch.zeros((1, 1), dtype=torch.long, device=values.device)
    cell = torch.stack([places, torch.zeros_like(places), torch.zeros_like(places)], dim=-1)
    return Tokens(
        values=rearrange(features, "b c n f -> b (c n) f"),
        valid=rearrange(seen.sum(-1) * 2 >= length, "b c n -> b (c n)"),
        time_s=time_s.repeat(channels)[None].expand(batch, -1),
        modality=zeros.expand(batch, channels * count),
        channel=torch.arange(channels, device=values.device).repeat_interleave(count)[None].expand(batch, -1),
        cell=cell.repeat(channels, 1)[None].expand(batch, -1, -1),
        described=described,
    )


def describe(pieces: Tensor, seen: Tensor, points: int) -> Tensor:
    """Patches [..., L] and where they were observed -> [..., F]: level, strength, roughness, quantiles, spectrum, rhythm, shape."""
    weight = seen.to(pieces.dtype)
    total = weight.sum(-1, keepdim=True).clamp(min=1)
    zero = torch.zeros((), dtype=pieces.dtype, device=pieces.device)
    level = torch.where(seen, pieces, zero).sum(-1, keepdim=True) / total
    centred = read_at(torch.where(seen, pieces - level, zero), points).reshape(-1, points)
    strength = centred.square().mean(-1, keepdim=True).sqrt()
    unit = centred / (strength + _QUIET)
    # A few patches at a time, so that their responses stay in the cache.
    rows = max(1, _CACHED // (KERNELS * points))
    shape = torch.cat([_shares(part) for part in unit.split(rows)])
    told = torch.cat([_summaries(centred, strength), shape], dim=-1).unflatten(0, pieces.shape[:-1])
    quantiles = told[..., 2 : 2 + len(_QUANTILES)] + level
    return torch.cat([level, told[..., :2], quantiles, told[..., 2 + len(_QUANTILES) :]], dim=-1)


def _summaries(centred: Tensor, strength: Tensor) -> Tensor:
    """[n, L] -> log strength, log roughness, quantiles, log spectrum in bands, autocorrelation at lags."""
    points = centred.shape[-1]
    roughness = centred.diff(dim=-1).abs().mean(-1, keepdim=True)
    ranked = centred.sort(dim=-1).values
    quantiles = ranked[:, [round(share * (points - 1)) for share in _QUANTILES]]
    window = torch.hann_window(points, periodic=False, device=centred.device, dtype=centred.dtype)
    power = torch.fft.rfft(centred * window, n=2 * points, dim=-1)[:, 1:].abs().square()
    edges = _edges(points, _BANDS)
    bands = torch.stack([power[:, low:high].sum(-1) for low, high in zip(edges[:-1], edges[1:], strict=True)], dim=-1)
    rhythm = torch.fft.irfft(torch.fft.rfft(centred, n=2 * points, dim=-1).abs().square(), dim=-1)
    rhythm = rhythm[:, _lags(points)] / (rhythm[:, :1] + 1e-4 * points)
    return torch.cat(
        [torch.log(strength + 0.01), torch.log(roughness + 0.005), quantiles, torch.log(bands / points + 1e-4), rhythm], dim=-1
    )


def _shares(unit: Tensor) -> Tensor:
    """[n, L] of unit variance -> [n, dilations * 84]: how often each kernel's response exceeds its threshold."""
    kernels = _kernels().to(unit)
    found = []
    for place, dilation in enumerate(_dilations(unit.shape[-1])):
        around = unit.unfold(-1, (LENGTH - 1) * dilation + 1, 1)[..., ::dilation]
        rows, moments, _ = around.shape
        above = torch.addmm(-_thresholds(place).to(unit), around.reshape(rows * moments, LENGTH), kernels)
        # The mean sign is 2 * share - 1, and a third of the time of counting booleans.
        found.append(above.sign_().view(rows, moments, KERNELS).sum(1).div_(2 * moments).add_(0.5))
    return torch.cat(found, dim=-1) if found else unit.new_zeros(len(unit), 0)


@cache
def _kernels() -> Tensor:
    """[9, 84]."""
    return fixed_kernels()[:, 0].T.contiguous()


@cache
def _thresholds(place: int) -> Tensor:
    """One threshold a kernel, log-uniform by a low-discrepancy sequence, of either sign. [84]."""
    steps = (torch.arange(1, KERNELS + 1, dtype=torch.float64) + 977 * place) * _GOLDEN
    least, largest = (math.log(bound) for bound in _THRESHOLDS)
    sign = torch.where((steps * 7.13).floor().remainder(2) == 0, 1.0, -1.0)
    return (sign * torch.exp(least + (largest - least) * steps.remainder(1.0))).float()


def _dilations(points: int) -> tuple[int, ...]:
    return tuple(dilation for dilation in _DILATIONS if (LENGTH - 1) * dilation < points)


def _edges(points: int, bands: int) -> list[int]:
    """Borders of `bands` bands over `points` frequencies: one bin each at the low end, wider and wider above (at least 0 bins)."""
    ratio = points ** (1 / bands)
    edges = [0]
    for index in range(1, bands):
        edges.append(min(points, max(edges[-1] + 1, round(ratio**index))))
    return [*edges, points]


def _lags(points: int) -> list[int]:
    return [max(1, round(points * 0.9 * ((index + 1) / _LAGS) ** 1.5)) for index in range(_LAGS)]


def read_at(values: Tensor, points: int) -> Tensor:
    """[..., L] -> [..., points]: the mean over each of `points` equal stretches, samples on a border counting in part for both."""
    length = values.shape[-1]
    if length == points:
        return values
    summed = torch.nn.functional.pad(values.cumsum(-1), (1, 0))  # the integral up to each sample
    borders = torch.linspace(0, length, points + 1, device=values.device)
    left = borders.floor().long().clamp(max=length - 1)
    upto = summed[..., left] + (borders - left) * values[..., left]
    return (upto[..., 1:] - upto[..., :-1]) * (points / length)
