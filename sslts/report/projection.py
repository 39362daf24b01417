"""Two axes to look at embeddings: principal components of one set, onto which other sets are projected as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Projection:
    """centre: [E]; axes: [2, E], orthonormal; share: how much of the variance the two axes hold, 0 to 1."""

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    share: float

    def __call__(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """[n, E] -> [n, 2]."""
        return (np.asarray(values, dtype=np.float64) - self.centre) @ self.axes.T


def fit_projection(values: NDArray[Any]) -> Projection:
    """The first two principal components of [n, E]. An axis that does not exist (few or equal vectors) is zero.

    An axis' sign is chosen so that its largest entry is positive: the same data give the same picture.
    """
    rows = np.asarray(values, dtype=np.float64)
    centre = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
    _, scale, axes = np.linalg.svd(rows - centre, full_matrices=False)
    kept = np.zeros((2, rows.shape[1]))
    real = scale[:2] > 1e-9 * max(float(scale.max(initial=0.0)), 1e-300)
    kept[: len(real)][real] = axes[:2][real]
    largest = np.take_along_axis(kept, np.abs(kept).argmax(axis=1)[:, None], axis=1)
    total = float((scale**2).sum())
    return Projection(centre, kept * np.where(largest < 0, -1.0, 1.0), float((scale[:2] ** 2).sum() / total) if total else 0.0)


def unit_square(points: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Scale several sets of points [n, 2] by one factor into 0..1, centred: distances stay comparable between the sets."""
    everything = np.concatenate(points)
    low, high = everything.min(axis=0), everything.max(axis=0)
    span = float((high - low).max()) or 1.0
    return [(part - (low + high) / 2) / span + 0.5 for part in points]
