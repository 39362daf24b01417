"""Redundancy reduction by cross-correlation (Barlow Twins, Zbontar et al. 2021, arXiv:2103.03230, eq. 1)."""

from __future__ import annotations

from typing import final

import torch
from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.interfaces import Objective
from sslts.objectives.statistics import centred, off_diagonal, row_weights, same_shape
from sslts.types import LossParts


@final
class BarlowTwins(Objective):
    """The cross-correlation matrix of two views becomes the identity.

    `sum_i (1 - C_ii)^2 + off_diagonal * sum_{i != j} C_ij^2`, C normalised by each view's batch deviation.
    """

    class Config(ComponentConfig):
        """off_diagonal: the paper's lambda."""

        off_diagonal: float = Field(default=5e-3, ge=0, le=1e3)

    config: Config

    @classmethod
    def example(cls) -> BarlowTwins:
        """The paper's lambda."""
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Two views [B, E], weight [B] -> LossParts."""
        same_shape(predicted, target, 2, "[B, E]")
        rows = row_weights(predicted, weight)
        first, second = (self._unit(centred(view, rows), rows) for view in (predicted, target))
        correlation = (rows[:, None] * first).T @ second / rows.sum().clamp(min=1e-12)
        return LossParts.of(
            on_diagonal=(1 - torch.diagonal(correlation)).pow(2).sum(),
            off_diagonal=self.config.off_diagonal * off_diagonal(correlation).pow(2).sum(),
        )

    @staticmethod
    def _unit(centre: Tensor, rows: Tensor) -> Tensor:
        variance = (rows[:, None] * centre**2).sum(0) / rows.sum().clamp(min=1e-12)
        # Added under the root: the gradient of a constant dimension stays finite.
        return centre / (variance + 1e-8).sqrt()
