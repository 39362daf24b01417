"""How much each view of a clip counts, and how far whitening is drawn to a sphere: chosen on base classes that played novel ones.

A whitening that was fitted on some classes flatters views on those same classes. So base classes take turns: on some the whitening is
fitted, on the others episodes are judged, as they will be on novel classes. Neither validation nor novel classes are read.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sslts.evaluate.episodes import Episodes, draw_episodes
from sslts.fusion.whitening import WithinClassWhitening
from sslts.types import Views

#: What is tried: weights of a view beside 1 for the others, and shares of the sphere.
WEIGHTS, SHRINKS = (0.0, 0.5, 1.0), (0.1, 0.3, 0.6)
_SPLITS, _EPISODES, _HELD = 6, 300, 5


@dataclass(frozen=True, slots=True)
class Chosen:
    """weights: of the joint view and of each modality's, the largest 1; fitted: which modalities are there; shrink; accuracy: mean over
    splits, one example a class, NaN where there were too few classes to take turns."""

    weights: tuple[float, ...]
    fitted: tuple[bool, ...]
    shrink: float
    accuracy: float


def choose(views: Views, labels: Tensor, subjects: Sequence[str], *, seed: int, joint: bool = True, whitening: bool = True) -> Chosen:
    """The weights and the shrink with the best mean accuracy over splits of the base classes; on a tie the more even weights.

    labels: int [n], classes of the base; subjects: whose clip, so that examples and queries are of different people. Where there are too
    few classes to take turns, all views count alike. joint: whether the joint view may count; whitening: whether views will be whitened
    (else there is no shrink to choose, and it is 0).
    """
    there = tuple(views.present.any(0).tolist())
    used = [*([0] if joint else []), *(index + 1 for index, found in enumerate(there) if found)]
    shrinks = SHRINKS if whitening else (0.0,)
    even = Chosen(tuple(float(index in used) for index in range(len(there) + 1)), there, shrinks[len(shrinks) // 2], float("nan"))
    classes = torch.unique(labels)
    if len(classes) < 2 * _HELD:
        return even
    parts = [views.joint, *views.own.unbind(1)]
    usable = views.present[:, [index - 1 for index in used if index]].all(1)
    grid = _grid(len(used))
    scores = np.zeros((len(shrinks), len(grid)))
    order = np.random.default_rng(seed)
    for split in range(_SPLITS):
        held = torch.from_numpy(order.permutation(classes.numpy())[:_HELD])
        judged = torch.isin(labels, held)
        fitted, asked = usable & ~judged, usable & judged
        who = [subject for subject, wanted in zip(subjects, asked.tolist(), strict=True) if wanted]
        names = labels[asked].numpy()
        drawn = draw_episodes(names, who, among=held.tolist(), ways=_HELD, shots=1, count=_EPISODES, seed=seed + split)
        for row, shrink in enumerate(shrinks):
            likeness = [_likeness(parts[index], labels, fitted, asked, shrink if whitening else None, drawn) for index in used]
            scores[row] += (np.tensordot(grid, np.stack(likeness), axes=1).argmax(-1) == np.arange(_HELD)).mean((1, 2)) / _SPLITS
    row, column = max(np.ndindex(*scores.shape), key=lambda at: (round(float(scores[at]), 6), float(grid[at[1]].sum()), -at[0]))
    weights = np.zeros(views.own.shape[1] + 1)
    weights[used] = grid[column] / grid[column].max()
    return Chosen(tuple(weights.tolist()), there, shrinks[row], float(scores[row, column]))


def _grid(count: int) -> np.ndarray:
    """All weights of so many views, each with one view at 1 at least."""
    return np.asarray([weights for weights in itertools.product(WEIGHTS, repeat=count) if max(weights) == 1.0])


@torch.no_grad()
def _likeness(values: Tensor, labels: Tensor, fitted: Tensor, asked: Tensor, shrink: float | None, drawn: Episodes) -> np.ndarray:
    """Cosines of queries and examples, [episodes, W, W], of one view whitened on `fitted` (as it is if shrink is None)."""
    metric = WithinClassWhitening(values.shape[1])
    if shrink is not None:
        compact = torch.unique(labels[fitted], return_inverse=True)[1]
        metric.fit(values[fitted], compact, shrink=shrink)
    made = metric(values[asked])
    return torch.einsum("nqe,nse->nqs", made[torch.from_numpy(drawn.query)], made[torch.from_numpy(drawn.support[..., 0])]).numpy()
