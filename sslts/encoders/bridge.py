"""Bridging lost samples, for encoders that read a window as a whole."""

from __future__ import annotations

import torch
from torch import Tensor

from sslts import ops
from sslts.types import Signal


def bridged(signal: Signal) -> Tensor:
    """Values with gaps filled by straight lines between the observed neighbours, and held at the ends. [B, C, T].

    A channel without any observed sample in a window is 0 there. What stood in a gap is never read.
    """
    observed = signal.usable.expand(signal.values.shape)
    values = torch.where(observed, signal.values, torch.zeros_like(signal.values))
    if ops.surely_all(observed):
        return values
    samples = values.shape[-1]
    index = torch.arange(samples, device=values.device).expand(values.shape)
    before = torch.where(observed, index, torch.full_like(index, -1)).cummax(-1).values
    after = torch.where(observed, index, torch.full_like(index, samples)).flip(-1).cummin(-1).values.flip(-1)
    left = values.gather(-1, before.clamp(min=0))
    right = values.gather(-1, after.clamp(max=samples - 1))
    share = (index - before).to(values.dtype) / (after - before).clamp(min=1).to(values.dtype)
    line = left + (right - left) * share
    line = torch.where(before < 0, right, torch.where(after >= samples, left, line))
    return torch.where(observed, values, line)
