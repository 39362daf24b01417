"""Zero-shot recognition: a window is what the name nearest to it says, for every wording of the names.

All functions take arrays: vectors of windows and of texts in one space, made by a model that saw nothing of the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sslts.errors import ConfigError, LengthError
from sslts.evaluate.metrics import Interval, balanced_accuracy, confusion_matrix, interval, macro_f1
from sslts.evaluate.probe import Labels, Values

#: The class of a name that belongs to none of the target's classes.
NO_CLASS = -1


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over wordings: its mean, standard deviation (n - 1), smallest and largest value."""

    mean: float
    std: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Spread of at least one value; a single one has no deviation (NaN)."""
        scores = np.asarray(values, dtype=np.float64)
        std = float(scores.std(ddof=1)) if scores.size > 1 else float("nan")
        return cls(float(scores.mean()), std, float(scores.min()), float(scores.max()))


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """Confusion matrices by wording and subject, int [K + 1, K + 1]: rows are the truth, the last column is every name of no class."""

    confusions: Mapping[str, Mapping[str, NDArray[np.int64]]]

    def by_wording(self, score: str = "balanced_accuracy") -> dict[str, float]:
        """{wording: mean over subjects} of `balanced_accuracy` or `macro_f1`."""
        return {wording: float(np.mean([_score(score)(m) for m in found.values()])) for wording, found in self.confusions.items()}

    def over_wordings(self, score: str = "balanced_accuracy") -> Spread:
        """How the mean over subjects spreads over wordings."""
        return Spread.of(list(self.by_wording(score).values()))

    def over_subjects(self, score: str = "balanced_accuracy") -> Interval:
        """The 95 % interval over subjects of each one's mean over wordings."""
        subjects = next(iter(self.confusions.values()))
        return interval([float(np.mean([_score(score)(found[who]) for found in self.confusions.values()])) for who in subjects])

    def confusion(self, wording: str) -> NDArray[np.int64]:
        """Summed over subjects: int [K, K + 1]."""
        return np.sum(list(self.confusions[wording].values()), axis=0)[:-1]

    def as_json(self) -> dict[str, Any]:
        """Figures by wording, means, and every matrix (without its empty last row), enough to recompute all of it."""
        names = ("balanced_accuracy", "macro_f1")
        spreads = {name: self.over_wordings(name) for name in names}
        intervals = {name: self.over_subjects(name) for name in names}
        return {
            "wordings": {wording: {name: self.by_wording(name)[wording] for name in names} for wording in self.confusions},
            **{
                name: {
                    "mean": spreads[name].mean,
                    "half_width_over_subjects": _number(intervals[name].half_width),
                    "std_over_wordings": _number(spreads[name].std),
                    "low": spreads[name].low,
                    "high": spreads[name].high,
                    "subjects": intervals[name].count,
                }
                for name in names
            },
            "confusion": {
                wording: {who: matrix[:-1].tolist() for who, matrix in found.items()} for wording, found in self.confusions.items()
            },
        }


def zero_shot(
    windows: Values, texts: Mapping[str, Values], labels: Labels, subjects: Sequence[str], *, meaning: Sequence[int], classes: int
) -> ZeroShot:
    """Name every window under every wording.

    Args:
        windows: [n, E] in the text space, of any length; a window of zeros has no direction and is wrong whatever it is.
        texts: {wording: [L, E]}, the same L names in the same order under each wording.
        labels: int [n] in 0..classes-1; a window with -1 is left out.
        subjects: n names.
        meaning: for each name the class it belongs to, or `NO_CLASS`. Several names may belong to one class; the nearest name decides.
            Closed set: the target's names alone. Open set: the names of all data sets; a name of no class is wrong for every window.
        classes: K.

    Raises:
        LengthError: shapes do not agree, or no window is left.
        ConfigError: a class has no name, or a meaning is no class.
    """
    _check(windows, texts, labels, subjects, meaning, classes)
    target = np.where(np.asarray(meaning) == NO_CLASS, classes, meaning)
    names = np.asarray(subjects)
    judged = labels >= 0
    found: dict[str, dict[str, NDArray[np.int64]]] = {}
    for wording, vectors in texts.items():
        predicted = target[nearest(windows, vectors)]
        predicted = np.where(np.any(windows != 0, axis=1), predicted, classes)
        found[wording] = {}
        for who in dict.fromkeys(names[judged].tolist()):
            rows = judged & (names == who)
            found[wording][who] = confusion_matrix(labels[rows], predicted[rows], classes=classes + 1)
    return ZeroShot(found)


def nearest(windows: Values, texts: Values) -> Labels:
    """[n, E], [L, E] -> int [n]: the text with the largest cosine similarity, the first of equally near ones."""
    return np.asarray((unit(windows) @ unit(texts).T).argmax(axis=1), dtype=np.int64)


def unit(vectors: Values) -> NDArray[np.float64]:
    """[n, E] -> [n, E] of length 1; a row of zeros stays."""
    values = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(length == 0, 1.0, length), dtype=np.float64)


def _score(name: str) -> Any:
    return {"balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}[name]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _check(
    windows: Values, texts: Mapping[str, Values], labels: Labels, subjects: Sequence[str], meaning: Sequence[int], classes: int
) -> None:
    if windows.ndim != 2 or labels.shape != (len(windows),) or len(subjects) != len(windows):
        raise LengthError(f"Expected windows [n, E], n labels and n subjects, got {windows.shape}, {labels.shape} and {len(subjects)}.")
    if not np.isfinite(windows).all():
        raise LengthError("Windows in the text space must be finite. Leave out windows that the model could not embed.")
    if not (labels >= 0).any():
        raise LengthError("No window has a label (all are -1). Give windows of the target's classes.")
    if not texts:
        raise ConfigError("Zero-shot recognition needs at least one wording of the names, got none.")
    for wording, vectors in texts.items():
        if vectors.shape != (len(meaning), windows.shape[1]):
            raise LengthError(f"Wording '{wording}': expected vectors [{len(meaning)}, {windows.shape[1]}], got {vectors.shape}.")
    known = set(meaning) - {NO_CLASS}
    if known != set(range(classes)) or int(labels.max()) >= classes:
        raise ConfigError(f"Every one of {classes} classes needs a name: the names mean {sorted(known)}, labels go to {labels.max()}.")
