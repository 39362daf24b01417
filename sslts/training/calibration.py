"""Calibrated names: the temperature at which a text model's scores are probabilities, on windows it was not trained on."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sslts.errors import TrainingError
from sslts.interfaces import TextMethod
from sslts.training.mixture import Mixture

logger = logging.getLogger(__name__)

_LEAST, _LARGEST, _STEPS = 0.005, 1.0, 200
_BATCH = 64


@torch.no_grad()
def fit_temperature(method: TextMethod, held_out: Mixture, labels: Sequence[str]) -> float:
    """Set `method.temperature` so that the labels of held-out windows are likeliest (Guo et al. 2017, arXiv:1706.04599, sec. 4.2).

    Each window is named among the labels of its own data set, as a user asks for the activities that may occur.

    Raises:
        TrainingError: no held-out window has a label.
    """
    method.eval()
    numbers = torch.as_tensor(list(held_out.labels(range(len(held_out)))))
    sets = np.asarray([subject.partition(":")[0] for subject in held_out.subjects()])
    rows = np.flatnonzero(numbers.numpy() >= 0)
    if not len(rows):
        raise TrainingError("No window of the validation subjects has a label: the temperature cannot be fitted.")
    meant = torch.cat([_meant(method, held_out, part.tolist()) for part in np.array_split(rows, -(-len(rows) // _BATCH))])
    words = method.embed_text(list(labels)).cpu()
    parts = []
    for name in sorted(set(sets[rows])):
        mine = np.flatnonzero(sets[rows] == name)
        own = torch.unique(numbers[rows[mine]])
        parts.append((meant[mine] @ words[own].T, torch.searchsorted(own, numbers[rows[mine]])))
    grid = torch.logspace(np.log10(_LEAST), np.log10(_LARGEST), _STEPS)
    losses = [sum(_loss(scores / temperature, truth) for scores, truth in parts) / len(parts) for temperature in grid]
    best = float(grid[int(torch.stack([torch.as_tensor(loss) for loss in losses]).argmin())])
    method.temperature.fill_(best)
    logger.info("Temperature %.4f on %d held-out windows.", best, len(rows))
    return best


def _meant(method: TextMethod, held_out: Mixture, rows: Sequence[int]) -> Tensor:
    batch = held_out.batch(rows, generator=torch.Generator())
    return method.in_text_space(method.embed(batch.to(method.temperature.device))).cpu()


def _loss(logits: Tensor, truth: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(logits, truth)
