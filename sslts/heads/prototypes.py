"""Class means as classifiers (prototypical networks, Snell et al. 2017, arXiv:1703.05175, sec. 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

from torch import Tensor

from sslts.config import ComponentConfig
from sslts.heads.support import check_episodes, check_queries, check_support, class_means, unit_length
from sslts.interfaces import FewShotHead, FittedHead


@dataclass(frozen=True, slots=True)
class Prototypes(FittedHead):
    """centres [W, E]."""

    centres: Tensor
    cosine: bool

    def scores(self, queries: Tensor) -> Tensor:
        """[Q, E] -> [Q, W]: minus the squared distance, or the cosine."""
        check_queries(queries, self.centres.shape[1])
        if self.cosine:
            return unit_length(queries) @ unit_length(self.centres).T
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

    @property
    def bounded(self) -> bool:
        """True for cosines."""
        return self.config.distance == "cosine"

    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] -> Prototypes."""
        ways = check_support(support, labels)
        return Prototypes(centres=class_means(support, labels, ways), cosine=self.config.distance == "cosine")

    def episodes(self, support: Tensor, labels: Tensor, queries: Tensor) -> Tensor:
        """Support [N, S, E], labels int [S], queries [N, Q, E] -> [N, Q, W], all at once."""
        check_episodes(support, queries)
        ways = check_support(support.flatten(0, 1), labels.repeat(len(support)))
        centres = class_means(support, labels, ways)
        if self.config.distance == "cosine":
            return unit_length(queries) @ unit_length(centres).mT
        return -(queries[:, :, None] - centres[:, None]).pow(2).sum(-1)
