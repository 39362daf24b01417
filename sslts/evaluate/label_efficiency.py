"""Label efficiency: the same classifier with 1, 5, 10, 25, 50 and 100 % of the labelled training windows.

A draw is a pure function of (protocol, fold, fraction, draw): the same windows for every row of a benchmark. Draws are stratified by
class with at least one window a class, and nested: the 1 % of a draw are among its 5 %.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from sslts.errors import ConfigError
from sslts.evaluate.probe import Labels

FRACTIONS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
DRAWS = 5


def draw_windows(labels: Labels, *, protocol: str, fold: str, fraction: float, draw: int) -> NDArray[np.int64]:
    """Positions, ascending, of the training windows whose labels may be used.

    labels: int [n], the training windows' classes in the protocol's order; -1 marks windows that the task leaves out.

    Raises:
        ConfigError: the fraction is not in (0, 1].
    """
    if not 0 < fraction <= 1:
        raise ConfigError(f"fraction must be above 0 and at most 1, got {fraction}.")
    chosen = []
    for name in np.unique(labels[labels >= 0]):
        rows = np.flatnonzero(labels == name)
        order = generator(protocol, fold, draw, int(name)).permutation(rows)
        chosen.append(order[: max(1, round(fraction * len(rows)))])
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def draws_for(fraction: float) -> int:
    """How many draws a fraction has: 5, and one where all windows are taken."""
    return DRAWS if fraction < 1 else 1


def generator(*key: object) -> np.random.Generator:
    """A generator that is a pure function of its key, on every machine."""
    digest = hashlib.sha256("|".join(str(part) for part in key).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
