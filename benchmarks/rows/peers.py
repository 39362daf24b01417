"""Rows of the simple peers: no pretraining, no network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Grid
from benchmarks.results import save_array
from benchmarks.rows.base import FeatureRow, Parts
from sslts.evaluate.normalise import SETTINGS
from sslts.evaluate.probe import Values, name_of
from sslts.evaluate.protocol import Group, Protocol


@dataclass(frozen=True)
class Handmade(FeatureRow):
    """141 hand-made features; no statistic of any subject enters them."""

    kind = "peer"

    def config(self) -> dict[str, Any]:
        """The features' version: raise it when they change."""
        return {"features": "handmade", "version": 1, "classifier": name_of(self.classifier)}

    def seen(self, group: Group) -> frozenset[str]:
        """Nobody: each window is described by itself."""
        return frozenset()

    def compute(self, protocol: Protocol, group: Group, grid: Grid, present: NDArray[np.bool_]) -> Values:
        """[n, 141]; NaN where a modality is absent. All groups and both classifiers share one computation."""
        from benchmarks.peers.handmade import SIZES, handmade_features

        path = self.work / protocol.id / f"handmade-features-1-protocol-{protocol.version}.npy"
        if not path.exists():
            save_array(path, handmade_features(*grid.raw())[0])
        shown = np.repeat(present, [SIZES[name] for name in grid.modalities], axis=1)
        return np.where(shown, np.load(path, allow_pickle=False), np.nan)


@dataclass(frozen=True)
class MiniRocketRow(FeatureRow):
    """MiniRocket over all signals at one rate; its biases come from the training subjects of the group."""

    kind = "peer"

    def config(self) -> dict[str, Any]:
        """Kernels and rate."""
        from benchmarks.peers.minirocket import KERNELS, RATE_HZ

        return {"features": "minirocket", "kernels": KERNELS, "rate_hz": RATE_HZ, "classifier": name_of(self.classifier)}

    def compute(self, protocol: Protocol, group: Group, grid: Grid, present: NDArray[np.bool_]) -> Values:
        """[n, about 5,000]. It has no notion of an absent modality, so it is judged with all of them."""
        from benchmarks.peers.minirocket import minirocket_features, stack_at_one_rate

        return minirocket_features(stack_at_one_rate(*grid.raw()), np.isin(np.asarray(grid.subjects), group.train), seed=self.seed)


def rows() -> list[FeatureRow]:
    """The three peers."""
    from benchmarks.peers.classifiers import fit_balanced_ridge, fit_extra_trees

    return [
        Handmade("handmade-lr", "Hand-made features + logistic regression", parts=Parts(missing=SETTINGS)),
        Handmade("handmade-extratrees", "Hand-made features + extra trees", classifier=fit_extra_trees),
        MiniRocketRow("minirocket-ridge", "MiniRocket (5,000 kernels, 32 Hz) + balanced ridge", classifier=fit_balanced_ridge),
    ]
