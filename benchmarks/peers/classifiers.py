"""Classifiers of the peers: extra trees and balanced ridge, with the interface of the linear probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.ensemble import ExtraTreesClassifier

from sslts.evaluate.probe import Labels, Standardiser, Values, check_training, select_by_inner_folds

ALPHAS = tuple(float(10**power) for power in range(5, -2, -1))  # strong to weak, so that a tie takes the strongest
FALLBACK_ALPHA = 1000.0


@dataclass(frozen=True, slots=True)
class Trees:
    """A fitted forest on standardised features (trees ignore scale; absent features become the training mean)."""

    standardise: Standardiser
    forest: Any
    chosen: float | None = None

    def predict(self, values: Values) -> Labels:
        """[n, E] -> int [n]."""
        return self.forest.predict(self.standardise(values)).astype(np.int64)


def fit_extra_trees(values: Values, labels: Labels, subjects: Sequence[str]) -> Trees:
    """500 extremely randomised trees with balanced class weights (Geurts et al. 2006), seed 0."""
    check_training(values, labels, subjects)
    standardise = Standardiser.fit(values)
    forest = ExtraTreesClassifier(500, class_weight="balanced", min_samples_leaf=2, random_state=0)
    return Trees(standardise, forest.fit(standardise(values), labels))


@dataclass(frozen=True, slots=True)
class Ridge:
    """A fitted ridge classifier: the class with the largest regression output. weight: [K, E] on features as they come."""

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    classes: Labels
    chosen: float | None

    def predict(self, values: Values) -> Labels:
        """[n, E] -> int [n]."""
        return self.classes[(values @ self.weight.T + self.bias).argmax(1)]


def fit_balanced_ridge(values: Values, labels: Labels, subjects: Sequence[str]) -> Ridge:
    """Ridge regression on -1/1 targets, windows weighted so that classes count alike; alpha by the probe's inner folds."""
    check_training(values, labels, subjects)
    alpha = select_by_inner_folds(_ridge_path, values, labels, subjects, grid=ALPHAS, fallback=FALLBACK_ALPHA)
    return _ridge_path(values, labels, [alpha])[0]


def _ridge_path(values: Values, labels: Labels, grid: Sequence[float]) -> list[Ridge]:
    """One classifier for each alpha. Solved in the space of windows (dual): there are fewer of them than features."""
    standardise = Standardiser.fit(values)
    inputs = standardise(values)
    classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weight = (len(labels) / (len(classes) * counts))[codes]
    targets = np.where(codes[:, None] == np.arange(len(classes)), 1.0, -1.0)
    centre, target_centre = np.average(inputs, axis=0, weights=weight), np.average(targets, axis=0, weights=weight)
    root = np.sqrt(weight)[:, None]
    rows, wanted = root * (inputs - centre), root * (targets - target_centre)
    gram = rows @ rows.T
    duals = [linalg.solve(gram + alpha * np.eye(len(gram)), wanted, assume_a="pos") for alpha in grid]
    coefficients = (rows.T @ np.concatenate(duals, axis=1)).T.reshape(len(grid), len(classes), -1)
    # Standardising is folded into the weights: thousands of features are then read once per prediction.
    weights = coefficients / standardise.scale
    bias = target_centre - coefficients @ centre - weights @ standardise.mean
    return [Ridge(weights[i], bias[i], classes.astype(np.int64), alpha) for i, alpha in enumerate(grid)]
