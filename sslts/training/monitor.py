"""Online checks for collapse: is the embedding still using its dimensions, and do neighbours still mean something?

They run in eval mode without gradients and leave modes, buffers and random state as they found them: a run's weights do not
depend on being watched.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sslts.errors import TrainingError
from sslts.interfaces import Method
from sslts.training.seeding import derive_seed, generator_for, seeded
from sslts.training.source import LabelledSource, WindowSource, fetch

logger = logging.getLogger(__name__)

#: Collapsing: an effective rank below this share of the width, or a spread below this share of a uniform direction's.
COLLAPSED_SHARE = 0.05
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Health:
    """rankme: effective number of dimensions, 1 to `width`. std: mean spread of the unit-length embedding's dimensions; about
    1 / sqrt(width) when directions are uniform, 0 when all windows look alike. knn: accuracy in 0..1, None without labels."""

    rankme: float
    std: float
    knn: float | None
    width: int

    @property
    def problem(self) -> str | None:
        """What is wrong in one sentence, or None."""
        if self.rankme < COLLAPSED_SHARE * self.width:
            return f"the embedding uses {self.rankme:.1f} of {self.width} dimensions (RankMe)"
        if self.std < COLLAPSED_SHARE / math.sqrt(self.width):
            return f"all windows get nearly the same embedding (std {self.std:.2g}, {1 / math.sqrt(self.width):.2g} when uniform)"
        return None


def rankme(embeddings: Tensor, epsilon: float = 1e-7) -> float:
    """Effective rank: exp of the entropy of the normalised singular values. [N, E] -> 1 .. min(N, E); 0 when all are 0.

    Garrido et al. 2023, arXiv:2210.02885, eq. 1.
    """
    singular = torch.linalg.svdvals(embeddings.double())
    total = singular.sum()
    if not total > 0:
        return 0.0
    share = singular / total + epsilon
    return float(torch.exp(-(share * share.log()).sum()))


def spread(embeddings: Tensor) -> float:
    """Mean over dimensions of the standard deviation of the unit-length embeddings (Chen & He 2021, arXiv:2011.10566, fig. 2). [N, E]."""
    return float(nn.functional.normalize(embeddings.double(), dim=1).std(dim=0, correction=0).mean())


def knn_accuracy(bank: Tensor, bank_labels: Tensor, queries: Tensor, query_labels: Tensor, k: int) -> float:
    """Accuracy of a vote of the k nearest in the bank by cosine, all votes equal; a tie goes to the smaller class.

    bank [N, E], bank_labels int [N], queries [Q, E], query_labels int [Q]. A smaller bank is used whole.
    """
    similarity = nn.functional.normalize(queries.double(), dim=1) @ nn.functional.normalize(bank.double(), dim=1).T
    nearest = similarity.topk(min(k, len(bank)), dim=1).indices
    votes = nn.functional.one_hot(bank_labels[nearest], int(bank_labels.max()) + 1).sum(dim=1)
    return float((votes.argmax(dim=1) == query_labels).double().mean())


def check(method: Method, source: WindowSource, held_out: WindowSource | None, *, windows: int, knn_k: int, seed: int) -> Health:
    """Embed a fixed sample of `held_out` (else of `source`) and measure it. kNN asks the training windows, with held-out queries only.

    Raises:
        TrainingError: fewer than two windows have anything to embed, or an embedding is not finite.
    """
    with _watching(method), seeded(derive_seed(seed, "monitor")):
        examined = source if held_out is None else held_out
        chosen = _sample(len(examined), windows, seed)
        embeddings, alive = _embed(method, examined, chosen, seed)
        if int(alive.sum()) < 2:
            raise TrainingError("The monitor found fewer than two windows with any modality present. Check the held-out subjects.")
        accuracy = None
        if isinstance(source, LabelledSource) and isinstance(held_out, LabelledSource):
            drawn = _sample(len(source), windows, seed)
            bank, bank_alive = _embed(method, source, drawn, seed)
            answers, questions = torch.tensor(list(source.labels(drawn))), torch.tensor(list(held_out.labels(chosen)))
            known, asked = bank_alive & (answers >= 0), alive & (questions >= 0)
            if known.any() and asked.any():
                accuracy = knn_accuracy(bank[known], answers[known], embeddings[asked], questions[asked], knn_k)
    kept = embeddings[alive]
    return Health(rankme(kept), spread(kept), accuracy, embeddings.shape[1])


def warn(health: Health, step: int) -> None:
    """Say so in the log while it happens."""
    if health.problem is not None:
        logger.warning(
            "Collapse at step %d: %s. Consider a larger variance or covariance term, or a lower learning rate.", step, health.problem
        )


def _sample(count: int, windows: int, seed: int) -> list[int]:
    drawn = torch.randperm(count, generator=generator_for(seed, "monitor-windows"))[:windows]
    return sorted(drawn.tolist())


def _embed(method: Method, source: WindowSource, indices: Sequence[int], seed: int) -> tuple[Tensor, Tensor]:
    device = next((parameter.device for parameter in method.parameters()), torch.device("cpu"))
    values, alive = [], []
    for begin in range(0, len(indices), _CHUNK):
        part = indices[begin : begin + _CHUNK]
        batch = fetch(source, part, generator_for(seed, "monitor-source", begin))
        values.append(method.embed(batch.to(device)).detach().float().cpu())
        alive.append(torch.stack([signal.usable.flatten(1).any(1) for signal in batch.signals.values()], dim=1).any(1).cpu())
    embeddings = torch.cat(values)
    if not bool(torch.isfinite(embeddings).all()):
        raise TrainingError("The monitor met an embedding that is not finite. Look at the held-out windows and lower the learning rate.")
    return embeddings, torch.cat(alive)


@contextmanager
def _watching(method: nn.Module) -> Iterator[None]:
    # Each module's own flag, because some (a frozen tower) may be in eval mode on purpose.
    modes = {module: module.training for module in method.modules()}
    method.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
