"""Class means as classifiers (prototypical networks, Snell et al. 2017, arXiv:1703.05175, sec. 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

from torch import Tensor
from torch.nn import functional

from sslts.config import ComponentConfig
from sslts.heads.support import check_support
from sslts.interfaces import FewShotHead, FittedHead


@dataclass(frozen=True, slots=True)
class Prototypes(FittedHead):
    """centres [W, E]."""

    centres: Tensor
    cosine: bool

    def scores(self, queries: Tensor) -> Tensor:
        """[Q, E] -> [Q, W]: minus the squared distance, or the cosine."""
        if self.cosine:
            return functional.normalize(queries, dim=1) @ functional.normalize(self.centres, dim=1).T
        return -(queries[:, None] - self.centres[None]).pow(2).sum(-1)


@final
class PrototypeHead(FewShotHead):
    """One centre a class: the mean of its support."""

    class Config(ComponentConfig):
        """distance: squared Euclidean (the paper's choice) or cosine."""

        distance: Literal["euclidean", "cosine"] = "euclidean"

    config: Config

    @classmethod
    def example(cls) -> PrototypeHead:
        """Euclidean."""
        return cls.create()

    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] -> Prototypes."""
        ways = check_support(support, labels)
        membership = functional.one_hot(labels, ways).to(support.dtype)
        centres = membership.T @ support / membership.sum(0)[:, None]
        return Prototypes(centres=centres, cosine=self.config.distance == "cosine")

    def forward(self, support: Tensor, labels: Tensor, queries: Tensor) -> Tensor:
        """Scores of the queries [Q, W]."""
        return self.fit(support, labels).scores(queries)
