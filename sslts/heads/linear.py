"""Linear probing: logistic regression on frozen, standardised embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from sslts.config import ComponentConfig
from sslts.heads.regression import logistic_regression
from sslts.heads.support import check_queries, check_support
from sslts.interfaces import FewShotHead, FittedHead


@dataclass(frozen=True, slots=True)
class LinearScores(FittedHead):
    """Standardisation and a linear map. mean, scale [E]; weight [W, E]; bias [W]."""

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def scores(self, queries: Tensor) -> Tensor:
        """[Q, E] -> logits [Q, W]."""
        check_queries(queries, len(self.mean))
        return functional.linear((queries - self.mean) / self.scale, self.weight, self.bias)


@final
class LinearHead(FewShotHead):
    """Standardise on the support, then multinomial logistic regression with an L2 penalty, classes balanced (`logistic_regression`)."""

    class Config(ComponentConfig):
        """c: inverse strength of the penalty; steps: L-BFGS iterations at most."""

        c: float = Field(default=0.1, gt=0, le=1e6)
        steps: int = Field(default=100, ge=1, le=10_000)

    config: Config

    @classmethod
    def example(cls) -> LinearHead:
        """c = 0.1."""
        return cls.create()

    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] -> LinearScores (the fit itself is not differentiated)."""
        ways = check_support(support, labels)
        values = support.detach()
        mean, scale = values.mean(0), values.std(0, correction=0).clamp(min=1e-8)
        scale = torch.where(scale <= 1e-8, torch.ones_like(scale), scale)
        weight, bias = logistic_regression((values - mean) / scale, labels, ways, c=self.config.c, steps=self.config.steps)
        return LinearScores(mean, scale, weight, bias)


class ClassifierMLP(nn.Sequential):
    """The fine-tuning head of CroSSL's released code: Dense 128 ReLU, Dropout 0.1, one logit a class. [B, E] -> [B, W]."""

    def __init__(self, embed_dim: int, classes: int, *, hidden: int = 128, dropout: float = 0.1) -> None:
        super().__init__(nn.Linear(embed_dim, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, classes))
