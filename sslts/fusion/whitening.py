"""Within-class whitening: distances between examples of one class count little, whatever differs between classes counts much.

Hatch, Kajarekar, Stolcke 2006 ("Within-class covariance normalization for SVM-based speaker recognition"). Fitted in closed form on base
classes; for few-shot recognition of other classes it is the linear metric under which what people and repetitions do differently is even.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sslts.errors import LengthError

_LEAST = 1e-6


class WithinClassWhitening(nn.Module):
    """[B, D] -> [B, D]: standardised, whitened by the classes' common covariance, of unit length. The identity map until it is fitted."""

    mean: Tensor
    scale: Tensor
    matrix: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.register_buffer("matrix", torch.eye(dim))

    def forward(self, values: Tensor) -> Tensor:
        """[B, D] -> [B, D], unit length."""
        return functional.normalize((values - self.mean) / self.scale @ self.matrix, dim=-1)

    @torch.no_grad()
    def fit(self, values: Tensor, labels: Tensor, *, shrink: float) -> None:
        """Fit to examples [n, D] of base classes, labels int [n]; shrink 0..1: how far the covariance is drawn towards a sphere.

        Raises:
            LengthError: fewer than two examples, or a class without a second one only (nothing varies within classes).
        """
        counts = torch.bincount(labels)
        if len(values) < 2 or int(counts.max()) < 2:
            raise LengthError(f"Within-class whitening needs classes with two examples or more, got {len(values)} examples.")
        self.mean.copy_(values.mean(0))
        deviation = values.std(0, correction=0)
        self.scale.copy_(torch.where(deviation > _LEAST, deviation, torch.ones_like(deviation)))
        standard = ((values - self.mean) / self.scale).double()
        membership = functional.one_hot(labels, len(counts)).double()
        middles = membership.T @ standard / counts.clamp(min=1)[:, None]
        within = standard - middles[labels]
        covariance = within.T @ within / len(values)
        sphere = covariance.diagonal().mean().clamp(min=_LEAST) * torch.eye(len(covariance), dtype=covariance.dtype)
        factor = torch.linalg.cholesky(torch.linalg.inv((1 - shrink) * covariance + (shrink + _LEAST) * sphere))
        self.matrix.copy_(factor)
