"""The supervised rows: the recipe's network and the released classifier head, from scratch or from pretrained weights.

One training a group, so 12 people's labels where a probe has 14: a little behind by construction, and its title says so.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Grid
from benchmarks.results import write_json
from benchmarks.rows.base import Parts, Row
from benchmarks.rows.crossl import RECIPES, Pretrained
from sslts.evaluate.label_efficiency import draw_windows
from sslts.evaluate.leakage import check_disjoint
from sslts.evaluate.loso import FractionOutcome, Outcome
from sslts.evaluate.metrics import confusion_matrix
from sslts.evaluate.probe import Labels
from sslts.evaluate.protocol import Fold, Group, Protocol


@dataclass(frozen=True)
class Supervised(Row):
    """One training a group and fraction (12 training subjects), inductive, 4-class, one draw: what from-scratch rows can afford."""

    recipe: str = "crossl-wesad"
    pretrained: bool = False

    def config(self) -> dict[str, Any]:
        """The recipe's text, as a digest."""
        text = (RECIPES / f"{self.recipe}.yaml").read_bytes()
        return {
            "recipe": self.recipe,
            "recipe_sha256": hashlib.sha256(text).hexdigest(),
            "supervised": True,
            "draws": 1,
            **({"pretrained": True} if self.pretrained else {}),
        }

    def judge_tasks(self, protocol: Protocol, fold: Fold, grid: Grid) -> list[Outcome]:
        """4-class, inductive, all labels: the fold's share of its group's training."""
        confusion, predicted, _ = self._judged(protocol, fold, grid, 1.0)
        return [Outcome(protocol.main_task, "inductive", confusion, predicted, None)]

    def judge_fractions(self, protocol: Protocol, fold: Fold, grid: Grid) -> list[FractionOutcome]:
        """One training a fraction."""
        outcomes = []
        for fraction in protocol.label_fractions:
            confusion, _, labels = self._judged(protocol, fold, grid, fraction)
            outcomes.append(FractionOutcome(protocol.main_task, "inductive", fraction, 0, labels, confusion))
        return outcomes

    def _judged(self, protocol: Protocol, fold: Fold, grid: Grid, fraction: float) -> tuple[NDArray[np.int64], Labels, int]:
        """Confusion matrix, predictions of the test subject's windows, and how many labels were used."""
        task = protocol.task(protocol.main_task)
        labels = task.labels(grid.classes)
        test = np.flatnonzero(np.asarray(grid.subjects) == fold.subject)
        predicted, count = self._predictions(protocol, protocol.groups[fold.group], grid, labels, fraction)
        return confusion_matrix(labels[test], predicted[test], classes=len(task.classes)), predicted[test], count

    def _start(self, protocol: Protocol, group: Group) -> Path:
        """The folder of the model to start from: the pretraining of the row `crossl-wesad`, or a random one of our own."""
        if self.pretrained:
            base = Pretrained(self.recipe, "", recipe=self.recipe, seed=self.seed, work=self.work)
            return base.folder(protocol, group) / base.digest(protocol)[:12]
        return self.folder(protocol, group) / f"{self.digest(protocol)[:12]}-init"

    def _predictions(self, protocol: Protocol, group: Group, grid: Grid, labels: Labels, fraction: float) -> tuple[Labels, int]:
        """int [n], -1 for windows of other groups' subjects; and how many labels were used. Kept on disk."""
        from benchmarks.pretrain import train_supervised

        check_disjoint(group.train, group.test)
        names = np.asarray(grid.subjects)
        train, test = np.flatnonzero(np.isin(names, group.train)), np.flatnonzero(np.isin(names, group.test))
        rows = train[draw_windows(labels[train], protocol=protocol.id, fold=f"group{group.index}", fraction=fraction, draw=0)]
        out = self.folder(protocol, group) / f"{self.digest(protocol)[:12]}-{fraction:g}"
        stored = out / "predictions.json"
        if not stored.exists():
            predict = train_supervised(
                RECIPES / f"{self.recipe}.yaml",
                grid=grid,
                rows=rows,
                labels=labels[rows],
                classes=len(protocol.task(protocol.main_task).classes),
                train_subjects=group.train,
                data=grid.data / protocol.folder,
                out=self._start(protocol, group),
                pretrained=self.pretrained,
                seed=self.seed,
            )
            write_json(stored, {"predicted": np.asarray(predict(test)).tolist()})
        predicted = np.full(len(grid), -1, dtype=np.int64)
        predicted[test] = json.loads(stored.read_text(encoding="utf-8"))["predicted"]
        return predicted, len(rows)


def rows() -> list[Row]:
    """From scratch, and fine-tuned."""
    parts = Parts(label_fractions=("inductive",))
    scratch = "The same network, supervised from scratch (labels of 12 people, not 14)"
    tuned = "CroSSL, our recipe, fine-tuned (labels of 12 people, not 14)"
    return [
        Supervised("supervised", scratch, parts=parts, pretraining_labels="no pretraining"),
        Supervised("fine-tuned", tuned, parts=parts, pretrained=True),
    ]
