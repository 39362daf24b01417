"""Fit the static tower to its teacher. Every random number comes from the seed, so the same input gives the same bytes."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.tools.text_distillation import lexicon as lex
from sslts.text import reading
from sslts.text.static import Hidden

logger = logging.getLogger(__name__)

#: Letters, short numbers and ASCII punctuation; other scripts and years are left out.
_KEPT = re.compile(r"(##)?([a-z]+|[0-9]{1,2})|[!-/:-@\[-`{-~]")
_SIF = 1e-3  # Arora et al. 2017


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the fit. `gram` weighs agreement of the similarities inside a batch beside agreement of the vectors."""

    embed_dim: int = 192
    hidden_dim: int = 512
    epochs: int = 8
    batch: int = 1024
    gram: float = 5.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """The table [n, E] and the hidden layer."""

    vectors: Tensor
    hidden: Hidden


def pieces(vocabulary: Sequence[str]) -> list[str]:
    """The student's vocabulary: the teacher's English part, in order of frequency, and our own words that the teacher cuts."""
    texts = (*lex.ACTIVITIES, *lex.POSITIONS, *lex.SENSORS, *lex.QUANTITIES, *lex.SHAPES, *lex.EVENTS, *lex.UNITS, *lex.PEOPLE, *lex.FORMS)
    known = set(vocabulary)
    added = sorted({word for text in texts for word in re.findall("[a-z]{3,}", text.lower()) if word not in known})
    return [reading.UNKNOWN, *(piece for piece in vocabulary if _KEPT.fullmatch(piece)), *added]


def weights(count: int) -> Tensor:
    """Smooth inverse frequency by Zipf's law over the rank. [n, 1]."""
    probability = 1 / (torch.arange(count, dtype=torch.float32) + 2.7)
    return (_SIF / (_SIF + probability / probability.sum()))[:, None]


def axes(target: Tensor, embed_dim: int) -> Tensor:
    """Directions that keep most of the teacher's vectors (uncentred, so that cosines survive). [T, E]."""
    _, vectors = torch.linalg.eigh((target.T @ target).double())
    kept = vectors.flip(1)[:, :embed_dim]
    # The sign of an eigenvector is arbitrary: make its largest entry positive.
    largest = kept.gather(0, kept.abs().argmax(0, keepdim=True))
    return (kept * largest.sign()).float()


def fit(tokens: Sequence[Sequence[int]], target: Tensor, alone: Tensor, settings: Settings, seed: int) -> Fitted:
    """Teach the student.

    A piece's vector is exp(g) w M v + d: v is what the teacher says of the piece alone, w its weight by frequency, M shared by
    all pieces; g and d are its own and stay 0 for a piece that no phrase of the fit holds.

    Args:
        tokens: the phrases' piece indices.
        target: the teacher's vectors of the phrases [N, T].
        alone: the teacher's vectors of the pieces alone [n, T].
    """
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    basis = axes(target, settings.embed_dim)
    wanted, start = F.normalize(target @ basis, dim=-1), alone @ basis
    weight = weights(len(alone))
    shared = torch.eye(settings.embed_dim, requires_grad=True)
    own = torch.zeros_like(start, requires_grad=True)
    gain = torch.zeros(len(alone), 1, requires_grad=True)
    first = (0.3 * torch.randn(settings.hidden_dim, settings.embed_dim, generator=generator)).requires_grad_()
    bias = torch.zeros(settings.hidden_dim, requires_grad=True)
    output = torch.zeros(settings.embed_dim, settings.hidden_dim, requires_grad=True)
    rates = {1e-3: [shared, first, bias, output], 2e-3: [own], 1e-2: [gain]}
    optimiser = torch.optim.Adam([{"params": parameters, "lr": rate} for rate, parameters in rates.items()])
    steps = settings.epochs * (len(tokens) // settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: max(0.02, 1 - step / steps))
    for epoch in range(settings.epochs):
        order = rng.permutation(len(tokens))
        for begin in range(0, len(order) - settings.batch + 1, settings.batch):
            rows = order[begin : begin + settings.batch]
            flat, starts = packed([tokens[row] for row in rows])
            used, places = flat.unique(return_inverse=True)
            table = gain[used].exp() * weight[used] * (start[used] @ shared) + own[used]
            got = forward(places, starts, table, Hidden(first, bias, output))
            expected = wanted[torch.from_numpy(rows)]
            apart = (1 - (got * expected).sum(1)).mean()
            loss = apart + settings.gram * (got @ got.T - expected @ expected.T).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        logger.info("epoch %d of %d: cosine to the teacher %.4f", epoch + 1, settings.epochs, 1 - apart.item())
    with torch.no_grad():
        return Fitted(gain.exp() * weight * (start @ shared) + own, Hidden(first.detach(), bias.detach(), output.detach()))


def packed(tokens: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """All indices one after the other, and where each phrase starts."""
    flat = torch.tensor([index for phrase in tokens for index in phrase])
    return flat, torch.tensor([0, *(len(phrase) for phrase in tokens[:-1])]).cumsum(0)


def forward(places: Tensor, starts: Tensor, table: Tensor, hidden: Hidden) -> Tensor:
    """The tower's formula, with gradients. [N, E]."""
    summed = F.normalize(F.embedding_bag(places, table, starts, mode="sum"), dim=-1)
    inner = F.gelu(F.linear(summed, hidden.weight, hidden.bias))
    return F.normalize(summed + F.linear(inner, hidden.output), dim=-1)
