"""A few sensors of each window at a time: what is not drawn costs nothing, and a model learns to do with any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from sslts.maskers.modality import draw, keep_at_least_one
from sslts.types import Tokens

#: How often two views of a window sit at one place each, and how often a sensor that is not the last of its view is left out.
_NARROW, _SPARED = 0.5, 1 / 3


def draw_sensors(present: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """`count` (0: all) of each row's present sensors, at random. bool [B, M] -> bool [B, M]."""
    if not count or count >= present.shape[1]:
        return present
    scores = draw(tuple(present.shape), generator, present.device).masked_fill(~present, 2.0)
    chosen = keep_at_least_one(scores.argsort(1).argsort(1) < count, present, 1 - scores)
    return chosen & present


def line_up(rows: int, parts: Sequence[tuple[Tensor, Tokens]]) -> Tokens:
    """Join tokens of different rows of one batch into one sequence a row, padded to the longest. -> [rows, N, D].

    parts: (which rows [b], their tokens [b, n, D]); described channels are counted on from part to part.
    """
    first = parts[0][1]
    ends = torch.zeros(rows, dtype=torch.long, device=first.values.device)
    for which, tokens in parts:
        ends[which] += tokens.values.shape[1]
    length = max(int(ends.max()), 1)
    made = {
        name: getattr(first, name).new_zeros(rows, length, *getattr(first, name).shape[2:])
        for name in ("values", "valid", "time_s", "modality", "channel", "cell")
    }
    begin, counted, tables = torch.zeros_like(ends), 0, []
    for which, tokens in parts:
        count = tokens.values.shape[1]
        places = begin[which][:, None] + torch.arange(count, device=begin.device)
        moved = tokens if tokens.described is None else replace(tokens, channel=tokens.channel + counted)
        for name, whole in made.items():
            whole[which[:, None], places] = getattr(moved, name)
        begin[which] += count
        if tokens.described is not None:
            counted += len(tokens.described)
            tables.append(tokens.described)
    return Tokens(**made, described=torch.cat(tables) if tables else None)


def draw_views(present: Tensor, places: Sequence[str], *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two sets of each row's sensors that share none: bool [B, M] twice. One is empty only where a row has a single sensor.

    places: where each sensor sits. The sets sit at different places where a row has several: half of the time at one place each, else at
    half of the places each; sensors of a lone place are dealt out. A third of the sensors that could be spared are left out.
    """
    drawn = draw((3, *present.shape), generator, present.device)
    known = sorted(set(places))
    member = torch.tensor([[place == name for place in places] for name in known], device=present.device)
    inhabited = (present[:, None] & member).any(2)
    of_place = _ranks(drawn[0][:, : len(known)], inhabited) @ member.to(drawn.dtype)
    alone = (inhabited.sum(1) < 2)[:, None]
    order = torch.where(alone, _ranks(drawn[1], present), of_place)
    wanted = present
    if float(torch.rand(1, generator=generator)) < _NARROW:
        wanted = present & (alone | (of_place < 2))
    views = [wanted & (order % 2 == side) for side in (0, 1)]
    first, second = (keep_at_least_one(drawn[2] > _SPARED, view, drawn[2]) for view in views)
    return first, second


def _ranks(scores: Tensor, there: Tensor) -> Tensor:
    """Place of each in the order of its row's scores, those that are there first. [B, M]."""
    return scores.masked_fill(~there, 2.0).argsort(1).argsort(1).to(scores.dtype)
