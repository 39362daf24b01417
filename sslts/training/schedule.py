"""Learning rate as a pure function of the step, and which parameters decay."""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from sslts.training.recipe import Optimiser

_NORMS = (
    nn.LayerNorm,
    nn.GroupNorm,
    nn.LocalResponseNorm,
    nn.modules.batchnorm._NormBase,
    *([nn.RMSNorm] if hasattr(nn, "RMSNorm") else []),
)


def learning_rate(step: int, optimiser: Optimiser, *, steps_per_epoch: int, total_steps: int) -> float:
    """The learning rate of optimiser step `step` (from 0).

    Linear warm-up over the first `warm_up_epochs` (Goyal et al. 2017, arXiv:1706.02677, sec. 2.2), then constant, or half a cosine
    from `lr` towards 0 at the end of the run (Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts).
    """
    warm_up = min(round(optimiser.warm_up_epochs * steps_per_epoch), total_steps)
    if step < warm_up:
        return optimiser.lr * (step + 1) / warm_up
    if optimiser.schedule == "constant":
        return optimiser.lr
    progress = (step - warm_up) / max(total_steps - warm_up, 1)
    return optimiser.lr * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two optimiser groups: matrices and kernels decay, biases, scales (anything of fewer than two axes) and norms do not.

    Frozen parameters are left out. Each group lists its parameters' `names` in the order of its `params`.
    """
    decay: dict[str, nn.Parameter] = {}
    keep: dict[str, nn.Parameter] = {}
    seen: set[int] = set()
    for prefix, owner in module.named_modules():
        for local, parameter in owner.named_parameters(recurse=False):
            if not parameter.requires_grad or id(parameter) in seen:
                continue
            seen.add(id(parameter))
            plain = parameter.dim() < 2 or local.endswith("bias") or isinstance(owner, _NORMS)
            (keep if plain else decay)[f"{prefix}.{local}" if prefix else local] = parameter
    groups = [(decay, weight_decay), (keep, 0.0)]
    return [{"params": list(members.values()), "names": list(members), "weight_decay": strength} for members, strength in groups if members]
