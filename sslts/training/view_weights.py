"""How much each view of a clip counts, and how far whitening is drawn to a sphere: chosen on validation classes.

Whitening is fitted on base classes; episodes of validation classes, which nothing was fitted on, are judged as those of novel classes will
be. Base classes that take turns would not do: what was fitted on their clips (principal components, the encoder) makes these clips alike,
and the choice would be for other distances than those of clips never seen.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sslts.evaluate.episodes import Episodes
from sslts.fusion.places import has_all
from sslts.fusion.whitening import WithinClassWhitening
from sslts.types import Views

#: What is tried: weights of a view beside 1 for the others, and shares of the sphere.
WEIGHTS, SHRINKS = (0.0, 0.5, 1.0), (0.03, 0.1, 0.3)
#: Differences of accuracy below this are a tie, and the more even weights are taken: few classes decide.
_TIE = 0.003


@dataclass(frozen=True, slots=True)
class Chosen:
    """weights: of the joint view and of each modality's, the largest 1; fitted: which modalities are there; shrink; accuracy: of the
    validation episodes that it was chosen by."""

    weights: tuple[float, ...]
    fitted: tuple[bool, ...]
    shrink: float
    accuracy: float


def choose(base: Views, labels: Tensor, validation: Views, episodes: Episodes, *, joint: bool = True, whitening: bool = True) -> Chosen:
    """The weights and the shrink that recognise validation classes best; of those that tie, the more even weights, then the rounder metric.

    labels: int [n], classes of the base clips; episodes: over the rows of `validation`. joint: whether the joint view may count;
    whitening: whether views will be whitened (else there is no shrink to choose, and it is 0).
    """
    fitted = base.present.any(0) & validation.present.any(0)
    there = tuple(fitted.tolist())
    used = [*([0] if joint else []), *(index + 1 for index, found in enumerate(there) if found)]
    shrinks = SHRINKS if whitening else (0.0,)
    grid = _grid(len(used))
    ways = episodes.query.shape[1]
    scores = np.zeros((len(shrinks), len(grid)))
    for row, shrink in enumerate(shrinks):
        likeness = np.stack([_likeness(base, labels, validation, episodes, index, fitted, shrink if whitening else None) for index in used])
        for column, weights in enumerate(grid):
            scores[row, column] = (np.tensordot(weights, likeness, axes=1).argmax(-1) == np.arange(ways)).mean()
    best = scores.max()
    row, column = max(
        (at for at in np.ndindex(*scores.shape) if scores[at] >= best - _TIE),
        key=lambda at: (float(grid[at[1]].sum()), at[0], -at[1]),
    )
    weights = np.zeros(base.own.shape[1] + 1)
    weights[used] = grid[column] / grid[column].max()
    return Chosen(tuple(weights.tolist()), there, shrinks[row], float(scores[row, column]))


def _grid(count: int) -> np.ndarray:
    """All weights of so many views, each with one view at 1 at least."""
    return np.asarray([weights for weights in itertools.product(WEIGHTS, repeat=count) if max(weights) == 1.0])


@torch.no_grad()
def _likeness(
    base: Views, labels: Tensor, validation: Views, drawn: Episodes, index: int, fitted: Tensor, shrink: float | None
) -> np.ndarray:
    """Mean cosines of queries and the examples of each class, [episodes, W, W], of one view (0: the joint one) whitened on base clips."""
    (fit, taught), (ask, there) = (_view(views, index, fitted) for views in (base, validation))
    metric = WithinClassWhitening(fit.shape[1])
    if shrink is not None and bool(taught.any()):
        metric.fit(fit[taught], labels[taught], shrink=shrink)
    # As the fusion has it: what is not there is 0, like nothing and unlike nothing.
    made = torch.where(there[:, None], metric(ask), torch.zeros_like(ask))
    query, support = (made[torch.from_numpy(rows)] for rows in (drawn.query, drawn.support))
    return torch.einsum("nqe,nske->nqs", query, support).div(support.shape[2]).numpy()


def _view(views: Views, index: int, fitted: Tensor) -> tuple[Tensor, Tensor]:
    """One view of all clips [n, D], and which have it, bool [n]: the joint one (0) where all of `fitted` is there."""
    if index == 0:
        return views.joint, has_all(views.present, fitted)
    return views.own[:, index - 1], views.present[:, index - 1]
