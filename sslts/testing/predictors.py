"""What predictors promise: TOKENS AT TARGETS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from sslts.interfaces import Predictor
from sslts.testing.case import broken
from sslts.testing.common import row_by_row
from sslts.testing.kit import ROWS, Kit, Promise, Subject, noise
from sslts.testing.tokens import JUNK, in_dtype, read, row_of, tokens_for, with_junk
from sslts.types import Tokens


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known and where something is to be predicted."""

    context: Tokens
    targets: Tokens


class PredictorKit(Kit):
    """Fed with tokens of its Config's `token_dim`, or with its own `example_tokens`: some are context, the others targets."""

    base = Predictor

    def example(self, component: Any, rows: int = ROWS) -> Asked:
        tokens = tokens_for(component, rows)
        hidden = noise(*tokens.valid.shape, seed=7) > 0.3
        hidden[:, 0], hidden[:, -1] = False, True
        return Asked(tokens.keep(~hidden), tokens.keep(hidden))

    def run(self, component: Any, given: Asked) -> Tensor:
        made = read(component(given.context, given.targets))
        summarise = getattr(component, "summarise", None)
        return made if summarise is None else torch.cat([made, summarise(given.context)], dim=1)

    def trains(self, component: Any, given: Asked) -> Tensor:
        made = self.run(component, given)
        return (made * noise(*made.shape, seed=5)).mean() + made.square().mean()

    def cast(self, given: Asked, dtype: torch.dtype) -> Asked:
        return Asked(in_dtype(given.context, dtype), in_dtype(given.targets, dtype))

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("shapes", "one prediction for each target, at its place", _shapes),
            Promise("targets-unread", "what targets hold is never read", _targets_unread),
            Promise("junk-in-context", "junk in an invalid token changes no output bit", _junk),
            Promise("context-counts", "the context decides what is predicted", _context_counts),
            Promise("rows", "a row does not depend on the other rows", _rows),
        )


@torch.no_grad()
def _shapes(subject: Subject) -> None:
    component = subject.fresh()
    given: Asked = subject.kit.example(component)
    made = component(given.context, given.targets)
    if made.values.shape[:2] != given.targets.valid.shape or not torch.equal(made.valid, given.targets.valid):
        raise broken(f"it returns {tuple(made.values.shape)} for targets {tuple(given.targets.valid.shape)}, expected one value a target.")
    if not bool(made.values[made.valid].isfinite().all()):
        raise broken("it predicts NaN or infinity from ordinary tokens.")


@torch.no_grad()
def _targets_unread(subject: Subject) -> None:
    component = subject.fresh()
    given: Asked = subject.kit.example(component)
    for junk in JUNK:
        blind = replace(given.targets, values=torch.full_like(given.targets.values, junk))
        if not torch.equal(subject.kit.run(component, given), subject.kit.run(component, Asked(given.context, blind))):
            raise broken("the values of the targets change what is predicted: training would be told the answer.")


@torch.no_grad()
def _junk(subject: Subject) -> None:
    component = subject.fresh()
    given: Asked = subject.kit.example(component)
    for junk in JUNK:
        soiled = with_junk(given.context, ~given.context.valid, junk)
        if not torch.equal(subject.kit.run(component, given), subject.kit.run(component, Asked(soiled, given.targets))):
            raise broken(f"{junk} in a token that is not valid changes what is predicted.")


@torch.no_grad()
def _context_counts(subject: Subject) -> None:
    component = subject.fresh()
    given: Asked = subject.kit.example(component)
    other = replace(given.context, values=given.context.values + noise(*given.context.values.shape, seed=9))
    if torch.equal(subject.kit.run(component, given), subject.kit.run(component, Asked(other, given.targets))):
        raise broken("another context gives the same predictions.")


def _rows(subject: Subject) -> None:
    component = subject.fresh()

    def alone(of: Asked, row: int) -> Asked:
        return Asked(row_of(of.context, row), row_of(of.targets, row))

    row_by_row(subject.kit, component, subject.kit.example(component), alone, ROWS)
