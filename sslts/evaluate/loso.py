"""One fold of a leave-one-subject-out protocol: a table of features in, confusion matrices out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sslts.evaluate.label_efficiency import FRACTIONS, draw_windows, draws_for
from sslts.evaluate.leakage import check_disjoint
from sslts.evaluate.metrics import confusion_matrix
from sslts.evaluate.normalise import SETTINGS, Setting, apply_setting
from sslts.evaluate.probe import Classifier, Labels, Values, fit_linear_probe
from sslts.evaluate.protocol import Fold, Protocol


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Features of every window of a protocol's grid.

    values:   [n, E]; NaN: this window has no such feature
    subjects: n names
    classes:  int [n], positions in the protocol's classes
    seen:     subjects whose windows or statistics made the features (a pretraining's); none of them may be tested
    """

    values: Values
    subjects: tuple[str, ...]
    classes: Labels
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one classifier said about one test subject. confusion: int [K, K]; predicted: int [n] in the order of the grid."""

    task: str
    setting: Setting
    confusion: NDArray[np.int64]
    predicted: Labels
    chosen: float | None


@dataclass(frozen=True, slots=True)
class FractionOutcome:
    """The same with a fraction of the training labels."""

    task: str
    setting: Setting
    fraction: float
    draw: int
    labels: int
    confusion: NDArray[np.int64]


def evaluate_fold(
    protocol: Protocol,
    fold: Fold,
    table: FeatureTable,
    *,
    classifier: Classifier = fit_linear_probe,
    settings: Sequence[Setting] = SETTINGS,
    tasks: Sequence[str] | None = None,
) -> list[Outcome]:
    """All tasks in all settings for one test subject.

    Raises:
        LeakageError: the features' maker has seen the test subject.
    """
    outcomes = []
    for setting in settings:
        values = _prepared(fold, table, setting)
        for name in tasks or tuple(protocol.tasks):
            task = protocol.task(name)
            train, test, labels = _split(fold, table, task.labels(table.classes))
            fitted = classifier(values[train], labels[train], [table.subjects[row] for row in train])
            predicted = fitted.predict(values[test])
            confusion = confusion_matrix(labels[test], predicted, classes=len(task.classes))
            outcomes.append(Outcome(name, setting, confusion, predicted, fitted.chosen))
    return outcomes


def evaluate_label_fractions(
    protocol: Protocol,
    fold: Fold,
    table: FeatureTable,
    *,
    task: str,
    classifier: Classifier = fit_linear_probe,
    settings: Sequence[Setting] = SETTINGS,
    fractions: Sequence[float] = FRACTIONS,
) -> list[FractionOutcome]:
    """One task with fractions of the training labels. Subject normalisation needs no labels, so it uses all windows.

    A fraction of 1 is the same fit as `evaluate_fold`'s.

    Raises:
        LeakageError: the features' maker has seen the test subject.
    """
    outcomes = []
    named = protocol.task(task)
    for setting in settings:
        values = _prepared(fold, table, setting)
        train, test, labels = _split(fold, table, named.labels(table.classes))
        for fraction in fractions:
            for draw in range(draws_for(fraction)):
                drawn = draw_windows(labels[train], protocol=protocol.id, fold=fold.subject, fraction=fraction, draw=draw)
                rows = train[drawn]
                fitted = classifier(values[rows], labels[rows], [table.subjects[row] for row in rows])
                confusion = confusion_matrix(labels[test], fitted.predict(values[test]), classes=len(named.classes))
                outcomes.append(FractionOutcome(task, setting, fraction, draw, len(rows), confusion))
    return outcomes


def _prepared(fold: Fold, table: FeatureTable, setting: Setting) -> Values:
    check_disjoint(table.seen, (fold.subject,), what="the pretraining of these features")
    return apply_setting(table.values, table.subjects, setting)


def _split(fold: Fold, table: FeatureTable, labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64], Labels]:
    """Positions of the training and of the test windows that the task uses, and the task's labels of all windows."""
    names = np.asarray(table.subjects)
    train = np.flatnonzero(np.isin(names, fold.train) & (labels >= 0))
    test = np.flatnonzero((names == fold.subject) & (labels >= 0))
    return train, test, labels
