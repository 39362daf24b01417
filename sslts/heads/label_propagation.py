"""Labels spread over a graph of support and queries (Zhou et al. 2004, "Learning with local and global consistency", NIPS 16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import torch
from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.heads.support import check_queries, check_support, membership, unit_length
from sslts.interfaces import FewShotHead, FittedHead


@dataclass(frozen=True, slots=True)
class Propagation(FittedHead):
    """support [S, E]; classes [S, W], 1 where an example belongs to a class."""

    support: Tensor
    classes: Tensor
    affinity: Literal["cosine", "gaussian"]
    neighbours: int
    width: float
    alpha: float

    def scores(self, queries: Tensor) -> Tensor:
        """[Q, E] -> [Q, W]. A query's scores depend on the other queries of this call."""
        check_queries(queries, self.support.shape[1])
        if not len(queries):
            return self.classes.new_zeros(0, self.classes.shape[1])
        weights = self._graph(torch.cat([self.support, queries]))
        degree = weights.sum(1)
        # A node without neighbours has no degree to divide by, and nothing to divide.
        rate = torch.where(degree > 0, degree, torch.ones_like(degree)).rsqrt()
        spread = self.alpha * rate[:, None] * weights * rate
        given = torch.cat([self.classes, self.classes.new_zeros(len(queries), self.classes.shape[1])])
        return torch.linalg.solve(torch.eye(len(spread), dtype=spread.dtype, device=spread.device) - spread, given)[len(self.support) :]

    def _graph(self, nodes: Tensor) -> Tensor:
        """Weights between nodes: [N, E] -> [N, N], symmetric, 0 on the diagonal and where neither node is among the other's nearest."""
        itself = torch.eye(len(nodes), dtype=torch.bool, device=nodes.device)
        if self.affinity == "cosine":
            directions = unit_length(nodes)
            near = (directions @ directions.T).clamp(min=0)
        else:
            # Exact differences: the faster formula by products loses close pairs far from the origin.
            squared = torch.cdist(nodes, nodes, compute_mode="donot_use_mm_for_euclid_dist").square()
            typical = squared.sum() / (len(nodes) * (len(nodes) - 1))
            near = (-squared / (2 * self.width**2 * typical.clamp(min=1e-30))).exp()
        near = near.masked_fill(itself, 0)
        # Compared with the value of the last neighbour, so that of equal ones none is left out by its place in the list.
        last = near.detach().topk(min(self.neighbours, len(nodes) - 1), dim=1).values[:, -1:]
        kept = near.detach() >= last
        return torch.where(kept | kept.T, near, torch.zeros_like(near))


@final
class LabelPropagationHead(FewShotHead):
    """F = (I - alpha S)^-1 Y with S = D^-1/2 A D^-1/2, A the affinities of all examples and queries, D their sums, Y the known labels.

    Transductive: queries that lie together are named together, so what a query scores depends on which others come with it, and a query
    alone gets little from it. Scores are F's rows: at least 0, and 0 for a class that no path leads to. Where classes differ much in
    their number of examples, so do their scores.
    """

    transductive: ClassVar[bool] = True

    class Config(ComponentConfig):
        """affinity: max(0, cosine), or Gaussian of the distance. neighbours: edges to the nearest only; more than there are nodes: all.

        alpha: how far labels spread; scikit-learn's default, not the paper's 0.99, at which the labels of a handful of nodes spread over
        all of them and the example of the largest degree names every query. width: of the Gaussian, in root mean square distances of
        two nodes.
        """

        affinity: Literal["cosine", "gaussian"] = "cosine"
        neighbours: int = Field(default=10, ge=1, le=100_000)
        alpha: float = Field(default=0.2, gt=0, le=0.999)
        width: float = Field(default=0.5, ge=1e-2, le=1e3)

    config: Config

    @classmethod
    def example(cls) -> LabelPropagationHead:
        """Three neighbours by cosine."""
        return cls.create(neighbours=3)

    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] -> Propagation."""
        classes, config = membership(support, labels, check_support(support, labels)), self.config
        return Propagation(support, classes, config.affinity, config.neighbours, config.width, config.alpha)
