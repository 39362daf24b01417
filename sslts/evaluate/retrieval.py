"""Retrieval: windows by words, and windows by windows of another sensor.

All functions take arrays. Ties never help: of equally near windows, the wrong ones come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sslts.errors import ConfigError, LengthError
from sslts.evaluate.leakage import check_disjoint
from sslts.evaluate.metrics import Interval, interval
from sslts.evaluate.probe import Labels, Values
from sslts.evaluate.zero_shot import unit


@dataclass(frozen=True, slots=True)
class TextRetrieval:
    """Average precision by subject, float [K], one for each class; NaN where a subject never shows the class."""

    precision: Mapping[str, NDArray[np.float64]]

    def mean(self) -> Interval:
        """Mean over classes, then over subjects, with its 95 % interval over subjects."""
        return interval([float(np.nanmean(of_classes)) for of_classes in self.precision.values()])

    def by_class(self) -> list[float]:
        """Mean over the subjects that show the class."""
        return np.nanmean(list(self.precision.values()), axis=0).tolist()

    def as_json(self) -> dict[str, Any]:
        """The mean, each class, and each subject's classes (null: not shown)."""
        return {
            "mean_average_precision": _as_json(self.mean()),
            "by_class": self.by_class(),
            "by_subject": {who: [None if np.isnan(value) else float(value) for value in found] for who, found in self.precision.items()},
        }


@dataclass(frozen=True, slots=True)
class Recall:
    """{k: {subject: share of the subject's queries whose answer is among the k nearest}}."""

    shares: Mapping[int, Mapping[str, float]]

    def at(self, k: int) -> Interval:
        """Mean over subjects of recall@k."""
        return interval(list(self.shares[k].values()))

    def as_json(self) -> dict[str, Any]:
        """Means and each subject's shares."""
        return {f"recall_at_{k}": {**_as_json(self.at(k)), "by_subject": dict(found)} for k, found in self.shares.items()}


def average_precision(scores: ArrayLike, relevant: ArrayLike) -> float:
    """float [n], bool [n] -> mean over relevant windows of the precision at their rank; NaN if none is relevant."""
    scores, relevant = np.asarray(scores, dtype=np.float64), np.asarray(relevant, dtype=bool)
    if scores.shape != relevant.shape or scores.ndim != 1:
        raise LengthError(f"Expected as many scores as windows, got {scores.shape} and {relevant.shape}.")
    if not relevant.any():
        return float("nan")
    ranked = relevant[np.lexsort((relevant, -scores))]
    hits = np.flatnonzero(ranked)
    return float(np.mean(np.arange(1, len(hits) + 1) / (hits + 1)))


def text_to_windows(windows: Values, texts: Values, labels: Labels, subjects: Sequence[str]) -> TextRetrieval:
    """Rank one subject's windows by one text a class, for every class and subject.

    windows: [n, E]; texts: [K, E], text k describes class k; labels: int [n] (-1: in the gallery, but no text's); subjects: n names.

    Raises:
        LengthError: shapes do not agree.
    """
    _check(windows, labels, subjects)
    if texts.ndim != 2 or texts.shape[1] != windows.shape[1] or (labels.size and int(labels.max()) >= len(texts)):
        raise LengthError(f"Expected one text [K, {windows.shape[1]}] for each of {labels.max() + 1} classes, got {texts.shape}.")
    similarity = unit(windows) @ unit(texts).T
    names = np.asarray(subjects)
    found = {}
    for who in dict.fromkeys(subjects):
        mine = names == who
        found[who] = np.asarray([average_precision(similarity[mine, k], labels[mine] == k) for k in range(len(texts))])
    return TextRetrieval(found)


def same_moment(queries: Values, gallery: Values, subjects: Sequence[str], *, at: Sequence[int] = (1, 5)) -> Recall:
    """Find the same moment in the other unit of the same subject: row i of both arrays is one window of time.

    queries, gallery: [n, E]; subjects: n names. A subject's gallery is all its own windows.

    Raises:
        LengthError: shapes do not agree.
    """
    _check(queries, np.zeros(len(queries), dtype=np.int64), subjects)
    if queries.shape != gallery.shape:
        raise LengthError(f"Expected both units of the same windows, got {queries.shape} and {gallery.shape}.")
    names = np.asarray(subjects)
    shares: dict[int, dict[str, float]] = {k: {} for k in at}
    for who in dict.fromkeys(subjects):
        mine = np.flatnonzero(names == who)
        similarity = unit(queries[mine]) @ unit(gallery[mine]).T
        better = (similarity >= np.diag(similarity)[:, None]).sum(axis=1)  # itself counts: the rank, from 1
        for k in at:
            shares[k][who] = float(np.mean(better <= k))
    return Recall(shares)


def same_activity(
    queries: Values,
    gallery: Values,
    labels: Labels,
    subjects: Sequence[str],
    *,
    others: Mapping[str, Sequence[str]],
    left_out: NDArray[np.bool_] | None = None,
) -> Recall:
    """Recall@1 of the same activity in the other unit of other people, so that the same moment is never in the gallery.

    Args:
        queries, gallery: [n, E], both units of the same windows; labels: int [n] (-1: neither query nor answer); subjects: n names.
        others: {subject: whose windows are its gallery}; each subject named here is queried.
        left_out: bool [n], windows that are neither query nor in a gallery: those whose very signal another subject also has
            (`twin_windows`).

    Raises:
        LengthError: shapes do not agree.
        LeakageError: a subject is in its own gallery.
        ConfigError: a gallery lacks an activity that is asked for, or a subject has no windows.
    """
    _check(queries, labels, subjects)
    if queries.shape != gallery.shape:
        raise LengthError(f"Expected both units of the same windows, got {queries.shape} and {gallery.shape}.")
    names, usable = np.asarray(subjects), labels >= 0
    if left_out is not None:
        usable &= ~left_out
    found = {}
    for who, whose in others.items():
        check_disjoint(whose, (who,), what="the gallery")
        asked, there = np.flatnonzero(usable & (names == who)), np.flatnonzero(usable & np.isin(names, list(whose)))
        missing = set(labels[asked].tolist()) - set(labels[there].tolist())
        if not len(asked) or missing:
            raise ConfigError(f"The gallery of {who} ({', '.join(whose)}) has no window of classes {sorted(missing)}; leave these out.")
        similarity = unit(queries[asked]) @ unit(gallery[there]).T
        right = labels[asked][:, None] == labels[there][None]
        best_right, best_wrong = (np.where(which, similarity, -np.inf).max(axis=1) for which in (right, ~right))
        found[who] = float(np.mean(best_right > best_wrong))
    return Recall({1: found})


def _check(windows: Values, labels: Labels, subjects: Sequence[str]) -> None:
    if windows.ndim != 2 or labels.shape != (len(windows),) or len(subjects) != len(windows):
        raise LengthError(f"Expected windows [n, E], n labels and n subjects, got {windows.shape}, {labels.shape} and {len(subjects)}.")
    if not np.isfinite(windows).all():
        raise LengthError("Embeddings must be finite. Leave out windows that the model could not embed.")


def _as_json(value: Interval) -> dict[str, Any]:
    half = None if np.isnan(value.half_width) else value.half_width
    return {"mean": value.mean, "half_width": half, "subjects": value.count}
