"""A row of a results table: what judges a fold, and everything that decides its figures."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Grid
from benchmarks.results import save_array
from benchmarks.rows.shared import SharedFits
from sslts.evaluate.loso import FeatureTable, FractionOutcome, Outcome, evaluate_fold, evaluate_label_fractions
from sslts.evaluate.normalise import SETTINGS, Setting, apply_setting
from sslts.evaluate.probe import Classifier, Labels, Values, fit_linear_probe
from sslts.evaluate.protocol import Fold, Group, Protocol
from sslts.evaluate.robustness import MissingOutcome, Present, evaluate_missing, evaluate_own_probes


@dataclass(frozen=True, slots=True)
class Parts:
    """What is computed beside the tasks, and for which groups (None: all).

    Label fractions, missing modalities under one probe, and under a probe for each set of modalities: in which of the protocol's settings.

    A change here makes no result stale: a fold's parts are computed one by one.
    """

    label_fractions: tuple[Setting, ...] = SETTINGS
    missing: tuple[Setting, ...] = ()
    own_probes: tuple[Setting, ...] = ()
    groups: tuple[int, ...] | None = None

    @property
    def exploratory(self) -> bool:
        """True if only some groups are judged: such a figure belongs to no headline."""
        return self.groups is not None


@dataclass(frozen=True)
class Row(ABC):
    """One line of the table. `work` is an ignored folder for what is expensive: pretrainings and features."""

    name: str
    title: str
    parts: Parts = Parts()
    seed: int = 0
    work: Path = Path("runs")
    #: Which labels the pretraining used.
    pretraining_labels: str = "none"

    #: "peer", "model" or "ablation".
    kind: ClassVar[str] = "model"

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Everything that decides the figures, as JSON; a change makes old results stale."""

    @abstractmethod
    def judge_tasks(self, protocol: Protocol, fold: Fold, grid: Grid) -> list[Outcome]:
        """Train on the fold's training subjects, test on its subject."""

    @abstractmethod
    def judge_fractions(self, protocol: Protocol, fold: Fold, grid: Grid) -> list[FractionOutcome]:
        """The main task with fractions of the labels."""

    def judge_missing(self, protocol: Protocol, fold: Fold, grid: Grid) -> dict[Setting, list[MissingOutcome]]:
        """The main task with missing modalities, by setting."""
        return {}

    def judge_own_probes(self, protocol: Protocol, fold: Fold, grid: Grid) -> dict[Setting, list[MissingOutcome]]:
        """The same with a probe for each set of modalities."""
        return {}

    def seen(self, group: Group) -> frozenset[str]:
        """Subjects whose windows or statistics made the features."""
        return frozenset(group.train)

    def digest(self, protocol: Protocol) -> str:
        """sha256 of the configuration."""
        facts = {"protocol": [protocol.id, protocol.version], "row": self.name, "seed": self.seed, **self.config()}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def folder(self, protocol: Protocol, group: Group) -> Path:
        """Where this row keeps what it computed for a group."""
        return self.work / protocol.id / self.name / f"group{group.index}"

    def placed(self, work: Path) -> Self:
        """The same row with another work folder."""
        return replace(self, work=work)


@dataclass(frozen=True)
class FeatureRow(Row):
    """A row that gives features for windows; a classifier (the linear probe unless said otherwise) judges them."""

    classifier: Classifier = fit_linear_probe
    _fits: SharedFits = field(default_factory=SharedFits, repr=False, compare=False)

    @abstractmethod
    def compute(self, protocol: Protocol, group: Group, grid: Grid, present: NDArray[np.bool_]) -> Values:
        """[n, E] for all windows of the grid with the modalities of bool [n, M]; made without the group's test subjects."""

    def features(self, protocol: Protocol, group: Group, grid: Grid, pattern: Present) -> Values:
        """`compute` with one set of modalities for all windows, kept on disk under the configuration's digest."""
        shown = "-".join(name for name, there in zip(grid.modalities, pattern, strict=True) if there)
        path = self.folder(protocol, group) / f"features-{shown}-{self.digest(protocol)[:12]}.npy"
        if not path.exists():
            present = np.tile(np.asarray(pattern, dtype=bool), (len(grid), 1))
            save_array(path, np.asarray(self.compute(protocol, group, grid, present), dtype=np.float32))
        return np.load(path, allow_pickle=False)

    def _features_as(self, protocol: Protocol, group: Group, grid: Grid, setting: Setting, present: Present) -> Values:
        return apply_setting(self.features(protocol, group, grid, present), grid.subjects, setting)

    def judge_tasks(self, protocol: Protocol, fold: Fold, grid: Grid) -> list[Outcome]:
        """All tasks in all settings of the protocol."""
        return evaluate_fold(protocol, fold, self._table(protocol, fold, grid), classifier=self._fits.of(self.classifier))

    def judge_fractions(self, protocol: Protocol, fold: Fold, grid: Grid) -> list[FractionOutcome]:
        """All fractions and draws."""
        return evaluate_label_fractions(
            protocol,
            fold,
            self._table(protocol, fold, grid),
            task=protocol.main_task,
            classifier=self._fits.of(self.classifier),
            settings=[setting for setting in protocol.settings if setting in self.parts.label_fractions],
        )

    def judge_missing(self, protocol: Protocol, fold: Fold, grid: Grid) -> dict[Setting, list[MissingOutcome]]:
        """A probe trained with random subsets of the modalities, tested with every one."""
        return {setting: self._missing(protocol, fold, grid, setting) for setting in self.parts.missing}

    def judge_own_probes(self, protocol: Protocol, fold: Fold, grid: Grid) -> dict[Setting, list[MissingOutcome]]:
        """A probe trained and tested on each set of the modalities."""
        group, task, found = protocol.groups[fold.group], protocol.task(protocol.main_task), {}
        for setting in self.parts.own_probes:
            found[setting] = evaluate_own_probes(
                partial(self._features_as, protocol, group, grid, setting),
                _usable(protocol, fold, grid),
                grid.subjects,
                train_subjects=fold.train,
                test_subjects=(fold.subject,),
                modalities=len(grid.modalities),
                classes=len(task.classes),
                classifier=self.classifier,
            )
        return found

    def _table(self, protocol: Protocol, fold: Fold, grid: Grid) -> FeatureTable:
        group = protocol.groups[fold.group]
        values = self.features(protocol, group, grid, (True,) * len(grid.modalities))
        return FeatureTable(values, grid.subjects, grid.classes, seen=self.seen(group))

    def _missing(self, protocol: Protocol, fold: Fold, grid: Grid, setting: Setting) -> list[MissingOutcome]:
        group, task = protocol.groups[fold.group], protocol.task(protocol.main_task)
        return evaluate_missing(
            lambda present: apply_setting(self.features(protocol, group, grid, present), grid.subjects, setting),
            _usable(protocol, fold, grid),
            grid.subjects,
            train_subjects=fold.train,
            test_subjects=(fold.subject,),
            modalities=len(grid.modalities),
            classes=len(task.classes),
            classifier=self.classifier,
            key=(protocol.id, fold.subject),
        )


def _usable(protocol: Protocol, fold: Fold, grid: Grid) -> Labels:
    """int [n] labels of the main task; -1 for windows that the fold neither learns from nor tests."""
    usable = protocol.may_learn(fold, grid.subjects, grid.classes) | (np.asarray(grid.subjects) == fold.subject)
    return np.where(usable, protocol.task(protocol.main_task).labels(grid.classes), -1)
