"""Patches of one channel as numbers that an encoder can embed: fixed, without parameters, at any rate.

A patch is a fixed stretch of time, not a number of samples: it is read at `points` evenly spaced moments, so that one set of weights serves
every rate. Its level, its strength and its shape are told apart, because a device's scale and offset differ more than the shape does.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from sslts import ops
from sslts.errors import LengthError
from sslts.types import Signal, Tokens

#: Numbers of a patch beside its shape and spectrum: level, strength, roughness.
SUMMARIES = 3


def width(points: int) -> int:
    """F: numbers that describe one patch."""
    return SUMMARIES + points + points // 2


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
    length = round(each)
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
    """Patches [..., L] and where they were observed -> [..., F]: level, strength, roughness, shape at `points`, its spectrum."""
    weight = seen.to(pieces.dtype)
    total = weight.sum(-1, keepdim=True).clamp(min=1)
    level = (pieces * weight).sum(-1, keepdim=True) / total
    centred = torch.where(seen, pieces - level, torch.zeros((), dtype=pieces.dtype, device=pieces.device))
    strength = (centred.square().sum(-1, keepdim=True) / total).sqrt()
    steps = centred[..., 1:] - centred[..., :-1]
    # Steps per patch, not per sample: the same movement at twice the rate has half the step.
    roughness = steps.abs().mean(-1, keepdim=True) * (pieces.shape[-1] / points)
    shape = read_at(centred, points)
    spectrum = torch.fft.rfft(shape * torch.hann_window(points, periodic=False, device=shape.device), dim=-1).abs()[
        ..., 1 : points // 2 + 1
    ]
    relative = shape / (strength + 0.02)
    return torch.cat(
        [level, torch.log(strength + 0.01), torch.log(roughness + 0.01), relative, torch.log(spectrum / points + 0.01)], dim=-1
    )


def read_at(values: Tensor, points: int) -> Tensor:
    """[..., L] -> [..., points]: the mean over each of `points` equal stretches, samples on a border counting in part for both."""
    length = values.shape[-1]
    if length == points:
        return values
    summed = functional.pad(values.cumsum(-1), (1, 0))  # the integral up to each sample
    borders = torch.linspace(0, length, points + 1, device=values.device)
    left = borders.floor().long().clamp(max=length - 1)
    upto = summed[..., left] + (borders - left) * values[..., left]
    return (upto[..., 1:] - upto[..., :-1]) * (points / length)
