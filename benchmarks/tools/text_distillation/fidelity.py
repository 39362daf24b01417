"""How close one text tower comes to another: not in its numbers, but in what it calls similar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Over a set of phrases.

    `spearman`: rank correlation of all pairs' cosine similarities. `nearest`: share of phrases whose nearest other phrase is the
    teacher's; `nearest_in_5`: whose teacher's nearest is among the student's five nearest.
    """

    phrases: int
    spearman: float
    nearest: float
    nearest_in_5: float


def compare(student: Tensor, teacher: Tensor) -> dict[str, float]:
    """Unit vectors of the same phrases by both, [n, E] and [n, T]; figures rounded to four decimals."""
    ours, theirs = (_similarities(vectors) for vectors in (student, teacher))
    pairs = np.triu_indices(len(ours), 1)
    order = np.argsort(-ours, axis=1, kind="stable")[:, :5]
    wanted = theirs.argmax(1)
    found = Fidelity(
        phrases=len(ours),
        spearman=round(float(spearmanr(ours[pairs], theirs[pairs]).statistic), 4),
        nearest=round(float((order[:, 0] == wanted).mean()), 4),
        nearest_in_5=round(float((order == wanted[:, None]).any(1).mean()), 4),
    )
    return asdict(found)


def table(result: Mapping[str, Any]) -> str:
    """The recorded figures as a Markdown table, one row a set of phrases."""
    rows = [
        "| phrases | n | Spearman | same nearest | nearest among 5 | Spearman without a fit |",
        "|---|---|---|---|---|---|",
    ]
    for name, meaning in result["sets"].items():
        got, before = result["static"][name], result["pieces alone"][name]
        figures = (got["spearman"], got["nearest"], got["nearest_in_5"], before["spearman"])
        rows.append(f"| {meaning} | {got['phrases']} | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |")
    return "\n".join(rows) + "\n"


def _similarities(vectors: Tensor) -> NDArray[np.float64]:
    values = vectors.double().numpy()
    similar = values @ values.T
    np.fill_diagonal(similar, -np.inf)
    return similar
