"""One ViT over the visible tokens of all modalities (Mu-MAE, arXiv:2408.04243): `joint`."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self, final

import torch
from pydantic import Field, model_validator
from torch import Tensor

from sslts import ops
from sslts.config import ComponentConfig
from sslts.errors import UnsupportedError
from sslts.interfaces import Encoder
from sslts.types import Signal, Tokens
from sslts.vit import ViTBlocks


@final
class JointEncoder(Encoder):
    """Embedded tokens of several modalities [B, N, D] -> [B, N or fewer, D]; rows may show unequal numbers of them."""

    drops_tokens: ClassVar[bool] = True

    class Config(ComponentConfig):
        """embed_dim, depth, heads of the ViT."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("embed_dim",)

        embed_dim: int = Field(default=192, ge=1, le=4096)
        depth: int = Field(default=6, ge=1, le=64)
        heads: int = Field(default=3, ge=1, le=64)

        @model_validator(mode="after")
        def _heads_divide(self) -> Self:
            if self.embed_dim % self.heads:
                raise ValueError(f"{self.heads} heads do not divide embed_dim {self.embed_dim}")
            return self

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        self.stack = ViTBlocks(config.embed_dim, config.depth, config.heads)

    @classmethod
    def example(cls) -> JointEncoder:
        """Width 16, one block."""
        return cls.create(embed_dim=16, depth=1, heads=2)

    def tokenize(self, signal: Signal) -> Tokens:
        """Not here: each modality has its own encoder of patches (UnsupportedError)."""
        raise UnsupportedError("JointEncoder reads tokens, not signals: use the modalities' own encoders ('video-vit', 'sensor-patches').")

    def example_tokens(self, batch: int = 2) -> Tokens:
        """Two modalities of four steps, for conformance tests; the last row shows fewer tokens than the others."""
        count = 8
        step = torch.arange(count) % 4
        valid = torch.ones(batch, count, dtype=torch.bool)
        valid[-1, 5:] = False
        index = (torch.arange(count) // 4).expand(batch, -1)
        cell = torch.stack([step, torch.zeros_like(step), torch.zeros_like(step)], dim=-1).expand(batch, -1, -1)
        values = torch.randn(batch, count, self.embed_dim, generator=torch.Generator().manual_seed(0))
        return Tokens(values, valid, ((step + 0.5) / 4).expand(batch, -1), index, torch.zeros_like(index), cell)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """[B, N, D] -> [B, N or fewer, D]; hidden and absent tokens are dropped first."""
        kept = ops.pack_tokens(tokens, tokens.valid if visible is None else tokens.valid & visible)
        values = self.stack(kept.values, kept.valid)
        return replace(kept, values=torch.where(kept.valid[..., None], values, torch.zeros_like(values)))
