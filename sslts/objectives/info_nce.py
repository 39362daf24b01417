"""Contrastive prediction (InfoNCE, van den Oord et al. 2018, arXiv:1807.03748, eq. 4; symmetric as in CLIP, Radford et al. 2021)."""

from __future__ import annotations

from typing import final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from sslts.config import ComponentConfig
from sslts.interfaces import Objective
from sslts.objectives.statistics import row_weights, same_shape
from sslts.types import LossParts


@final
class InfoNCE(Objective):
    """Each row must find its partner among all rows of the batch, in both directions.

    Uses negatives, so it is a comparison here, not CroSSL.
    """

    class Config(ComponentConfig):
        """temperature: divides the cosine similarities."""

        temperature: float = Field(default=0.1, gt=0, le=10)

    config: Config

    @classmethod
    def example(cls) -> InfoNCE:
        """Temperature 0.1."""
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Two views [B, E], weight [B] -> LossParts. A row of weight 0 is neither anchor nor negative."""
        same_shape(predicted, target, 2, "[B, E]")
        rows = row_weights(predicted, weight)
        used = rows > 0
        first, second = (
            functional.normalize(torch.where(used[:, None], view, torch.ones_like(view)), dim=1) for view in (predicted, target)
        )
        logits = first @ second.T / self.config.temperature
        total = rows.sum().clamp(min=1e-12)
        partner = torch.arange(len(rows), device=rows.device)
        losses = [
            (rows * functional.cross_entropy(table.masked_fill(self._others(used), -1e9), partner, reduction="none")).sum() / total
            for table in (logits, logits.T)
        ]
        return LossParts.of(forward=losses[0] / 2, backward=losses[1] / 2)

    @staticmethod
    def _others(used: Tensor) -> Tensor:
        """True where a column takes no part, except a row's own partner (so that no softmax is empty)."""
        return ~(used[None, :] | torch.eye(len(used), dtype=torch.bool, device=used.device))
