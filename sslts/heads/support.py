"""The check that every few-shot head makes first."""

from __future__ import annotations

from torch import Tensor

from sslts.errors import LengthError


def check_support(support: Tensor, labels: Tensor) -> int:
    """Number of classes W. LengthError unless support is [S, E], labels are int [S] and every class 0..W-1 has an example."""
    if support.dim() != 2 or labels.shape != support.shape[:1]:
        raise LengthError(f"Expected support [S, E] and labels [S], got {tuple(support.shape)} and {tuple(labels.shape)}.")
    if len(labels) == 0:
        raise LengthError("A few-shot head needs at least one example of each class, got none.")
    found = labels.unique().tolist()
    ways = int(labels.max()) + 1
    if found != list(range(ways)):
        missing = sorted(set(range(ways)) - set(found))
        raise LengthError(f"Labels must be 0..{ways - 1} with at least one example each; missing or negative: {missing or found[:3]}.")
    return ways
