"""An aggregator that chooses what to read: `attention` (pooling by learned queries, Lee et al. 2019, arXiv:1810.00825, sec. 3.2)."""

from __future__ import annotations

from typing import ClassVar, Self, final

import torch
from einops import rearrange
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from sslts.config import ComponentConfig
from sslts.interfaces import Aggregator
from sslts.types import Tokens


@final
class AttentionAggregator(Aggregator):
    """Learned queries attend over all valid tokens, each marked with a learned embedding of its modality. [B, N, D] -> [B, E].

    Any number of tokens works: one a modality, or one a time step. What the queries read is joined, projected and normalised.
    """

    class Config(ComponentConfig):
        """queries: how many learned questions are asked; heads divide `width`, the attention's inner width."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("modalities", "token_dim")

        modalities: int = Field(ge=1, le=64)
        token_dim: int = Field(ge=1, le=4096)
        embed_dim: int = Field(default=64, ge=1, le=4096)
        width: int = Field(default=64, ge=1, le=4096)
        heads: int = Field(default=4, ge=1, le=64)
        queries: int = Field(default=2, ge=1, le=64)

        @model_validator(mode="after")
        def _heads_divide(self) -> Self:
            if self.width % self.heads:
                raise ValueError(f"heads must divide width, got {self.heads} heads and a width of {self.width}")
            return self

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        self.modality = nn.Embedding(config.modalities, config.token_dim)
        self.norm = nn.LayerNorm(config.token_dim)
        self.query = nn.Parameter(torch.randn(config.queries, config.width))
        self.key_value = nn.Linear(config.token_dim, 2 * config.width)
        self.out = nn.Sequential(nn.Linear(config.queries * config.width, config.embed_dim), nn.LayerNorm(config.embed_dim))

    @classmethod
    def example(cls) -> AttentionAggregator:
        """Three modalities of eight numbers."""
        return cls.create(modalities=3, token_dim=8, embed_dim=4, width=8, heads=2)

    def forward(self, tokens: Tokens) -> Tensor:
        """[B, N, D] -> [B, E]; a row without valid tokens -> 0."""
        config, some = self.config, tokens.valid.any(1, keepdim=True)
        safe = tokens.values.masked_fill(~tokens.valid[..., None], 0.0)  # junk times a weight of zero may still be NaN
        key_value = self.key_value(self.norm(safe + self.modality(tokens.modality)))
        keys, values = rearrange(key_value, "b n (two h d) -> two b h n d", two=2, h=config.heads)
        queries = rearrange(self.query, "q (h d) -> h q d", h=config.heads).expand(len(safe), -1, -1, -1)
        # A softmax over nothing is NaN, in the gradient too: a row without valid tokens reads everything and is set to 0 below.
        readable = (tokens.valid | ~some)[:, None, None]
        read = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=readable)
        embedding = self.out(rearrange(read, "b h q d -> b (q h d)"))
        return torch.where(some, embedding, torch.zeros_like(embedding))
