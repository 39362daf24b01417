"""Maskers of JEPA-style prediction: which tokens the context keeps, and which pieces are to be predicted.

The masking unit is a stretch of time of one sensor channel or sensor. Targets are taken out of the context, so that nothing of a target is
seen; every row keeps at least one visible token. `block` is I-JEPA's scheme in time (Assran et al. 2023, arXiv:2301.08243, sec. 3),
`cross-modal` predicts one sensor from the others, `causal` the future from the past and `smoothing` the inside from both sides (the two
pretext tasks of CHARM, arXiv:2605.31580).
"""

from __future__ import annotations

from typing import Annotated, Self, final

import torch
from pydantic import Field, model_validator
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.interfaces import Masker
from sslts.maskers.modality import draw, keep_at_least_one
from sslts.types import MaskPlan, Tokens

_Share = Annotated[float, Field(ge=0, le=1)]


@final
class BlockMasker(Masker):
    """Several target blocks: each hides a stretch of time of some of the channels; the context keeps a share of what is left.

    A block covers a share of time drawn from `length` and each channel with probability `channels` (at least one). Targets of one row may
    overlap, as in I-JEPA.
    """

    class Config(ComponentConfig):
        """targets K; length: least and largest share of the time axis; channels: share in a block; keep: share of the rest that stays."""

        targets: int = Field(default=4, ge=1, le=32)
        length: tuple[_Share, _Share] = (0.2, 0.6)
        channels: float = Field(default=0.4, gt=0, le=1)
        keep: float = Field(default=0.9, gt=0, le=1)

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if not 0 < self.length[0] <= self.length[1] <= 1:
                raise ValueError(f"length must be 0 < least <= largest <= 1, got {self.length}")
            return self

    config: Config

    @classmethod
    def example(cls) -> BlockMasker:
        """Two blocks of half of the time."""
        return cls.create(targets=2, length=(0.5, 0.5))

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """Tokens [B, N, D] -> visible [1, B, N], targets [K, B, N]."""
        count, batch, device = self.config.targets, len(tokens.valid), tokens.valid.device
        channels = _kinds(tokens.channel)
        least, largest = self.config.length
        length, first, chosen = draw((count, batch, 1), generator, device), draw((count, batch, 1), generator, device), None
        length = least + (largest - least) * length
        chosen = draw((count, batch, channels), generator, device)
        present = _present(tokens.channel, tokens.valid, channels)
        # A block without a channel is no block: its best-scored present channel is taken then.
        inside = keep_at_least_one(chosen < self.config.channels, present, 1 - chosen)
        start, end = _span(tokens)
        when = (tokens.time_s - start) / (end - start).clamp(min=1e-9)
        # A block may reach beyond the ends, so that the ends are hidden as often as the middle.
        begin = first * (1 + length) - length
        hit = (when >= begin) & (when < begin + length) & torch.gather(inside, 2, tokens.channel.expand(count, -1, -1))
        kept = draw((1, *tokens.valid.shape), generator, device)
        return _plan(tokens, hit, kept, self.config.keep)


@final
class CrossModalMasker(Masker):
    """Each target is all of one sensor; the context is the others. A row with a single sensor hides a stretch of its time instead.

    A sensor is a modality of the batch (a device's accelerometer, its gyroscope, ...).
    """

    class Config(ComponentConfig):
        """targets K: how many sensors are predicted, each from a context without any of them; keep: share of the rest that stays."""

        targets: int = Field(default=1, ge=1, le=32)
        keep: float = Field(default=0.9, gt=0, le=1)

    config: Config

    @classmethod
    def example(cls) -> CrossModalMasker:
        """One sensor."""
        return cls.create()

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """Tokens [B, N, D] -> visible [1, B, N], targets [K, B, N]."""
        device = tokens.valid.device
        sensors = _kinds(tokens.modality)
        present = _present(tokens.modality, tokens.valid, sensors)
        scores = draw((len(tokens.valid), sensors), generator, device).masked_fill(~present, -1.0)
        order = scores.argsort(dim=1, descending=True)
        # Never the last present sensor: something must be left to predict from.
        most = (present.sum(1, keepdim=True) - 1).clamp(min=0)
        hits = []
        for index in range(self.config.targets):
            chosen = order[:, min(index, sensors - 1), None]
            hits.append((tokens.modality == chosen) & (index < most))
        start, end = _span(tokens)
        half = tokens.time_s > start + (end - start) * (0.25 + 0.5 * draw((len(tokens.valid), 1), generator, device))
        alone = present.sum(1, keepdim=True) == 1
        hit = torch.stack([torch.where(alone, half, sensor) for sensor in hits])
        return _plan(tokens, hit, draw((1, *tokens.valid.shape), generator, device), self.config.keep)


@final
class CausalMasker(Masker):
    """The context is the past, the target the future, of all channels (CHARM's causal pretext task)."""

    class Config(ComponentConfig):
        """past: least and largest share of the time that the context covers."""

        past: tuple[_Share, _Share] = (0.4, 0.8)

    config: Config

    @classmethod
    def example(cls) -> CausalMasker:
        """About half of the time."""
        return cls.create(past=(0.4, 0.6))

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """Tokens [B, N, D] -> visible [1, B, N], targets [1, B, N]."""
        least, largest = self.config.past
        start, end = _span(tokens)
        share = least + (largest - least) * draw((len(tokens.valid), 1), generator, tokens.valid.device)
        future = tokens.time_s > start + share * (end - start)
        return _plan(tokens, future[None], draw((1, *tokens.valid.shape), generator, tokens.valid.device), 1.0)


@final
class SmoothingMasker(Masker):
    """The target is a stretch inside the window, of all channels; the context lies on both sides (CHARM's smoothing pretext task)."""

    class Config(ComponentConfig):
        """inside: least and largest share of the time that is hidden."""

        inside: tuple[_Share, _Share] = (0.2, 0.5)

    config: Config

    @classmethod
    def example(cls) -> SmoothingMasker:
        """The middle half."""
        return cls.create(inside=(0.5, 0.5))

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """Tokens [B, N, D] -> visible [1, B, N], targets [1, B, N]."""
        least, largest = self.config.inside
        start, end = _span(tokens)
        length = least + (largest - least) * draw((len(tokens.valid), 1), generator, tokens.valid.device)
        begin = draw((len(tokens.valid), 1), generator, tokens.valid.device) * (1 - length)
        when = (tokens.time_s - start) / (end - start).clamp(min=1e-9)
        hit = (when >= begin) & (when <= begin + length)
        return _plan(tokens, hit[None], draw((1, *tokens.valid.shape), generator, tokens.valid.device), 1.0)


def _plan(tokens: Tokens, hit: Tensor, scores: Tensor, keep: float) -> MaskPlan:
    """Targets [K, B, N] are what a block hits and is valid; the context is a share of the rest, at least one token."""
    targets = hit & tokens.valid
    free = ~targets.any(0)
    visible = keep_at_least_one((scores < keep) & free, tokens.valid, torch.where(free, 2 - scores, 1 - scores))
    # Where a block hit everything, the one token that must stay visible is no target.
    return MaskPlan(visible=visible, targets=targets & ~visible[0])


def _span(tokens: Tokens) -> tuple[Tensor, Tensor]:
    """Earliest and latest moment of each row's valid tokens, [B, 1]."""
    first = torch.where(tokens.valid, tokens.time_s, torch.full_like(tokens.time_s, torch.inf)).amin(1, keepdim=True)
    last = torch.where(tokens.valid, tokens.time_s, torch.full_like(tokens.time_s, -torch.inf)).amax(1, keepdim=True)
    some = tokens.valid.any(1, keepdim=True)
    return torch.where(some, first, torch.zeros_like(first)), torch.where(some, last, torch.ones_like(last))


def _kinds(index: Tensor) -> int:
    return int(index.max()) + 1 if index.numel() else 1


def _present(index: Tensor, valid: Tensor, kinds: int) -> Tensor:
    """bool [B, kinds]: which values of `index` [B, N] a row holds among its valid tokens."""
    counts = torch.zeros(len(index), kinds, device=index.device)
    return counts.scatter_add_(1, index.long(), valid.to(counts.dtype)) > 0
