"""One place for each modality and one for what they share: `concatenation`."""

from __future__ import annotations

from typing import ClassVar, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from sslts.config import ComponentConfig
from sslts.interfaces import Fusion


@final
class Concatenation(Fusion):
    """[B, E] and [B, M, E] -> [B, (M + 1) * E]: each of unit length, absent ones 0. Cosine similarities are then means over modalities."""

    class Config(ComponentConfig):
        """embed_dim: E; modalities: M; joint: weight of what all modalities share, beside 1 for each of them."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("embed_dim", "modalities")

        embed_dim: int = Field(ge=1, le=4096)
        modalities: int = Field(ge=1, le=64)
        joint: float = Field(default=1.0, ge=0, le=100)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = (config.modalities + 1) * config.embed_dim

    @classmethod
    def example(cls) -> Concatenation:
        """Two modalities of width 8."""
        return cls.create(embed_dim=8, modalities=2)

    def forward(self, joint: Tensor, unimodal: Tensor, present: Tensor, episode: Tensor | None = None) -> Tensor:
        """-> [B, (M + 1) * E]."""
        shared = self.config.joint**0.5 * functional.normalize(joint, dim=-1)
        own = functional.normalize(unimodal, dim=-1)
        shared = torch.where(present.any(1, keepdim=True), shared, torch.zeros_like(shared))
        own = torch.where(present[..., None], own, torch.zeros_like(own))
        return torch.cat([shared[:, None], own], dim=1).flatten(1)
