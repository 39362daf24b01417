"""What encoders of patches share: raw patches as tokens, a linear embedding with fixed positions, and a ViT of their own."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from sslts import ops
from sslts.config import ComponentConfig
from sslts.interfaces import Encoder
from sslts.types import Tokens
from sslts.vit import ViTBlocks, place, sinusoids, xavier


class PatchEncoder(Encoder):
    """Tokens are raw patches until they are embedded, so that hidden ones are targets and cost nothing.

    `tokenize` -> [B, N, P] raw; `embed` -> [B, N, D]; `encode` -> embedded, visible ones only, through this modality's own ViT. A joint
    encoder takes `embed` of several modalities instead.
    """

    drops_tokens: ClassVar[bool] = True

    def __init__(self, config: ComponentConfig, *, patch: int, dim: int, depth: int, heads: int) -> None:
        super().__init__(config)
        #: P, numbers of one patch.
        self.patch_numbers = patch
        self.embed_dim = dim
        self.enter = nn.Linear(patch, dim)
        self.enter.apply(xavier)
        self.stack = ViTBlocks(dim, depth, heads) if depth else None

    @property
    @abstractmethod
    def grid(self) -> tuple[int, int, int]:
        """Patches along time, rows and columns."""

    @abstractmethod
    def assembled(self, patches: Tensor) -> Tensor:
        """Patches of every place [B, N, P] -> [B, C, T] or [B, C, T, H, W], as `tokenize` read them."""

    def embed(self, tokens: Tokens) -> Tokens:
        """Raw patches [B, N, P] -> [B, N, D], with their positions; zeros where nothing is valid."""
        values = self.enter(tokens.values) + sinusoids(place(tokens.cell, self.grid), self.embed_dim).to(tokens.values.dtype)
        return replace(tokens, values=torch.where(tokens.valid[..., None], values, torch.zeros_like(values)))

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """[B, N, P] -> [B, N or fewer, D]; hidden and absent tokens are dropped first."""
        kept = self.embed(ops.pack_tokens(tokens, tokens.valid if visible is None else tokens.valid & visible))
        if self.stack is None:
            return kept
        values = self.stack(kept.values, kept.valid)
        return replace(kept, values=torch.where(kept.valid[..., None], values, torch.zeros_like(values)))
