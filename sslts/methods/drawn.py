"""A few sensors of each window at a time: what is not drawn costs nothing, and a model learns to do with any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from sslts.maskers.modality import draw, keep_at_least_one
from sslts.types import Tokens


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
