"""Latent masking over modality embeddings (CroSSL, Deldari et al. 2024, arXiv:2307.16847, sec. 3.2): `spatial` and `random`."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import torch
from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.interfaces import Masker
from sslts.types import MaskPlan, Tokens


def draw(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
    """Uniform numbers in [0, 1), drawn where the generator lives and moved, so that a plan does not depend on the device."""
    return torch.rand(shape, generator=generator, device=generator.device).to(device)


def keep_at_least_one(visible: Tensor, valid: Tensor, scores: Tensor) -> Tensor:
    """Where a row has something valid but nothing visible, show its best-scored valid token. visible, scores [V, B, N], valid [B, N]."""
    # differs from the released code: it has no guard, so a row could be embedded from nothing at all.
    visible = visible & valid
    best = scores.masked_fill(~valid, -1.0).argmax(-1, keepdim=True)
    rescued = torch.zeros_like(visible).scatter_(-1, best, True) & valid
    return torch.where(visible.any(-1, keepdim=True), visible, rescued)


@final
class SpatialMasker(Masker):
    """Keep each modality with probability `keep`, independently for each of the views; at least one stays visible.

    The default of the released code, and the one with the notable gains there.
    """

    level: ClassVar[Literal["token", "modality"]] = "modality"

    class Config(ComponentConfig):
        """keep: probability that a modality stays visible; views: how many independent draws."""

        keep: float = Field(default=0.9, gt=0, le=1)
        views: int = Field(default=2, ge=1, le=8)

    config: Config

    @classmethod
    def example(cls) -> SpatialMasker:
        """Keeps 60 %."""
        return cls.create(keep=0.6)

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """Tokens [B, M, D], one a modality -> visible [V, B, M]."""
        scores = draw((self.config.views, *tokens.valid.shape), generator, tokens.valid.device)
        visible = keep_at_least_one(scores < self.config.keep, tokens.valid, 1 - scores)
        return MaskPlan(visible=visible, targets=visible.new_zeros((0, *tokens.valid.shape)))


@final
class RandomMasker(Masker):
    """Keep each element of the modality embeddings with probability `keep`, independently for each view. Nothing is rescaled."""

    level: ClassVar[Literal["token", "modality"]] = "modality"

    class Config(ComponentConfig):
        """keep: probability that an element stays; views: how many independent draws."""

        keep: float = Field(default=0.9, gt=0, le=1)
        views: int = Field(default=2, ge=1, le=8)

    config: Config

    @classmethod
    def example(cls) -> RandomMasker:
        """Keeps 90 %."""
        return cls.create()

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """Tokens [B, N, D] -> features [V, B, N, D]; every valid token stays visible."""
        features = draw((self.config.views, *tokens.values.shape), generator, tokens.valid.device) < self.config.keep
        visible = tokens.valid.expand(self.config.views, -1, -1)
        return MaskPlan(visible=visible, targets=visible.new_zeros((0, *tokens.valid.shape)), features=features)
