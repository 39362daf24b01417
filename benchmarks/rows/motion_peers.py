"""Rows of the simple peers on body-worn motion sensors: no pretraining, no network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Grid
from benchmarks.results import save_array
from benchmarks.rows.base import FeatureRow, Parts
from sslts.evaluate.probe import Values, name_of
from sslts.evaluate.protocol import Group, Protocol

KERNELS = 10_000


@dataclass(frozen=True)
class MotionFeatures(FeatureRow):
    """11 hand-made features a channel; no statistic of any subject enters them."""

    kind = "peer"

    def config(self) -> dict[str, Any]:
        """The features' version: raise it when they change."""
        return {"features": "handmade-motion", "version": 1, "classifier": name_of(self.classifier)}

    def seen(self, group: Group) -> frozenset[str]:
        """Nobody: each window is described by itself."""
        return frozenset()

    def compute(self, protocol: Protocol, group: Group, grid: Grid, present: NDArray[np.bool_]) -> Values:
        """[n, 11 x channels]; NaN where a modality is absent. All groups and both classifiers share one computation."""
        from benchmarks.peers.handmade_motion import NAMES, motion_features

        path = self.work / protocol.id / f"handmade-motion-1-protocol-{protocol.version}.npy"
        if not path.exists():
            save_array(path, motion_features(*signals(grid))[0])
        sizes = [len(NAMES) * len(modality.channels) for modality in grid.spec.named]
        return np.where(np.repeat(present, sizes, axis=1), np.load(path, allow_pickle=False), np.nan)


@dataclass(frozen=True)
class MotionMiniRocket(FeatureRow):
    """MiniRocket over all channels at their own rate; its biases come from the training subjects of the group."""

    kind = "peer"

    def config(self) -> dict[str, Any]:
        """Kernels; the rate is the data set's."""
        return {"features": "minirocket", "kernels": KERNELS, "classifier": name_of(self.classifier)}

    def compute(self, protocol: Protocol, group: Group, grid: Grid, present: NDArray[np.bool_]) -> Values:
        """[n, about 10,000]. It has no notion of an absent modality, so it is judged with all of them."""
        from benchmarks.peers.minirocket import minirocket_features, stack_at_one_rate

        windows, rates_hz = signals(grid)
        stacked = stack_at_one_rate(windows, rates_hz, rate_hz=max(rates_hz.values()))
        return minirocket_features(stacked, np.isin(np.asarray(grid.subjects), group.train), kernels=KERNELS, seed=self.seed)


def signals(grid: Grid) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
    """As `Grid.raw`, with lost samples at a window's end replaced by the mirrored samples before: a peer cannot leave them out."""
    _, rates_hz = grid.raw()
    found = {}
    for name, cut in grid.cut(grid.spec).items():
        found[name] = cut.values.copy()
        for row in np.flatnonzero(~cut.observed.all(axis=(1, 2)) & cut.present):
            found[name][row] = mirrored(cut.values[row], cut.observed[row].all(axis=0))
    return found, rates_hz


def mirrored(window: NDArray[np.float32], observed: NDArray[np.bool_]) -> NDArray[np.float32]:
    """[C, T] and bool [T] -> [C, T]: what comes after the last observed sample is the time before it, backwards."""
    end = int(np.flatnonzero(observed)[-1]) + 1
    return np.pad(window[:, :end], ((0, 0), (0, len(observed) - end)), mode="reflect")


def rows() -> list[FeatureRow]:
    """The three peers."""
    from benchmarks.peers.classifiers import fit_balanced_ridge, fit_extra_trees

    parts = Parts(label_fractions=("inductive",))
    return [
        MotionFeatures("handmade-lr", "Hand-made features (11 a channel) + logistic regression", parts=parts),
        MotionFeatures("handmade-extratrees", "Hand-made features (11 a channel) + extra trees", parts=parts, classifier=fit_extra_trees),
        MotionMiniRocket("minirocket-ridge", "MiniRocket (10,000 kernels) + balanced ridge", parts=parts, classifier=fit_balanced_ridge),
    ]
