"""A trained comparison of query and class (relation network, Sung et al. 2018, arXiv:1711.06025), for vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from sslts.config import ComponentConfig
from sslts.heads.support import check_queries, check_support, class_means
from sslts.interfaces import FewShotHead, FittedHead


@dataclass(frozen=True, slots=True)
class Relations(FittedHead):
    """of_class [W, H]: the part of the first layer that a class decides, bias included; of_query [H, E]: the weights that read a query;
    weight [1, H], bias [1]: the second layer."""

    of_class: Tensor
    of_query: Tensor
    weight: Tensor
    bias: Tensor

    def scores(self, queries: Tensor) -> Tensor:
        """[Q, E] -> logits [Q, W]; their sigmoid is the paper's relation score."""
        check_queries(queries, self.of_query.shape[1])
        # A linear layer on two joined vectors is the sum of a linear layer on each: no pair is ever written out.
        hidden = functional.relu(functional.linear(queries, self.of_query)[:, None] + self.of_class[None])
        return functional.linear(hidden, self.weight, self.bias)[..., 0]


@final
class RelationHead(FewShotHead):
    """A small network reads class and query side by side: score = MLP([mean of the class, query]), two layers with ReLU between them.

    The weights must be trained, over episodes; before that the scores mean nothing. Differs from the paper: it joins feature maps and
    compares them by convolutions; it sums the examples of a class, where a mean serves any number of them; and it regresses the sigmoid
    of a score to 0 or 1, which any loss may do on these logits.
    """

    needs_training: ClassVar[bool] = True

    class Config(ComponentConfig):
        """embed_dim: E; hidden: width of the layer between."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("embed_dim",)

        embed_dim: int = Field(ge=1, le=16_384)
        hidden: int = Field(default=64, ge=1, le=4096)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.first = nn.Linear(2 * config.embed_dim, config.hidden)
        self.second = nn.Linear(config.hidden, 1)

    @classmethod
    def example(cls) -> RelationHead:
        """Embeddings of eight numbers."""
        return cls.create(embed_dim=8, hidden=16)

    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] -> Relations, which keep the weights as they are now."""
        ways = check_support(support, labels, self.config.embed_dim)
        parts = (self.first.weight, self.first.bias, self.second.weight, self.second.bias)
        # Copies: an optimiser changes weights in place, and a fitted head is a value.
        joined, shift, weight, bias = (part.to(support, copy=True) for part in parts)
        for_class, for_query = joined.chunk(2, dim=1)
        return Relations(functional.linear(class_means(support, labels, ways), for_class, shift), for_query, weight, bias)
