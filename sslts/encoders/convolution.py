"""One-dimensional convolution and normalisation, laid out so that they are fast on a CPU.

Everything stays [B, T, C] ("channels last"), which `nn.Conv1d` cannot do: its [B, C, T] needs a transposition before and after every
layer norm, and its backward runs at a third of the speed of the two-dimensional channels-last kernels. Three things are gained here:

* `convolve` calls `conv2d` with a height of one in channels-last memory. The same numbers, faster kernels.
* It packs neighbouring samples of narrow signals into channels (`Padding.pack`): kernels for 1 or 24 input channels leave most of a
  vector register empty. Two samples of 24 channels are one of 48, and the outputs of two samples are one row of twice the filters, so
  packing and unpacking are views. The price is a few zero taps.
* `norm_prelu` keeps only its input for the backward pass and computes the rest again, a few windows at a time and in scratch memory, so
  that what lies between layer norm and PReLU stays in the processor's cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

_VECTOR_CHANNELS = 48  # from about this width on, packing gains nothing
_CACHED_NUMBERS = 2**21  # numbers per pass of norm_prelu's backward: 8 MB, so that what is in flight stays in the cache


@dataclass(frozen=True, slots=True)
class Padding:
    """Zeros before and after T samples, and how many neighbouring samples `convolve` reads as one."""

    left: int = 0
    right: int = 0
    pack: int = 1


def same_padding(samples: int, channels: int, kernel: int, stride: int, *, packed: bool) -> Padding:
    """TensorFlow's "same": ceil(T / stride) outputs, and of an odd number of zeros the larger half on the right."""
    outputs = -(-samples // stride)
    total = max((outputs - 1) * stride + kernel - samples, 0)
    left = total // 2
    if not packed or stride != 1:
        return Padding(left, total - left)
    # More than a third of zero taps would cost more than full registers gain.
    pack = next(p for p in (8, 4, 2, 1) if samples % p == 0 and (p == 1 or (p * channels <= _VECTOR_CHANNELS and 3 * p <= kernel)))
    return Padding(left, _packed_taps(kernel, pack) - pack - left, pack)


def convolve(padded: Tensor, weight: Tensor, bias: Tensor, *, stride: int = 1, pack: int = 1) -> Tensor:
    """Cross-correlate over time. padded [B, left + T + right, C], weight [F, C, K] -> [B, T', F]."""
    batch, filters = padded.shape[0], weight.shape[0]
    if pack > 1:
        padded = padded.reshape(batch, -1, pack * padded.shape[2])
        weight, bias = _packed_weight(weight, pack), bias.repeat(pack)
    image = padded.unsqueeze(1).permute(0, 3, 1, 2)  # [B, C, 1, T] in channels-last memory, a view
    kernel = weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
    result = functional.conv2d(image, kernel, bias, stride=(1, stride))
    return result.permute(0, 2, 3, 1).reshape(batch, -1, filters)


def norm_prelu(values: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, *, eps: float, pad: Padding, fused: bool) -> Tensor:
    """Layer norm over channels, then PReLU with one slope a channel. [B, T, C] -> [B, left + T + right, C], zeros at the edges."""
    if fused:
        return _NormPReLU.apply(values, weight, bias, slope, eps, pad)
    normed = functional.layer_norm(values, weight.shape, weight, bias, eps)
    return _activated(normed, slope.to(normed.dtype), pad)


def fast_on(values: Tensor) -> bool:
    """Whether packing and fusing apply: full precision on a CPU, not while tracing (both fix the length)."""
    full = values.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled("cpu")
    return full and values.device.type == "cpu" and not torch.compiler.is_compiling() and not torch.jit.is_tracing()


def _packed_taps(kernel: int, pack: int) -> int:
    """Taps that the last of `pack` neighbouring outputs reaches, rounded up to whole packs."""
    return -(-(kernel + pack - 1) // pack) * pack


def _packed_weight(weight: Tensor, pack: int) -> Tensor:
    """The kernel of packed samples: output r of a pack is the same kernel moved by r taps. [F, C, K] -> [pack F, pack C, taps / pack]."""
    filters, channels, kernel = weight.shape
    taps = _packed_taps(kernel, pack)
    moved = torch.stack([functional.pad(weight, (r, taps - kernel - r)) for r in range(pack)])
    return moved.reshape(pack * filters, channels, taps // pack, pack).permute(0, 3, 1, 2).reshape(pack * filters, pack * channels, -1)


def _activated(normed: Tensor, slope: Tensor, pad: Padding) -> Tensor:
    # As rows of channels, the layout in which PReLU's kernel is vectorised.
    active = functional.prelu(normed.flatten(0, 1), slope).view_as(normed)
    return functional.pad(active, (0, 0, pad.left, pad.right)) if pad.left or pad.right else active


class _NormPReLU(torch.autograd.Function):
    """Layer norm and PReLU. Only the input and each row's statistics are kept; what lies between is computed again."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float, pad: Padding) -> Tensor:
        normed, mean, scale = torch.native_layer_norm(values, weight.shape, weight, bias, eps)
        ctx.save_for_backward(values, weight, bias, slope, mean, scale)
        ctx.inside = slice(pad.left, pad.left + values.shape[1])
        return _activated(normed, slope, pad)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        values, weight, bias, slope, mean, scale = ctx.saved_tensors
        passes = _passes(values)
        scratch = [torch.empty_like(values[rows]) for rows in passes[:1] for _ in range(2)]
        d_normed, d_slope, shift = torch.empty_like(values), torch.zeros_like(slope), -mean * scale
        for rows in passes:
            outer = gradient[rows, ctx.inside]
            negated, below = (part[: len(outer)] for part in scratch)
            torch.addcmul(shift[rows], values[rows], scale[rows], out=negated)
            torch.addcmul(-bias, negated, -weight, out=negated)
            # `below` is the outer gradient where the normed value is at most zero, where PReLU takes its slope, and 0 elsewhere.
            # From the negated value it is one vectorised kernel; torch.where is ten times slower.
            torch.ops.aten.threshold_backward.grad_input(outer, negated, -torch.finfo(values.dtype).tiny, grad_input=below)
            torch.addcmul(outer, below, slope - 1, out=d_normed[rows])
            d_slope -= negated.mul_(below).flatten(0, 1).sum(0)
        d_values, d_weight, d_bias = torch.ops.aten.native_layer_norm_backward(
            d_normed, values, weight.shape, mean, scale, weight, bias, [True, True, True]
        )
        return d_values, d_weight, d_bias, d_slope, None, None


def _passes(values: Tensor) -> list[slice]:
    """Slices of the batch that fit into the cache."""
    step = max(1, _CACHED_NUMBERS // max(values[0].numel() if len(values) else 1, 1))
    return [slice(start, start + step) for start in range(0, len(values), step)]
