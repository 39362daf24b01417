"""Missing modalities: a probe trained with random subsets of the modalities, tested with every proper subset missing.

Source: Deldari et al., CroSSL (WSDM 2024), missing-modality training: a random subset each batch in training, every proper subset at test.
Here each training window is given as it is and, in `copies` more versions, with a random proper subset of its modalities present.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sslts.errors import MissingModalityError
from sslts.evaluate.label_efficiency import generator
from sslts.evaluate.leakage import check_disjoint
from sslts.evaluate.metrics import confusion_matrix
from sslts.evaluate.probe import Classifier, Labels, Values

COPIES = 3
Present = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class MissingOutcome:
    """What the probe says about the test windows when only some modalities are present. confusion: int [K, K]."""

    present: Present
    confusion: NDArray[np.int64]


def presence_patterns(modalities: int) -> tuple[Present, ...]:
    """All non-empty sets of present modalities, the full set first, then one missing, two missing, ...

    For 4 modalities: 15, of which 14 are proper.
    """
    if modalities < 1:
        raise MissingModalityError(f"Expected at least one modality, got {modalities}.")
    return tuple(
        tuple(index not in missing for index in range(modalities))
        for count in range(modalities)
        for missing in combinations(range(modalities), count)
    )


def training_patterns(windows: int, modalities: int, *, key: Sequence[object], copies: int = COPIES) -> NDArray[np.int64]:
    """int [1 + copies, windows]: which of `presence_patterns` each version of each training window shows; version 0 is complete.

    The versions of one window show different proper subsets, uniformly drawn, a pure function of `key`.
    """
    proper = len(presence_patterns(modalities)) - 1
    random = generator(*key, "missing-modalities")
    drawn = np.stack([1 + random.permutation(proper)[: min(copies, proper)] for _ in range(windows)], axis=1)
    return np.concatenate([np.zeros((1, windows), dtype=np.int64), drawn.astype(np.int64)])


def evaluate_missing(
    features: Callable[[Present], Values],
    labels: Labels,
    subjects: Sequence[str],
    *,
    train_subjects: Sequence[str],
    test_subjects: Sequence[str],
    modalities: int,
    classes: int,
    classifier: Classifier,
    key: Sequence[object],
    copies: int = COPIES,
) -> list[MissingOutcome]:
    """Train once with random subsets, test with every non-empty set of modalities present (the first outcome is the full set).

    `features(present)` gives [n, E] for all windows with these modalities, already in the setting that is judged.
    labels: int [n]; a window with -1 is left out.

    Raises:
        LeakageError: a subject stands on both sides.
    """
    check_disjoint(train_subjects, test_subjects)
    names = np.asarray(subjects)
    train = np.flatnonzero(np.isin(names, train_subjects) & (labels >= 0))
    test = np.flatnonzero(np.isin(names, test_subjects) & (labels >= 0))
    patterns = presence_patterns(modalities)
    versions = training_patterns(len(train), modalities, key=key, copies=copies)
    tables = [features(present) for present in patterns]
    values = np.concatenate([np.stack([tables[p][row] for p, row in zip(version, train, strict=True)]) for version in versions])
    rows = np.tile(train, len(versions))
    fitted = classifier(values, labels[rows], names[rows].tolist())
    return [
        MissingOutcome(present, confusion_matrix(labels[test], fitted.predict(table[test]), classes=classes))
        for present, table in zip(patterns, tables, strict=True)
    ]


def evaluate_own_probes(
    features: Callable[[Present], Values],
    labels: Labels,
    subjects: Sequence[str],
    *,
    train_subjects: Sequence[str],
    test_subjects: Sequence[str],
    modalities: int,
    classes: int,
    classifier: Classifier,
) -> list[MissingOutcome]:
    """The same with a probe of its own for every set of modalities, trained and tested on that set alone: what its modalities can tell.

    How far `evaluate_missing` stays behind is what serving every set with one probe costs.

    Raises:
        LeakageError: a subject stands on both sides.
    """
    check_disjoint(train_subjects, test_subjects)
    names = np.asarray(subjects)
    train = np.flatnonzero(np.isin(names, train_subjects) & (labels >= 0))
    test = np.flatnonzero(np.isin(names, test_subjects) & (labels >= 0))
    outcomes = []
    for present in presence_patterns(modalities):
        table = features(present)
        fitted = classifier(table[train], labels[train], names[train].tolist())
        outcomes.append(MissingOutcome(present, confusion_matrix(labels[test], fitted.predict(table[test]), classes=classes)))
    return outcomes
