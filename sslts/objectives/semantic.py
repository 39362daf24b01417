"""Alignment of a window with words: distances and contrasts between sensor and text vectors. Texts carry no gradient."""

from __future__ import annotations

from typing import final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from sslts.config import ComponentConfig
from sslts.interfaces import Objective
from sslts.objectives.statistics import row_weights, same_shape
from sslts.types import LossParts

#: Texts whose vectors are this close say the same: they are no negatives of one another.
SAME = 0.999


def _unit(predicted: Tensor, target: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Unit vectors, and weights [B]; unused rows become harmless whatever they hold."""
    same_shape(predicted, target, 2, "[B, E]")
    rows = row_weights(predicted, weight)
    first, second = (
        functional.normalize(torch.where(rows[:, None] > 0, values, torch.ones_like(values)), dim=1)
        for values in (predicted, target.detach())
    )
    return first, second, rows


@final
class SemanticAlignment(Objective):
    """`|| g(z) - sg[s] ||^2` with both of unit length: the second term of sensor-text JEPA's objective. Between 0 and 4."""

    @classmethod
    def example(cls) -> SemanticAlignment:
        """The squared distance."""
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Sensor and text vectors [B, E], weight [B] -> LossParts."""
        first, second, rows = _unit(predicted, target, weight)
        return LossParts.of(semantic=(rows * (first - second).square().sum(1)).sum() / rows.sum().clamp(min=1e-12))


@final
class TextContrast(Objective):
    """InfoNCE between windows and texts, in both directions (CLIP, Radford et al. 2021, arXiv:2103.00020), with equal texts as positives.

    Batches of activities repeat their texts; a row then shares its probability among all rows of the same text (UniCL, Yang et al. 2022).
    """

    class Config(ComponentConfig):
        """temperature: divides the cosine similarities."""

        temperature: float = Field(default=0.1, gt=0, le=10)

    config: Config

    @classmethod
    def example(cls) -> TextContrast:
        """Temperature 0.1."""
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Sensor and text vectors [B, E], weight [B] -> LossParts."""
        first, second, rows = _unit(predicted, target, weight)
        used = rows > 0
        same = (second @ second.T > SAME) & used[None, :]
        same = same | torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        logits = (first @ second.T / self.config.temperature).masked_fill(~(used[None, :] | same), -1e9)
        back = (second @ first.T / self.config.temperature).masked_fill(~(used[None, :] | same), -1e9)
        share = same.to(predicted.dtype) / same.sum(1, keepdim=True)
        total = rows.sum().clamp(min=1e-12)
        told = [(rows * -(share * functional.log_softmax(table, dim=1)).sum(1)).sum() / total for table in (logits, back)]
        return LossParts.of(to_text=told[0] / 2, from_text=told[1] / 2)


@final
class SigLIP(Objective):
    """A sigmoid for each pair of window and text: do they belong together? (Zhai et al. 2023, arXiv:2303.15343, eq. 1.)

    Scale and bias are learned, started as there (log 10, -10). Equal texts belong together.
    """

    class Config(ComponentConfig):
        """scale and bias: where the two learned numbers start."""

        scale: float = Field(default=10.0, gt=0, le=1000)
        bias: float = Field(default=-10.0, ge=-100, le=100)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.log_scale = nn.Parameter(torch.tensor(config.scale).log())
        self.bias = nn.Parameter(torch.tensor(config.bias))

    @classmethod
    def example(cls) -> SigLIP:
        """Scale 10, bias -10."""
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Sensor and text vectors [B, E], weight [B] -> LossParts."""
        first, second, rows = _unit(predicted, target, weight)
        sign = torch.where(second @ second.T > SAME, 1.0, -1.0)
        logits = self.log_scale.exp() * (first @ second.T) + self.bias
        pairs = rows[:, None] * rows[None, :]
        return LossParts.of(pairs=-(pairs * functional.logsigmoid(sign * logits)).sum() / rows.sum().clamp(min=1e-12))
