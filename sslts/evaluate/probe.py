"""The linear probe: standardise on training windows, then logistic regression with balanced class weights.

C comes from {0.001, 0.01, 0.1, 1, 10} by inner grouped 4-fold macro-F1 on training subjects: subject i (in numeric order) is held out in
inner fold i mod 4, predictions of the four folds are pooled before scoring, and the smallest of equally good values of C is taken.
With few labels the inner folds can lack a class; then C is 0.1. The same rule holds for every row of a benchmark.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sslts.errors import LengthError, missing_dependency
from sslts.evaluate.metrics import confusion_matrix, macro_f1
from sslts.evaluate.normalise import location_and_scale

C_GRID = (0.001, 0.01, 0.1, 1.0, 10.0)
FALLBACK_C = 0.1
INNER_FOLDS = 4
MAX_ITERATIONS = 1000

Values = NDArray[np.floating]
Labels = NDArray[np.int64]


class Predictor(Protocol):
    """A fitted classifier. `chosen` is what the inner folds selected, for the results file."""

    @property
    def chosen(self) -> float | None: ...

    def predict(self, values: Values) -> Labels:
        """[n, E] -> int [n]."""


class Classifier(Protocol):
    """Fits on training windows only; `subjects` keeps the inner folds apart."""

    def __call__(self, values: Values, labels: Labels, subjects: Sequence[str]) -> Predictor: ...


def name_of(classifier: Classifier) -> str:
    """The name of a function or class that fits, for a result's record."""
    return str(getattr(classifier, "__name__", type(classifier).__name__))


@dataclass(frozen=True, slots=True)
class Standardiser:
    """Column means and scales of the training windows. An absent feature (NaN) becomes 0, its training mean."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, values: Values) -> Standardiser:
        """Statistics of [n, E], absent values left out."""
        return cls(*location_and_scale(values))

    def __call__(self, values: Values) -> NDArray[np.float64]:
        """[n, E] -> [n, E]."""
        return np.nan_to_num((values - self.mean) / self.scale, copy=False, nan=0.0)


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """A fitted probe: scores = standardised values @ weight.T + bias. weight: [K, E], bias: [K], classes: [K]."""

    standardise: Standardiser
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    classes: Labels
    chosen: float | None

    def scores(self, values: Values) -> NDArray[np.float64]:
        """[n, E] -> [n, K] logits; larger is likelier."""
        return self.standardise(values) @ self.weight.T + self.bias

    def predict(self, values: Values) -> Labels:
        """[n, E] -> int [n]."""
        return self.classes[self.scores(values).argmax(1)]


def fit_linear_probe(
    values: Values, labels: Labels, subjects: Sequence[str], *, grid: Sequence[float] = C_GRID, fallback: float = FALLBACK_C
) -> LinearProbe:
    """Fit the probe on training windows: [n, E], int [n], n subjects.

    For training with missing modalities give each window more than once, under several sets of present modalities
    (`sslts.evaluate.robustness`); copies share their window's subject and so never cross the inner folds.

    Raises:
        LengthError: lengths differ, or fewer than two classes.
        MissingDependencyError: scikit-learn is not installed.
    """
    check_training(values, labels, subjects)
    chosen = select_by_inner_folds(_fit_path, values, labels, subjects, grid=grid, fallback=fallback)
    return _fit_path(values, labels, [chosen])[0]


def select_by_inner_folds(
    fit_path: Callable[[Values, Labels, Sequence[float]], Sequence[Predictor]],
    values: Values,
    labels: Labels,
    subjects: Sequence[str],
    *,
    grid: Sequence[float],
    fallback: float,
) -> float:
    """The hyper-parameter with the best pooled macro-F1 over inner folds of training subjects; the first of equally good ones.

    `fit_path(values, labels, grid)` fits one predictor per hyper-parameter. If a training part of the inner folds lacks a class, or
    there are fewer subjects than folds, `fallback` is returned.
    """
    if len(grid) == 1:
        return grid[0]
    fold = inner_folds(subjects)
    classes = np.unique(labels)
    parts = [np.unique(labels[fold != held_out]).size for held_out in range(INNER_FOLDS)]
    if len(set(fold.tolist())) < INNER_FOLDS or min(parts) < classes.size:
        return fallback
    predicted = np.zeros((len(grid), len(labels)), dtype=np.int64)
    for held_out in range(INNER_FOLDS):
        inside = fold != held_out
        for index, predictor in enumerate(fit_path(values[inside], labels[inside], grid)):
            predicted[index, ~inside] = predictor.predict(values[~inside])
    span = int(classes.max()) + 1
    scores = [macro_f1(confusion_matrix(labels, row, classes=span)) for row in predicted]
    return grid[int(np.argmax(scores))]


def inner_folds(subjects: Sequence[str]) -> Labels:
    """int [n]: the inner fold that holds each window out. Subjects in numeric order, the i-th in fold i mod 4."""
    order = sorted(set(subjects), key=lambda name: ("".join(filter(str.isdigit, name)).zfill(12), name))
    position = {subject: index % INNER_FOLDS for index, subject in enumerate(order)}
    return np.asarray([position[subject] for subject in subjects], dtype=np.int64)


def check_training(values: Values, labels: Labels, subjects: Sequence[str]) -> None:
    """LengthError unless values [n, E], labels [n] and n subjects agree and show two classes."""
    if values.ndim != 2 or labels.shape != (len(values),) or len(subjects) != len(values):
        raise LengthError(f"Expected values [n, E], n labels and n subjects, got {values.shape}, {labels.shape} and {len(subjects)}.")
    if np.unique(labels).size < 2:
        raise LengthError(f"A classifier needs windows of at least two classes, got {np.unique(labels).size}. Add labelled windows.")


def _fit_path(values: Values, labels: Labels, grid: Sequence[float]) -> list[LinearProbe]:
    """One probe for each C, from strong to weak regularisation; each starts where the last one ended."""
    logistic, convergence_warning = _scikit_learn()
    standardise = Standardiser.fit(values)
    inputs, basis = _compact(standardise(values))
    model = logistic(solver="lbfgs", class_weight="balanced", max_iter=MAX_ITERATIONS, tol=1e-4, warm_start=True)
    probes = {}
    for c in sorted(grid):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", convergence_warning)  # a bounded number of iterations is part of the definition
            model.set_params(C=c).fit(inputs, labels)
        weight, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:  # one logit: the first class scores 0
            weight, bias = np.concatenate([np.zeros_like(weight), weight]), np.concatenate([np.zeros_like(bias), bias])
        weight = weight.copy() if basis is None else weight @ basis
        probes[c] = LinearProbe(standardise, weight, bias.copy(), model.classes_.astype(np.int64), c)
    return [probes[c] for c in grid]


def _compact(inputs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """[n, E], E > n -> coordinates [n, n] in an orthonormal basis [n, E] of the rows; exact, since the penalty ignores rotations."""
    if inputs.shape[1] <= inputs.shape[0]:
        return inputs, None
    left, singular, basis = np.linalg.svd(inputs, full_matrices=False)
    return left * singular, basis


def _scikit_learn() -> tuple[Any, type[Warning]]:
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise missing_dependency("scikit-learn", "eval", "The linear probe") from error
    return LogisticRegression, ConvergenceWarning
