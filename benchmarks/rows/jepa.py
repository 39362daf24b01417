"""Rows of sensor-text JEPA under the linear probe: one pretraining a group, nobody of the group seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Grid
from benchmarks.rows.base import FeatureRow, Parts
from sslts.evaluate.probe import Values
from sslts.evaluate.protocol import Group, Protocol

RECIPE = Path(__file__).resolve().parents[2] / "sslts" / "recipes" / "sensor-text-jepa-har.yaml"


@dataclass(frozen=True)
class Jepa(FeatureRow):
    """The published recipe, pretrained without the group's test subjects; `overrides` are dotted keys of the recipe."""

    overrides: Mapping[str, Any] = field(default_factory=dict)
    trained: bool = True
    pretraining_labels: str = "names of the training subjects' activities"

    def config(self) -> dict[str, Any]:
        """The recipe's text (as a digest), what is overridden, and whether it was trained."""
        return {
            "recipe": RECIPE.stem,
            "recipe_sha256": hashlib.sha256(RECIPE.read_bytes()).hexdigest(),
            "overrides": dict(self.overrides),
            "trained": self.trained,
        }

    def seen(self, group: Group) -> frozenset[str]:
        """The group's training subjects, whatever other data sets gave."""
        return frozenset(group.train)

    def compute(self, protocol: Protocol, group: Group, grid: Grid, present: NDArray[np.bool_]) -> Values:
        """Pretrain (or find the finished pretraining), then embed every window from all its sensors."""
        from benchmarks import har

        model = har.trained(
            self.overrides,
            data=grid.data,
            out=self.folder(protocol, group) / self.digest(protocol)[:12],
            store=self.work / "cache" / "har-windows",
            unseen=[f"{protocol.reader}:{who}" for who in group.test],
            train_weights=self.trained,
            seed=self.seed,
        )
        return har.embeddings(model, grid, protocol)


def rows() -> list[FeatureRow]:
    """The recipe of the published weights, and its network with random weights (front end and closed form fitted all the same)."""
    return [
        Jepa("sensor-text-jepa-har", "Sensor-text JEPA, our recipe, frozen + linear probe", parts=Parts(label_fractions=())),
        Jepa("random-init", "The same network, random weights, + linear probe", parts=Parts(label_fractions=()), trained=False),
    ]
