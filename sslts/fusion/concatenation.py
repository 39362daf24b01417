"""One place for each modality and one for what they share: `concatenation`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.fusion.places import Places
from sslts.interfaces import Fusion


@final
class Concatenation(Fusion):
    """[B, E] and [B, M, E] -> [B, (M + 1) * E]: each of unit length times its weight, absent ones 0.

    Cosine similarities are then weighted means over views (`Places`).
    """

    class Config(ComponentConfig):
        """embed_dim: E; modalities: M; joint: weight of what all modalities share at first, beside 1 for each of them."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("embed_dim", "modalities")

        embed_dim: int = Field(ge=1, le=4096)
        modalities: int = Field(ge=1, le=64)
        joint: float = Field(default=1.0, ge=0, le=100)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = (config.modalities + 1) * config.embed_dim
        self.places = Places(config.modalities, joint=config.joint)

    @classmethod
    def example(cls) -> Concatenation:
        """Two modalities of width 8."""
        return cls.create(embed_dim=8, modalities=2)

    def forward(self, joint: Tensor, unimodal: Tensor, present: Tensor, episode: Tensor | None = None) -> Tensor:
        """-> [B, (M + 1) * E]."""
        return self.places(joint, unimodal, present)

    def weigh(self, weights: Sequence[float], fitted: Sequence[bool]) -> None:
        """Of the joint view and of each modality's own, [M + 1]; which modalities were there, [M]."""
        self.places.weigh(weights, fitted)
