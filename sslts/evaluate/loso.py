"""One fold of a leave-one-subject-out protocol: a table of features in, confusion matrices out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sslts.evaluate.label_efficiency import draw_windows, draws_for
from sslts.evaluate.leakage import check_disjoint
from sslts.evaluate.metrics import confusion_matrix
from sslts.evaluate.normalise import Setting, apply_setting
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
    settings: Sequence[Setting] | None = None,
    tasks: Sequence[str] | None = None,
) -> list[Outcome]:
    """All of the protocol's tasks in all its settings (unless told which) for one test subject.

    Raises:
        LeakageError: the features' maker has seen the test subject.
    """
    outcomes = []
    for setting in protocol.settings if settings is None else settings:
        values = _prepared(protocol, fold, table, setting)
        for name in tasks or tuple(protocol.tasks):
            task = protocol.task(name)
            train, test, labels = _split(protocol, fold, table, task.labels(table.classes))
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
    settings: Sequence[Setting] | None = None,
    fractions: Sequence[float] | None = None,
) -> list[FractionOutcome]:
    """One task with the protocol's fractions of the training labels. Subject normalisation needs no labels, so it uses all windows.

    A fraction of 1 is the same fit as `evaluate_fold`'s.

    Raises:
        LeakageError: the features' maker has seen the test subject.
    """
    outcomes = []
    named = protocol.task(task)
    for setting in protocol.settings if settings is None else settings:
        values = _prepared(protocol, fold, table, setting)
        _, test, labels = _split(protocol, fold, table, named.labels(table.classes))
        for fraction in fractions or protocol.label_fractions:
            for draw in range(draws_for(fraction)):
                rows = labelled_windows(protocol, fold, table.subjects, table.classes, task=task, fraction=fraction, draw=draw)
                fitted = classifier(values[rows], labels[rows], [table.subjects[row] for row in rows])
                confusion = confusion_matrix(labels[test], fitted.predict(values[test]), classes=len(named.classes))
                outcomes.append(FractionOutcome(task, setting, fraction, draw, len(rows), confusion))
    return outcomes


def labelled_windows(
    protocol: Protocol, fold: Fold, subjects: Sequence[str], classes: Labels, *, task: str, fraction: float, draw: int
) -> NDArray[np.int64]:
    """Rows, ascending, whose labels may be used with a fraction of them. Subjects and protocol classes are those of all windows.

    Where the protocol draws by group, all folds of a group share the draw, and it lies within the group's training subjects: a pretraining
    that reads these labels and no others may embed every fold of its group. All labels (fraction 1) are the fold's own in any case.
    """
    labels = protocol.task(task).labels(classes)
    rows = protocol.may_learn(fold, subjects, classes) & (labels >= 0)
    key = fold.subject
    if protocol.label_draws == "group" and fraction < 1:
        group = protocol.groups[fold.group]
        rows &= np.isin(np.asarray(subjects), group.train)
        key = f"group{group.index}"
    train = np.flatnonzero(rows)
    return train[draw_windows(labels[train], protocol=protocol.id, fold=key, fraction=fraction, draw=draw)]


def _prepared(protocol: Protocol, fold: Fold, table: FeatureTable, setting: Setting) -> Values:
    check_disjoint(protocol.with_twins(table.seen), (fold.subject,), what="the pretraining of these features")
    return apply_setting(table.values, table.subjects, setting)


def _split(protocol: Protocol, fold: Fold, table: FeatureTable, labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64], Labels]:
    """Positions of the training and of the test windows that the task uses, and the task's labels of all windows."""
    train = np.flatnonzero(protocol.may_learn(fold, table.subjects, table.classes) & (labels >= 0))
    test = np.flatnonzero((np.asarray(table.subjects) == fold.subject) & (labels >= 0))
    return train, test, labels
