"""The predictor of a JEPA: from the context's latents to those of hidden places, and to one vector for the whole window."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self, final

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from sslts import ops
from sslts.config import ComponentConfig
from sslts.errors import ConfigError
from sslts.interfaces import Predictor
from sslts.layers import mlp
from sslts.types import Tokens


class _CrossBlock(nn.Module):
    """Queries read the context, each by itself: which other places are asked for changes nothing."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_query, self.norm_mlp = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query, self.both, self.out = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        self.mlp = mlp((dim, 3 * dim, dim))

    def forward(self, queries: Tensor, context: Tensor, valid: Tensor) -> Tensor:
        """queries [B, Q, D], context [B, N, D] of which `valid` [B, N] is read -> [B, Q, D]."""
        query = self.query(self.norm_query(queries)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.both(context).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = valid | ~valid.any(1, keepdim=True)
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen[:, None, None, :])
        queries = queries + self.out(read.transpose(1, 2).flatten(2))
        return queries + self.mlp(self.norm_mlp(queries))


@final
class LatentPredictor(Predictor):
    """Queries that know their time and their channel's description cross-attend to the context.

    # differs from I-JEPA: queries do not attend to one another, so the summary of a window is the same whether places are asked for or not.
    """

    class Config(ComponentConfig):
        """token_dim: width of the latents; text_dim: of channel descriptions (0: none); dim, depth, heads: of the predictor itself.

        out_dim: what it predicts, if not latents (0): the fixed description of patches, as a decoder of the hybrid variant.
        """

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("token_dim", "text_dim")

        token_dim: int = Field(ge=1, le=4096)
        text_dim: int = Field(default=0, ge=0, le=4096)
        out_dim: int = Field(default=0, ge=0, le=65_536)
        dim: int = Field(default=64, ge=2, le=4096, multiple_of=2)
        depth: int = Field(default=2, ge=1, le=32)
        heads: int = Field(default=4, ge=1, le=64)

        @model_validator(mode="after")
        def _heads_divide(self) -> Self:
            if self.dim % self.heads:
                raise ValueError(f"{self.heads} heads do not divide dim {self.dim}")
            return self

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.enter = nn.Linear(config.token_dim, config.dim)
        self.describe = nn.Linear(config.text_dim, config.dim) if config.text_dim else None
        self.hidden = nn.Parameter(torch.zeros(config.dim))
        self.whole = nn.Parameter(torch.zeros(config.dim))
        nn.init.normal_(self.hidden, std=0.02)
        nn.init.normal_(self.whole, std=0.02)
        self.blocks = nn.ModuleList([_CrossBlock(config.dim, config.heads) for _ in range(config.depth)])
        self.norm = nn.LayerNorm(config.dim)
        self.leave = nn.Linear(config.dim, config.out_dim or config.token_dim)

    @classmethod
    def example(cls) -> LatentPredictor:
        """Latents of width 16."""
        return cls.create(token_dim=16, dim=8, depth=1, heads=2)

    def forward(self, context: Tokens, targets: Tokens) -> Tokens:
        """Latents [B, K, D] at the targets' times and channels. `targets.values` is never read."""
        queries = self.hidden + ops.sincos_time(targets.time_s, self.config.dim, 12.0)
        if self.describe is not None:
            if targets.described is None:
                raise ConfigError("This predictor was built for described channels, but the targets carry no descriptions.")
            queries = queries + self.describe(targets.described)[targets.channel]
        values = self._read(context, queries)
        return replace(targets, values=torch.where(targets.valid[..., None], values, torch.zeros_like(values)))

    def summarise(self, context: Tokens) -> Tensor:
        """[B, N, D] -> [B, D]: what one learned query reads of the whole; a row without valid tokens -> 0."""
        read = self._read(context, self.whole.expand(len(context.values), 1, -1))[:, 0]
        return torch.where(context.valid.any(1, keepdim=True), read, torch.zeros_like(read))

    def _read(self, context: Tokens, queries: Tensor) -> Tensor:
        entered = self.enter(torch.where(context.valid[..., None], context.values, torch.zeros_like(context.values)))
        for block in self.blocks:
            queries = block(queries, entered, context.valid)
        return self.leave(self.norm(queries))
