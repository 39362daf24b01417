"""Few-shot episodes: a few labelled examples of each of some classes, and queries by other people.

Vinyals et al. 2016 (arXiv:1606.04080), sec. 4. Support and query never share a person: each episode splits the people anew into halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sslts.errors import ConfigError, LengthError
from sslts.evaluate.metrics import Interval
from sslts.interfaces import FewShotHead

_AT_ONCE = 128  # episodes: tens of megabytes of examples
_Z = 1.959963984540054  # of the normal distribution, for a 95 % interval over many episodes


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """Which rows play which part. support: int [n, W, S]; query: int [n, W], one for each class; classes: int [n, W]."""

    support: NDArray[np.int64]
    query: NDArray[np.int64]
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.query)


def draw_episodes(
    classes: NDArray[np.int64],
    subjects: Sequence[str],
    *,
    among: Sequence[int],
    ways: int,
    shots: int,
    count: int,
    seed: int,
    names: Sequence[str] = (),
) -> Episodes:
    """`count` episodes over rows with these classes [n] and people [n]; wholly a function of the seed.

    Each draws `ways` of the classes in `among`, half of the people for the support and the others for the queries, then `shots` examples
    and one query of each class. names: what class numbers stand for, for messages.

    Raises:
        ConfigError: fewer classes than ways, fewer than two people, or no shots.
        LengthError: not one class and one person a row, or some half of the people has too few examples of a class, whether it would be
            drawn or not; the message names it.
    """
    people = sorted(set(subjects))
    if len(classes) != len(subjects):
        raise LengthError(f"Episodes need one class and one person a row, got {len(classes)} classes and {len(subjects)} people.")
    if shots < 1 or count < 0:
        raise ConfigError(f"Episodes need a shot or more, and 0 or more of them; got {shots} shots and {count} episodes.")
    if len(set(among)) < ways or ways < 2:
        raise ConfigError(f"Episodes of {ways} classes need at least that many, and two, to draw from; got {len(set(among))}.")
    if len(people) < 2:
        raise ConfigError(f"Episodes need two people or more, so that queries are somebody else's; got {', '.join(people) or 'none'}.")
    who = np.asarray([people.index(subject) for subject in subjects])
    held = {(k, person): np.flatnonzero((classes == k) & (who == person)) for k in set(among) for person in range(len(people))}
    for k in sorted(set(among)):
        _check(k, [len(held[k, person]) for person in range(len(people))], people, shots, names)
    random = np.random.default_rng(seed)
    support = np.empty((count, ways, shots), dtype=np.int64)
    query, drawn = np.empty((count, ways), dtype=np.int64), np.empty((count, ways), dtype=np.int64)
    for number in range(count):
        drawn[number] = random.choice(np.asarray(sorted(set(among))), ways, replace=False)
        order = random.permutation(len(people))
        sides = order[: len(people) // 2], order[len(people) // 2 :]
        for place, k in enumerate(drawn[number]):
            mine, theirs = (np.concatenate([held[k, person] for person in side]) for side in sides)
            support[number, place] = random.choice(mine, shots, replace=False)
            query[number, place] = random.choice(theirs)
    return Episodes(support, query, drawn)


def _check(k: int, counts: Sequence[int], people: Sequence[str], shots: int, names: Sequence[str]) -> None:
    """Refuse a class that some split of the people would leave without enough examples on a side."""
    order = sorted(range(len(people)), key=lambda person: counts[person])
    for role, size, needed in (("examples", len(people) // 2, shots), ("queries", len(people) - len(people) // 2, 1)):
        least = sum(counts[person] for person in order[:size])
        if least < needed:
            short = ", ".join(f"{people[person]} has {counts[person]}" for person in sorted(order[:size]))
            raise LengthError(
                f"Class '{names[k] if names else k}' would have {least} {role} where {needed} are needed when the people are split into "
                f"halves ({short}). Leave the class out, ask for fewer shots, or add clips."
            )


@torch.no_grad()
def accuracies(head: FewShotHead, embeddings: Tensor, episodes: Episodes, *, queries: Tensor | None = None) -> NDArray[np.float64]:
    """Share of queries named right in each episode, [n]. embeddings [N, E]; queries: embeddings that only queries are taken from."""
    asked = embeddings if queries is None else queries
    ways, shots = episodes.support.shape[1:]
    labels = torch.arange(ways).repeat_interleave(shots)
    truth = torch.arange(ways)
    found = []
    support, query = torch.from_numpy(episodes.support).flatten(1), torch.from_numpy(episodes.query)
    for mine, theirs in zip(support.split(_AT_ONCE), query.split(_AT_ONCE), strict=True):
        scores = head.episodes(embeddings[mine], labels, asked[theirs])
        found.append((scores.argmax(2) == truth).double().mean(1).numpy())
    return np.concatenate(found) if found else np.empty(0)


def over_episodes(found: NDArray[np.float64]) -> Interval:
    """Mean and half of its 95 % interval over episodes. It says nothing about other classes or other people."""
    half = _Z * float(found.std(ddof=1)) / len(found) ** 0.5 if len(found) > 1 else float("nan")
    return Interval(float(found.mean()), half, len(found))
