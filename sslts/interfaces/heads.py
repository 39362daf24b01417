"""Few-shot heads: fitted on a few labelled examples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from sslts.interfaces.base import Component


class FittedHead(ABC):
    """What a few-shot head returns: an immutable value."""

    @abstractmethod
    def scores(self, queries: Tensor) -> Tensor:
        """[Q, E] -> [Q, W]; larger is likelier."""


class FewShotHead(Component):
    """EMBEDDINGS -> SCORES, fitted on a few labelled examples.

    May hold trained weights. Gradients flow through `fit`, unless the head says that it does not differentiate its fit. The order of
    the examples does not matter, and renaming classes renames scores.
    """

    #: True if a query's scores use the other queries; such a head is exempt from row independence.
    transductive: ClassVar[bool] = False
    #: True if its scores mean nothing before its weights are trained: `Model.few_shot` takes such a head, but not its name alone.
    needs_training: ClassVar[bool] = False

    @property
    def bounded(self) -> bool:
        """Whether scores lie within about -1..1, as cosines do: whoever trains through a softmax over them scales them. Else logits."""
        return False

    @abstractmethod
    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] in 0..W-1."""

    def forward(self, support: Tensor, labels: Tensor, queries: Tensor) -> Tensor:
        """Fit and score: support [S, E], labels int [S], queries [Q, E] -> [Q, W]."""
        return self.fit(support, labels).scores(queries)

    def episodes(self, support: Tensor, labels: Tensor, queries: Tensor) -> Tensor:
        """Many episodes of one shape: support [N, S, E], labels int [S], queries [N, Q, E] -> [N, Q, W], as if each were alone.

        One after another, unless a head knows how to do all at once.
        """
        return torch.stack([self(mine, labels, asked) for mine, asked in zip(support, queries, strict=True)])
