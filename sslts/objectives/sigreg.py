"""A guard against collapse: `sigreg` pushes embeddings towards an isotropic Gaussian (Balestriero and LeCun 2025)."""

from __future__ import annotations

from typing import final

import torch
from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.interfaces import Objective
from sslts.objectives.statistics import row_weights, same_shape, without_unused
from sslts.types import LossParts


@final
class SIGReg(Objective):
    """Sketched isotropic Gaussian regularisation: along random directions, the embeddings' characteristic function against a normal's.

    LeJEPA (arXiv:2511.08544, sec. 4). The Epps-Pulley statistic `integral |phi(t) - exp(-t^2 / 2)|^2 exp(-t^2 / 2) dt`, by the trapezoidal
    rule on `knots` points in [-5, 5], mean over `directions`. The directions are fixed by `seed`: the objective draws
    nothing. Looks at `predicted` only.
    """

    class Config(ComponentConfig):
        """directions: how many; knots of the integral; seed of the directions."""

        directions: int = Field(default=64, ge=1, le=4096)
        knots: int = Field(default=17, ge=3, le=257)
        seed: int = Field(default=0, ge=0, le=2**31)

    config: Config

    @classmethod
    def example(cls) -> SIGReg:
        """16 directions."""
        return cls.create(directions=16)

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Embeddings [B, E] (twice the same, or two views of which the first counts), weight [B] -> LossParts."""
        same_shape(predicted, target, 2, "[B, E]")
        rows = row_weights(predicted, weight)
        made = torch.Generator().manual_seed(self.config.seed)
        directions = torch.randn(predicted.shape[1], self.config.directions, generator=made).to(predicted)
        projected = without_unused(predicted, rows) @ (directions / directions.norm(dim=0))  # [B, S]
        knots = torch.linspace(-5, 5, self.config.knots, device=predicted.device, dtype=predicted.dtype)
        angles = projected[..., None] * knots
        share = rows / rows.sum().clamp(min=1e-12)
        real = torch.einsum("b,bsk->sk", share, angles.cos())
        imaginary = torch.einsum("b,bsk->sk", share, angles.sin())
        normal = torch.exp(-knots.square() / 2)
        apart = ((real - normal).square() + imaginary.square()) * normal
        return LossParts.of(normality=torch.trapezoid(apart, knots, dim=-1).mean())
