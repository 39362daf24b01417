"""Sequences of tokens to feed components with, and what may be done to them without changing a result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sslts.testing.case import broken
from sslts.testing.kit import ROWS, noise
from sslts.types import Tokens

#: What may stand where nothing is to be read.
JUNK = (float("nan"), float("inf"), 1e9)


def some_tokens(width: int, *, rows: int = ROWS, modalities: int = 2, steps: int = 4, side: int = 1, seed: int = 0) -> Tokens:
    """`modalities` films of `steps` x `side` x `side` tokens each, one after another; the last row is wholly absent, others lack some."""
    one = torch.cartesian_prod(torch.arange(steps), torch.arange(side), torch.arange(side))
    cell = one.repeat(modalities, 1)
    count, step = len(cell), cell[:, 0]
    modality = torch.arange(modalities).repeat_interleave(len(one))
    valid = noise(rows, count, seed=seed + 1) > -0.8
    valid[:, 0] = True
    valid[-1] = False
    return Tokens(
        values=noise(rows, count, width, seed=seed),
        valid=valid,
        time_s=((step + 0.5) / steps)[None].expand(rows, -1),
        modality=modality[None].expand(rows, -1),
        channel=modality[None].expand(rows, -1),
        cell=cell[None].expand(rows, -1, -1),
    )


def tokens_for(component: Any, rows: int = ROWS) -> Tokens:
    """The component's own `example_tokens(rows)` if it has that, else tokens of its Config's `token_dim` and `modalities`."""
    own = getattr(component, "example_tokens", None)
    if own is not None:
        made: Tokens = own(rows)
        return made
    width = getattr(component.config, "token_dim", None)
    if width is None:
        raise broken("its Config has no token_dim. Name it so, or give the class a method example_tokens(batch) -> Tokens.")
    return some_tokens(width, rows=rows, modalities=getattr(component.config, "modalities", 2), steps=3)


def row_of(tokens: Tokens, row: int) -> Tokens:
    """One row, as a batch of one."""
    one = slice(row, row + 1)
    places = {name: getattr(tokens, name)[one] for name in ("time_s", "modality", "channel", "cell")}
    return Tokens(tokens.values[one], tokens.valid[one], **places, described=tokens.described)


def with_junk(tokens: Tokens, where: Tensor, junk: float) -> Tokens:
    """The same tokens with junk in the values of those in bool [B, N]."""
    return replace(tokens, values=tokens.values.masked_fill(where[..., None], junk))


def in_dtype(tokens: Tokens, dtype: torch.dtype) -> Tokens:
    """The same tokens in another precision."""
    described = None if tokens.described is None else tokens.described.to(dtype)
    return replace(tokens, values=tokens.values.to(dtype), described=described)


def read(tokens: Tokens) -> Tensor:
    """Values of valid tokens, zero elsewhere, [B, N * D]."""
    return torch.where(tokens.valid[..., None], tokens.values, torch.zeros((), dtype=tokens.values.dtype)).flatten(1)
