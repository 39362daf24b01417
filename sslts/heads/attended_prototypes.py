"""Class prototypes made by attention: the one-shot head of Mu-MAE (Liu and Liu 2024, arXiv:2408.04243)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self, final

import torch
from einops import rearrange
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from sslts.config import ComponentConfig
from sslts.heads.support import check_queries, check_support, unit_length
from sslts.interfaces import FewShotHead, FittedHead


@dataclass(frozen=True, slots=True)
class AttendedPrototypes(FittedHead):
    """keys, values: the projected support of each class, W times [k, E]; own [W, E]: self prototypes; to_query, to_value [E, E]."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    own: Tensor
    to_query: Tensor
    to_value: Tensor
    heads: int
    scale: float

    def scores(self, queries: Tensor) -> Tensor:
        """[Q, E] -> [Q, W]."""
        check_queries(queries, self.own.shape[1])
        asked, compared = queries @ self.to_query, unit_length(queries @ self.to_value)
        crossed = [attend(asked, keys, values, self.heads) for keys, values in zip(self.keys, self.values, strict=True)]
        across = torch.stack([(compared * unit_length(prototype)).sum(1) for prototype in crossed], dim=1)
        return self.scale * (across + compared @ unit_length(self.own).T)


@final
class AttendedPrototypesHead(FewShotHead):
    """Two prototypes a class: one that its examples agree on, one that the query asks them for. With X_c [k, E] the examples of class c:

        attention(A, X, X) = softmax(A W_q (X W_k)^T / sqrt(E / heads)) X W_v        head by head, the heads joined
        self_c  = mean over rows of attention(X_c, X_c, X_c)
        cross_c = attention(q, X_c, X_c)
        score_c = scale * (cos(q W_v, cross_c) + cos(q W_v, self_c))

    From the paper's released code: class prototypes attended both ways, cosines, their sum times 7. Our reading, where that may differ:
    the support attends to itself class by class; a self prototype is the mean of the rows; one set of projections, without biases or an
    output layer, serves both; and the query is compared after W_v, in the space that prototypes lie in.

    Projections start as the identity, and nothing is random: untrained, the head has cosine prototypes whose examples are weighed by
    how they resemble the query, and one example a class scores exactly 2 * scale * cos(q, x).
    """

    class Config(ComponentConfig):
        """embed_dim: E; heads: of the attention, they divide E; scale: what the sum of two cosines is multiplied by."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("embed_dim",)

        embed_dim: int = Field(ge=1, le=4096)
        heads: int = Field(default=1, ge=1, le=64)
        scale: float = Field(default=7.0, gt=0, le=1e3)

        @model_validator(mode="after")
        def _heads_divide(self) -> Self:
            if self.embed_dim % self.heads:
                raise ValueError(f"heads must divide embed_dim, got {self.heads} heads and embed_dim {self.embed_dim}")
            return self

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.to_query = nn.Parameter(torch.eye(config.embed_dim))
        self.to_key = nn.Parameter(torch.eye(config.embed_dim))
        self.to_value = nn.Parameter(torch.eye(config.embed_dim))

    @classmethod
    def example(cls) -> AttendedPrototypesHead:
        """Embeddings of eight numbers, two heads."""
        return cls.create(embed_dim=8, heads=2)

    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] -> AttendedPrototypes, which keep the weights as they are now."""
        ways, config = check_support(support, labels, self.config.embed_dim), self.config
        # Copies: an optimiser changes weights in place, and a fitted head is a value.
        to_query, to_key, to_value = (weight.to(support, copy=True) for weight in (self.to_query, self.to_key, self.to_value))
        asked, keys, values = (support @ weight for weight in (to_query, to_key, to_value))
        members = [labels == label for label in range(ways)]
        own = [attend(asked[rows], keys[rows], values[rows], config.heads).mean(0) for rows in members]
        return AttendedPrototypes(
            keys=tuple(keys[rows] for rows in members),
            values=tuple(values[rows] for rows in members),
            own=torch.stack(own),
            to_query=to_query,
            to_value=to_value,
            heads=config.heads,
            scale=config.scale,
        )


def attend(asked: Tensor, keys: Tensor, values: Tensor, heads: int) -> Tensor:
    """Multi-head attention of already projected rows. asked [Q, E]; keys, values [k, E] -> [Q, E]."""
    query, key, value = (rearrange(part, "n (h d) -> h n d", h=heads) for part in (asked, keys, values))
    return rearrange(functional.scaled_dot_product_attention(query, key, value), "h n d -> n (h d)")
