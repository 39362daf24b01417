"""Rows of CroSSL: one pretraining a group, its frozen embedding under the linear probe; and the same network with random weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Grid
from benchmarks.rows.base import FeatureRow, Parts
from sslts.config import SensorSpec
from sslts.data.windows import Cut
from sslts.evaluate.leakage import check_disjoint
from sslts.evaluate.normalise import SETTINGS
from sslts.evaluate.probe import Values
from sslts.evaluate.protocol import Group, Protocol

RECIPES = Path(__file__).resolve().parents[2] / "sslts" / "recipes"


class Embedder(Interface):
    """What `benchmarks.pretrain.pretrain` returns: a frozen model that says what it reads and whom it has seen."""

    spec: SensorSpec
    subjects: tuple[str, ...]

    def __call__(self, cuts: Mapping[str, Cut], present: NDArray[np.bool_]) -> Values:
        """Windows cut for `spec`, of which the modalities in bool [n, M] are present -> [n, E]."""


@dataclass(frozen=True)
class Pretrained(FeatureRow):
    """A recipe, pretrained once a group on the group's training subjects; `overrides` are dotted keys of the recipe.

    `trained=False` leaves the network at its random initialisation; label-free front-end statistics are fitted all the same.
    """

    recipe: str = "crossl-wesad"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    trained: bool = True

    def config(self) -> dict[str, Any]:
        """The recipe's text (as a digest), what is overridden, and whether it was trained."""
        text = (RECIPES / f"{self.recipe}.yaml").read_bytes()
        return {
            "recipe": self.recipe,
            "recipe_sha256": hashlib.sha256(text).hexdigest(),
            "overrides": dict(self.overrides),
            "trained": self.trained,
        }

    def compute(self, protocol: Protocol, group: Group, grid: Grid, present: NDArray[np.bool_]) -> Values:
        """Pretrain (or find the finished pretraining), then embed every window."""
        from benchmarks.pretrain import pretrain

        embedder: Embedder = pretrain(
            RECIPES / f"{self.recipe}.yaml",
            train_subjects=group.train,
            data=grid.data / protocol.folder,
            out=self.folder(protocol, group) / self.digest(protocol)[:12],
            overrides=dict(self.overrides),
            trained=self.trained,
            seed=self.seed,
        )
        check_disjoint(embedder.subjects, group.test, what=f"the pretraining of {self.name}, group {group.index},")
        return embedder(grid.cut(embedder.spec), present)


def rows() -> list[FeatureRow]:
    """The recipe of the published weights, and its network with random weights."""
    everything = Parts(missing=SETTINGS, own_probes=SETTINGS)
    return [
        Pretrained("crossl-wesad", "CroSSL, our recipe, frozen + linear probe", parts=everything),
        Pretrained("random-init", "The same network, random weights, + linear probe", parts=Parts(), trained=False),
    ]
