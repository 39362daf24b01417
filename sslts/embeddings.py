"""What `Model.encode` returns: one vector a window, when it was, and which modalities were there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sslts.errors import ConfigError, LengthError


@dataclass(frozen=True, slots=True)
class Embeddings:
    """values: float32 [n, E]; time_s: float64 [n], start of each window on the recording's clock; present: bool [n, M].

    A window in which no modality is present has `present` all False and a vector of zeros: nothing was seen.
    `normalise` says which statistics were used ("artefact" or "recording"), `model` which model.
    """

    values: NDArray[np.float32]
    time_s: NDArray[np.float64]
    present: NDArray[np.bool_]
    modalities: tuple[str, ...]
    window_s: float
    normalise: str
    model: str

    def __post_init__(self) -> None:
        count = len(self.values)
        if self.values.ndim != 2 or self.time_s.shape != (count,) or self.present.shape != (count, len(self.modalities)):
            raise LengthError(
                f"Embeddings need values [n, E], time_s [n] and present [n, {len(self.modalities)}], "
                f"got {self.values.shape}, {self.time_s.shape}, {self.present.shape}."
            )

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The values, so that NumPy and scikit-learn take embeddings as they are."""
        return np.array(self.values, dtype=dtype, copy=True) if copy or dtype is not None else self.values

    @property
    def usable(self) -> NDArray[np.bool_]:
        """bool [n]: windows in which at least one modality was present."""
        return np.asarray(self.present.any(axis=1))

    def select(self, rows: NDArray[Any] | slice | Sequence[int]) -> Embeddings:
        """Some of the windows."""
        return replace(self, values=self.values[rows], time_s=self.time_s[rows], present=self.present[rows])

    @classmethod
    def join(cls, parts: Sequence[Embeddings]) -> Embeddings:
        """Several pieces, one after another. All must come from the same model and normalisation."""
        if not parts:
            raise LengthError("Nothing to join: expected at least one piece of embeddings, got none.")
        first = parts[0]
        for part in parts[1:]:
            if (part.model, part.normalise, part.modalities) != (first.model, first.normalise, first.modalities):
                raise ConfigError(f"Embeddings of {part.model} ({part.normalise}) cannot be joined to {first.model} ({first.normalise}).")
        return replace(
            first,
            values=np.concatenate([part.values for part in parts]),
            time_s=np.concatenate([part.time_s for part in parts]),
            present=np.concatenate([part.present for part in parts]),
        )


class RunningScale:
    """Mean and standard deviation of each dimension over rows that come in pieces, in float64. count: rows so far."""

    def __init__(self, embed_dim: int) -> None:
        self.count = 0
        self._mean = np.zeros(embed_dim)
        self._squares = np.zeros(embed_dim)

    def add(self, values: NDArray[Any]) -> None:
        """More rows [n, E] (Chan, Golub, LeVeque 1979)."""
        if not len(values):
            return
        rows = values.astype(np.float64)
        mean, total = rows.mean(0), self.count + len(rows)
        shift = mean - self._mean
        self._squares += ((rows - mean) ** 2).sum(0) + shift**2 * self.count * len(rows) / total
        self._mean += shift * len(rows) / total
        self.count = total

    def standardise(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """(values - mean) / deviation; a dimension that never varies becomes 0."""
        deviation = np.sqrt(self._squares / max(self.count, 1))
        return ((values - self._mean) / np.where(deviation > 1e-8, deviation, 1.0)).astype(np.float32)


def cosine_similarity(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float32]:
    """[n, E] and [m, E] -> [n, m] in -1..1; 0 where a vector is zero."""
    left, right = (np.asarray(values, dtype=np.float32) for values in (first, second))
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1]:
        raise LengthError(f"Expected embeddings [n, E] and [m, E], got {left.shape} and {right.shape}. Compare vectors of one model.")
    left, right = (values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12) for values in (left, right))
    return left @ right.T
