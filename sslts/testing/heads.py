"""What few-shot heads promise: EMBEDDINGS -> SCORES."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from sslts.interfaces import FewShotHead, FittedHead
from sslts.testing.case import broken
from sslts.testing.kit import Kit, Promise, Subject, noise

_WAYS, _SHOTS, _QUERIES = 3, 4, 6


@dataclass(frozen=True, slots=True)
class Episode:
    """support [S, E], labels int [S], queries [Q, E], and what the queries are, int [Q]."""

    support: Tensor
    labels: Tensor
    queries: Tensor
    truth: Tensor


class HeadKit(Kit):
    """Fed with three classes that lie well apart; of width `embed_dim` where the Config has one, else 8."""

    base = FewShotHead

    def example(self, component: Any, rows: int = _QUERIES) -> Episode:
        width = getattr(component.config, "embed_dim", 8)
        middles = 2 * torch.linalg.qr(noise(max(width, _WAYS), _WAYS, seed=1))[0].T[:, :width]
        labels, truth = torch.arange(_WAYS).repeat_interleave(_SHOTS), torch.arange(_WAYS).repeat(rows // _WAYS)
        return Episode(
            middles[labels] + 0.1 * noise(len(labels), width, seed=2),
            labels,
            middles[truth] + 0.1 * noise(len(truth), width, seed=3),
            truth,
        )

    def run(self, component: Any, given: Episode) -> Tensor:
        scores: Tensor = component.fit(given.support, given.labels).scores(given.queries)
        return scores

    def trains(self, component: Any, given: Episode) -> Tensor:
        return torch.nn.functional.cross_entropy(self.run(component, given), given.truth)

    def cast(self, given: Episode, dtype: torch.dtype) -> Episode:
        return replace(given, support=given.support.to(dtype), queries=given.queries.to(dtype))

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("scores", "fit gives a value whose scores are [Q, W]", _scores),
            Promise("value", "fitting again changes nothing that was fitted before", _is_a_value),
            Promise("order-of-examples", "the order of the examples does not matter", _order),
            Promise("names-of-classes", "renaming classes renames scores", _renaming),
            Promise("one-example", "one example a class is enough", _one_shot),
            Promise("separates", "classes that lie apart are told apart", _separates, lambda subject: not subject.cls.needs_training),
            Promise("episodes", "episodes at once score as each does alone", _episodes),
            Promise("queries", "a query does not depend on the others", _queries, lambda subject: not subject.cls.transductive),
        )


def _scores(subject: Subject) -> None:
    component = subject.fresh()
    given: Episode = subject.kit.example(component)
    fitted = component.fit(given.support, given.labels)
    if not isinstance(fitted, FittedHead):
        raise broken(f"fit returns {type(fitted).__name__}, expected a FittedHead.")
    scores = fitted.scores(given.queries)
    if tuple(scores.shape) != (_QUERIES, _WAYS) or not bool(scores.isfinite().all()):
        raise broken(f"scores are {tuple(scores.shape)}, expected finite ({_QUERIES}, {_WAYS}).")


def _is_a_value(subject: Subject) -> None:
    component = subject.fresh()
    given: Episode = subject.kit.example(component)
    fitted = component.fit(given.support, given.labels)
    before = fitted.scores(given.queries)
    component.fit(given.support.flip(1), given.labels)
    if not torch.equal(before, fitted.scores(given.queries)):
        raise broken("a second fit changes what the first one returned. Keep the fit's results in the FittedHead, not in the head.")


def _order(subject: Subject) -> None:
    component = subject.fresh()
    given: Episode = subject.kit.example(component)
    turned = torch.randperm(len(given.labels), generator=torch.Generator().manual_seed(4))
    other = replace(given, support=given.support[turned], labels=given.labels[turned])
    _alike(subject.kit.run(component, given), subject.kit.run(component, other), "the examples in another order give other scores.")


def _renaming(subject: Subject) -> None:
    component = subject.fresh()
    given: Episode = subject.kit.example(component)
    names = torch.tensor([2, 0, 1])
    other = replace(given, labels=names[given.labels])
    scores = subject.kit.run(component, other)[:, names]
    _alike(subject.kit.run(component, given), scores, "classes under other numbers give other scores.")


def _one_shot(subject: Subject) -> None:
    component = subject.fresh()
    given: Episode = subject.kit.example(component)
    one = replace(given, support=given.support[::_SHOTS], labels=given.labels[::_SHOTS])
    if not bool(subject.kit.run(component, one).isfinite().all()):
        raise broken("with one example a class the scores are not finite.")


def _episodes(subject: Subject) -> None:
    component = subject.fresh()
    given: Episode = subject.kit.example(component)
    support, queries = torch.stack([given.support, given.support.flip(1)]), torch.stack([given.queries, given.queries + 0.1])
    alone = [component.fit(mine, given.labels).scores(asked) for mine, asked in zip(support, queries, strict=True)]
    _alike(torch.stack(alone), component.episodes(support, given.labels, queries), "episodes at once give other scores than one at a time.")


def _separates(subject: Subject) -> None:
    component = subject.fresh()
    given: Episode = subject.kit.example(component)
    right = subject.kit.run(component, given).argmax(1) == given.truth
    if not bool(right.all()):
        raise broken(f"of three classes that lie far apart, {int(right.sum())} of {len(right)} queries are named right.")


def _queries(subject: Subject) -> None:
    component = subject.fresh()
    given: Episode = subject.kit.example(component)
    together = subject.kit.run(component, given)
    for row in range(_QUERIES):
        alone = subject.kit.run(component, replace(given, queries=given.queries[row : row + 1]))
        _alike(alone[0], together[row], "a query's scores change with the other queries. Say transductive = True if they should.")


def _alike(one: Tensor, other: Tensor, message: str) -> None:
    if not torch.allclose(one, other, rtol=1e-3, atol=1e-4):
        raise broken(message)
