"""Hiding one stretch of time: `example.stretch`."""

from __future__ import annotations

from typing import final

import torch
from pydantic import Field

from sslts.config import ComponentConfig
from sslts.interfaces import Masker
from sslts.types import MaskPlan, Tokens


@final
class StretchMasker(Masker):
    """In each view, hides the tokens of every modality that lie in one stretch of time, drawn for each row and view."""

    class Config(ComponentConfig):
        """hidden: share of the window's duration that the stretch takes; views: how many."""

        hidden: float = Field(default=0.3, gt=0, lt=1)
        views: int = Field(default=2, ge=1, le=16)

    config: Config

    @classmethod
    def example(cls) -> StretchMasker:
        """A third of the time, two views."""
        return cls.create()

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """visible [views, B, N]; no targets. All randomness comes from `generator`."""
        time_s = tokens.time_s
        last = torch.where(tokens.valid, time_s, torch.zeros_like(time_s)).amax(1, keepdim=True)
        start = torch.rand(self.config.views, len(time_s), 1, generator=generator).to(time_s) * (1 - self.config.hidden) * last
        inside = (time_s >= start) & (time_s <= start + self.config.hidden * last)
        visible = tokens.valid & ~inside
        # Where that hides all that a row has, it hides nothing: a view needs something to see.
        visible = torch.where(visible.any(2, keepdim=True), visible, tokens.valid.expand_as(visible))
        return MaskPlan(visible, visible.new_zeros((0, *tokens.valid.shape)))
