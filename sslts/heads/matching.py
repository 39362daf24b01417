"""Attention over the support (matching networks, Vinyals et al. 2016, arXiv:1606.04080, sec. 2.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.heads.support import check_queries, check_support, unit_length
from sslts.interfaces import FewShotHead, FittedHead


@dataclass(frozen=True, slots=True)
class Matches(FittedHead):
    """directions: the support at unit length [S, E]; labels int [S]; W classes."""

    directions: Tensor
    labels: Tensor
    ways: int
    temperature: float

    def scores(self, queries: Tensor) -> Tensor:
        """[Q, E] -> log probabilities [Q, W]."""
        check_queries(queries, self.directions.shape[1])
        attention = (unit_length(queries) @ self.directions.T / self.temperature).log_softmax(1)
        # The logarithm of a sum of probabilities, taken before they can underflow to 0.
        return torch.stack([attention[:, self.labels == label].logsumexp(1) for label in range(self.ways)], dim=1)


@final
class MatchingHead(FewShotHead):
    """A query is of the classes of the examples that it resembles: P(c) = sum over i of class c of softmax_i(cos(q, x_i) / t).

    A class with more examples than others gets more of the attention. Without the paper's full-context embeddings (LSTMs over the
    support): nothing here is trained, an example is compared as the encoder embedded it.
    """

    class Config(ComponentConfig):
        """temperature: t above; 1 is the paper's, smaller listens to the nearest examples more."""

        temperature: float = Field(default=1.0, ge=1e-3, le=1e3)

    config: Config

    @classmethod
    def example(cls) -> MatchingHead:
        """Temperature 1."""
        return cls.create()

    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] -> Matches."""
        ways = check_support(support, labels)
        return Matches(unit_length(support), labels, ways, self.config.temperature)
