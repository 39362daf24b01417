"""Maskers of Mu-MAE (arXiv:2408.04243): the same pixels in every slot of a video, the same slots in every sensor.

Exactly the same number of tokens is hidden in every row, so that the encoder needs no padding where nothing is missing.
"""

from __future__ import annotations

from typing import final

import torch
from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.interfaces import Masker
from sslts.maskers.modality import draw, keep_at_least_one
from sslts.types import MaskPlan, Tokens


class _Ratio(ComponentConfig):
    ratio: float = Field(default=0.9, ge=0, lt=1)


@final
class TubeMasker(Masker):
    """Hide a share of the places (row, column) of a video, each for all of its time: what is hidden cannot be read off the frame before.

    A share of the hidden places may be enough to predict (VideoMAE V2, arXiv:2303.16727, sec. 3.2): the decoder, which sees hidden
    places, then costs as much less, and over steps every place is asked for as often.
    """

    class Config(_Ratio):
        """ratio: share of the places that is hidden; at least one stays. asked: share of the hidden places that are targets."""

        asked: float = Field(default=1.0, gt=0, le=1)

    config: Config

    @classmethod
    def example(cls) -> TubeMasker:
        """Hides half of the places."""
        return cls.create(ratio=0.5)

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """Tokens [B, N, D] -> visible [1, B, N], targets [1, B, N]."""
        columns = int(tokens.cell[..., 2].max()) + 1
        place = tokens.cell[..., 1] * columns + tokens.cell[..., 2]
        rank, count = _ranks(place, self.config.ratio, generator)
        plan = _as_plan(tokens, rank < count, generator)
        asked = rank < max(1, round(self.config.asked * count))
        return MaskPlan(plan.visible, plan.targets & asked)


@final
class SynchronisedMasker(Masker):
    """Hide a share of the slots of time, the same ones in all sensors of a row: no sensor gives away what another hides."""

    class Config(_Ratio):
        """ratio: share of the slots that is hidden; at least one stays."""

    config: Config

    @classmethod
    def example(cls) -> SynchronisedMasker:
        """Hides half of the slots."""
        return cls.create(ratio=0.5)

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """Tokens [B, N, D] -> visible [1, B, N], targets [1, B, N]."""
        return _plan(tokens, tokens.cell[..., 0], self.config.ratio, generator)


@final
class IndependentMasker(Masker):
    """Hide a share of the slots of time of each sensor, drawn for each by itself: the paper's ablation of `synchronised`."""

    class Config(_Ratio):
        """ratio: share of the slots of each sensor that is hidden; at least one slot of each stays."""

    config: Config

    @classmethod
    def example(cls) -> IndependentMasker:
        """Hides half of the slots of each sensor."""
        return cls.create(ratio=0.5)

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """Tokens [B, N, D] -> visible [1, B, N], targets [1, B, N]."""
        hidden = torch.zeros_like(tokens.valid)
        for sensor in tokens.modality.unique().tolist():
            mine = tokens.modality == sensor
            slot = tokens.cell[..., 0]
            hidden |= mine & _hidden(torch.where(mine, slot, torch.zeros_like(slot)), self.config.ratio, generator)
        return _as_plan(tokens, hidden, generator)


def _plan(tokens: Tokens, place: Tensor, ratio: float, generator: torch.Generator) -> MaskPlan:
    return _as_plan(tokens, _hidden(place, ratio, generator), generator)


def _hidden(place: Tensor, ratio: float, generator: torch.Generator) -> Tensor:
    """Which tokens lie at one of the hidden places. bool [B, N]."""
    rank, count = _ranks(place, ratio, generator)
    return rank < count


def _ranks(place: Tensor, ratio: float, generator: torch.Generator) -> tuple[Tensor, int]:
    """Each token's place in a random order of the places, another for each row, int [B, N]; and how many places are hidden: of P, those of
    rank below floor(ratio * P)."""
    places = int(place.max()) + 1
    count = min(int(ratio * places + 1e-6), places - 1)
    rank = draw((len(place), places), generator, place.device).argsort(1).argsort(1)
    return torch.gather(rank, 1, place), count


def _as_plan(tokens: Tokens, hidden: Tensor, generator: torch.Generator) -> MaskPlan:
    """A row whose visible places all happen to be lost shows one of its valid tokens."""
    scores = draw((1, *tokens.valid.shape), generator, tokens.valid.device)
    visible = keep_at_least_one(~hidden[None], tokens.valid, scores)
    return MaskPlan(visible=visible, targets=(tokens.valid & ~visible[0])[None])
