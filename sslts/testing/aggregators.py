"""What aggregators promise: TOKENS -> EMBEDDING."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sslts.interfaces import Aggregator
from sslts.testing.case import broken
from sslts.testing.common import row_by_row
from sslts.testing.kit import ROWS, Kit, Promise, Subject, noise
from sslts.testing.tokens import JUNK, in_dtype, row_of, tokens_for, with_junk
from sslts.types import Tokens


class AggregatorKit(Kit):
    """Fed with tokens of its Config's `token_dim` and `modalities`, or with its own `example_tokens`. The last row is absent."""

    base = Aggregator

    def example(self, component: Any, rows: int = ROWS) -> Tokens:
        return tokens_for(component, rows)

    def run(self, component: Any, given: Tokens) -> Tensor:
        made: Tensor = component(given)
        return made

    def trains(self, component: Any, given: Tokens) -> Tensor:
        made = self.run(component, given)
        return (made * noise(*made.shape, seed=5)).mean() + made.square().mean()

    def cast(self, given: Tokens, dtype: torch.dtype) -> Tokens:
        return in_dtype(given, dtype)

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("shapes", "an embedding is [B, embed_dim]", _shapes),
            Promise("absent-is-zero", "a row without valid tokens is 0", _absent_is_zero),
            Promise("junk-in-invalid", "junk in an invalid token changes no output bit", _junk),
            Promise("rows", "a row does not depend on the other rows", _rows),
        )


@torch.no_grad()
def _shapes(subject: Subject) -> None:
    component = subject.fresh()
    made = component(subject.kit.example(component))
    if tuple(made.shape) != (ROWS, component.embed_dim):
        raise broken(f"it returns {tuple(made.shape)}, expected ({ROWS}, {component.embed_dim}) (embed_dim).")
    if not bool(made.isfinite().all()):
        raise broken("it returns NaN or infinity for ordinary tokens.")


@torch.no_grad()
def _absent_is_zero(subject: Subject) -> None:
    component = subject.fresh()
    tokens = subject.kit.example(component)
    made = component(replace(tokens, valid=torch.zeros_like(tokens.valid)))
    if bool(made.ne(0).any()):
        raise broken("rows without valid tokens are not 0. End with torch.where(valid.any(1, keepdim=True), made, 0).")


@torch.no_grad()
def _junk(subject: Subject) -> None:
    component = subject.fresh()
    tokens = subject.kit.example(component)
    for junk in JUNK:
        if not torch.equal(component(tokens), component(with_junk(tokens, ~tokens.valid, junk))):
            raise broken(f"{junk} in tokens that are not valid changes the embedding.")


def _rows(subject: Subject) -> None:
    component = subject.fresh()
    row_by_row(subject.kit, component, subject.kit.example(component), row_of, ROWS)
