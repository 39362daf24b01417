"""What the meaning of a window should be: one of its texts, or the middle of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sslts.types import TEXTS, SensorBatch

#: Texts -> vectors [n, E] in the space of comparison.
Said = Callable[[Sequence[str]], Tensor]


def texts_of(batch: SensorBatch) -> Sequence[Any]:
    """The texts of each window; none where the batch has none."""
    return batch.keys.get(TEXTS, [()] * len(batch))


def one_text_each(batch: SensorBatch, said: Said, *, like: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One of each window's texts, as `like` [B, E], and which windows have one, bool [B]. Which one is drawn anew in every step."""
    # One pick for the whole batch: two wordings of one activity side by side would be negatives of each other.
    pick = float(torch.rand(1, generator=generator))
    told = [texts[int(pick * len(texts))] if len(texts) else None for texts in texts_of(batch)]
    known = [text for text in told if text is not None]
    target, there = torch.zeros_like(like), torch.tensor([text is not None for text in told], device=like.device)
    if known:
        target[there] = said(known).to(target)
    return target, there


def middle_of_texts(batch: SensorBatch, said: Said) -> Tensor:
    """The middle of all texts of each window, unit length: what one of them is on average. Every window has one. [B, E]."""
    told = [tuple(texts) for texts in texts_of(batch)]
    middles = {texts: said(texts).mean(0) for texts in dict.fromkeys(told)}  # most windows share theirs with others
    return functional.normalize(torch.stack([middles[texts] for texts in told]), dim=1)
