"""Temporal latent masking (CroSSL, Deldari et al. 2024, arXiv:2307.16847, sec. 3.2)."""

from __future__ import annotations

from typing import final

import torch
from pydantic import Field

from sslts.config import ComponentConfig
from sslts.interfaces import Masker
from sslts.maskers.modality import draw, keep_at_least_one
from sslts.types import MaskPlan, Tokens


@final
class TemporalMasker(Masker):
    """Hide blocks of time in all modalities at once, before pooling over time.

    Time is cut into blocks of `block_s` seconds; each is kept with probability `keep`, the same blocks for every modality, one draw a view.
    A window of one block (or a modality with one token) keeps it: there is nothing to hide in.
    """

    # differs from the released code: there the embeddings are already averaged over time, so its temporal variant hides nothing.

    class Config(ComponentConfig):
        """keep: probability that a block stays; block_s: its length in seconds; views: how many independent draws."""

        keep: float = Field(default=0.9, gt=0, le=1)
        block_s: float = Field(default=1.0, gt=0, le=3600)
        views: int = Field(default=2, ge=1, le=8)

    config: Config

    @classmethod
    def example(cls) -> TemporalMasker:
        """Keeps half of the quarter-second blocks."""
        return cls.create(keep=0.5, block_s=0.25)

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """Tokens [B, N, D] -> visible [V, B, N]."""
        block = (tokens.time_s / self.config.block_s).long().clamp(min=0)
        blocks = int(block.max()) + 1 if block.numel() else 1
        scores = draw((self.config.views, tokens.valid.shape[0], blocks), generator, tokens.valid.device)
        of_token = torch.gather(scores, 2, block[None].expand(self.config.views, -1, -1))
        visible = keep_at_least_one(of_token < self.config.keep, tokens.valid, 1 - of_token)
        return MaskPlan(visible=visible, targets=visible.new_zeros((0, *tokens.valid.shape)))
