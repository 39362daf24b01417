"""Figures: macro-F1 and balanced accuracy of one subject, means over subjects with 95 % t-intervals, paired differences.

All scores come from confusion matrices (rows: truth, columns: prediction), so that a results file is enough to recompute them.
A class that a subject never shows is left out of that subject's mean: its recall is undefined. Windows wrongly given to it still
count against the class they belong to. (In WESAD every subject shows every class.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sslts.errors import LengthError


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over subjects and half the width of its 95 % t-interval (NaN for a single subject)."""

    mean: float
    half_width: float
    count: int

    def __str__(self) -> str:
        return f"{100 * self.mean:.1f} +- {100 * self.half_width:.1f}"


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Ours minus theirs, subject by subject: its interval, and on how many subjects ours is ahead or equal."""

    interval: Interval
    ahead: int
    equal: int
    differences: tuple[float, ...]


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, *, classes: int) -> NDArray[np.int64]:
    """int [n], int [n] in 0..classes-1 -> int [classes, classes]; rows are the truth (LengthError if lengths differ)."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape or truth.ndim != 1:
        raise LengthError(f"Expected as many predictions as labels, got {predicted.shape} and {truth.shape}.")
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def macro_f1(confusion: ArrayLike) -> float:
    """Mean over the subject's classes of 2 TP / (2 TP + FP + FN), in 0..1."""
    matrix = np.asarray(confusion, dtype=np.float64)
    shown = matrix.sum(1) > 0
    return float(np.mean(2 * np.diag(matrix)[shown] / (matrix.sum(0) + matrix.sum(1))[shown]))


def balanced_accuracy(confusion: ArrayLike) -> float:
    """Mean over the subject's classes of the recall, in 0..1."""
    matrix = np.asarray(confusion, dtype=np.float64)
    shown = matrix.sum(1) > 0
    return float(np.mean(np.diag(matrix)[shown] / matrix.sum(1)[shown]))


def interval(values: Sequence[float]) -> Interval:
    """Mean and half-width t(0.975, n - 1) s / sqrt(n) over subjects."""
    scores = np.asarray(values, dtype=np.float64)
    if scores.size < 2:
        return Interval(float(scores.mean()) if scores.size else float("nan"), float("nan"), scores.size)
    half = stats.t.ppf(0.975, scores.size - 1) * scores.std(ddof=1) / np.sqrt(scores.size)
    return Interval(float(scores.mean()), float(half), scores.size)


def paired_difference(ours: Sequence[float], theirs: Sequence[float]) -> PairedDifference:
    """Compare two rows subject by subject, since intervals over subjects are wide (LengthError if the subjects do not match)."""
    if len(ours) != len(theirs):
        raise LengthError(f"A paired difference needs the same subjects on both sides, got {len(ours)} and {len(theirs)}.")
    differences = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    return PairedDifference(
        interval=interval(differences.tolist()),
        ahead=int((differences > 0).sum()),
        equal=int((differences == 0).sum()),
        differences=tuple(differences.tolist()),
    )
