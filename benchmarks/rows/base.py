"""A row of a results table: what judges a fold, and everything that decides its figures."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Grid
from sslts.evaluate.label_efficiency import FRACTIONS
from sslts.evaluate.loso import FeatureTable, FractionOutcome, Outcome, evaluate_fold, evaluate_label_fractions
from sslts.evaluate.normalise import SETTINGS, Setting, apply_setting
from sslts.evaluate.probe import Classifier, Values, fit_linear_probe
from sslts.evaluate.protocol import Fold, Group, Protocol
from sslts.evaluate.robustness import MissingOutcome, Present, evaluate_missing

#: Label fractions and missing modalities are judged on this task.
MAIN_TASK = "4-class"


@dataclass(frozen=True, slots=True)
class Parts:
    """What is computed beside the tasks: label fractions and missing modalities, in which settings, and for which groups (None: all)."""

    label_fractions: tuple[Setting, ...] = SETTINGS
    missing: tuple[Setting, ...] = ()
    groups: tuple[int, ...] | None = None

    @property
    def exploratory(self) -> bool:
        """True if only some groups are judged: such a figure belongs to no headline."""
        return self.groups is not None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a row says about one test subject. `missing` is by setting."""

    tasks: Sequence[Outcome] = ()
    fractions: Sequence[FractionOutcome] = ()
    missing: dict[Setting, Sequence[MissingOutcome]] = field(default_factory=dict)


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
    def judge(self, protocol: Protocol, fold: Fold, grid: Grid) -> Judgement:
        """Train on the fold's training subjects, test on its subject."""

    def seen(self, group: Group) -> frozenset[str]:
        """Subjects whose windows or statistics made the features."""
        return frozenset(group.train)

    def digest(self, protocol: Protocol) -> str:
        """sha256 of the configuration."""
        facts = {"protocol": [protocol.id, protocol.version], "row": self.name, "seed": self.seed, **self.config()}
        facts |= {"label_fractions": self.parts.label_fractions, "missing": self.parts.missing}
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

    @abstractmethod
    def compute(self, protocol: Protocol, group: Group, grid: Grid, present: NDArray[np.bool_]) -> Values:
        """[n, E] for all windows of the grid with the modalities of bool [n, M]; made without the group's test subjects."""

    def features(self, protocol: Protocol, group: Group, grid: Grid, pattern: Present) -> Values:
        """`compute` with one set of modalities for all windows, kept on disk under the configuration's digest."""
        shown = "-".join(name for name, there in zip(grid.modalities, pattern, strict=True) if there)
        path = self.folder(protocol, group) / f"features-{shown}-{self.digest(protocol)[:12]}.npy"
        if not path.exists():
            present = np.tile(np.asarray(pattern, dtype=bool), (len(grid), 1))
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial.npy")
            np.save(partial, np.asarray(self.compute(protocol, group, grid, present), dtype=np.float32), allow_pickle=False)
            partial.replace(path)
        return np.load(path, allow_pickle=False)

    def judge(self, protocol: Protocol, fold: Fold, grid: Grid) -> Judgement:
        """All tasks; the main task with fractions of the labels and with missing modalities."""
        group = protocol.groups[fold.group]
        everything = (True,) * len(grid.modalities)
        table = FeatureTable(self.features(protocol, group, grid, everything), grid.subjects, grid.classes, seen=self.seen(group))
        tasks = evaluate_fold(protocol, fold, table, classifier=self.classifier)
        fewer = [fraction for fraction in FRACTIONS if fraction < 1]
        fractions = evaluate_label_fractions(
            protocol, fold, table, task=MAIN_TASK, classifier=self.classifier, settings=self.parts.label_fractions, fractions=fewer
        )
        fractions += [
            FractionOutcome(MAIN_TASK, outcome.setting, 1.0, 0, int(np.sum(np.isin(grid.subjects, fold.train))), outcome.confusion)
            for outcome in tasks
            if outcome.task == MAIN_TASK and outcome.setting in self.parts.label_fractions
        ]
        return Judgement(tasks, fractions, {setting: self._missing(protocol, fold, grid, setting) for setting in self.parts.missing})

    def _missing(self, protocol: Protocol, fold: Fold, grid: Grid, setting: Setting) -> list[MissingOutcome]:
        group, task = protocol.groups[fold.group], protocol.task(MAIN_TASK)
        return evaluate_missing(
            lambda present: apply_setting(self.features(protocol, group, grid, present), grid.subjects, setting),
            task.labels(grid.classes),
            grid.subjects,
            train_subjects=fold.train,
            test_subjects=(fold.subject,),
            modalities=len(grid.modalities),
            classes=len(task.classes),
            classifier=self.classifier,
            key=(protocol.id, fold.subject),
        )
