"""What maskers promise: TOKENS -> MaskPlan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sslts.interfaces import Masker
from sslts.testing.case import broken
from sslts.testing.kit import ROWS, Kit, Promise, Subject
from sslts.testing.tokens import JUNK, some_tokens
from sslts.types import MaskPlan, Tokens


class MaskerKit(Kit):
    """Fed with two films of eight steps and four places; with one token a modality where a masker hides whole modalities."""

    base = Masker

    def example(self, component: Any, rows: int = ROWS) -> Tokens:
        whole = component.level == "modality"
        return some_tokens(4, rows=rows, modalities=4, steps=1) if whole else some_tokens(4, rows=rows, steps=8, side=2)

    def run(self, component: Any, given: Tokens) -> Tensor:
        return _numbers(_plan(component, given))[None]

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("plan-shapes", "a plan is bool [V, B, N] and [K, B, N]", _shapes),
            Promise("generator", "the generator alone decides, and the same one gives the same plan", _generator),
            Promise("partition", "hidden and visible are valid and apart", _partition),
            Promise("something-visible", "something stays visible wherever anything is valid", _visible),
            Promise("something-hidden", "something is hidden now and then, in every view and row", _hidden),
            Promise("varied", "other generators give other plans", _varied, lambda subject: subject.cls.stochastic),
            Promise("places-only", "what tokens hold decides nothing", _places_only),
        )


def _plan(component: Any, tokens: Tokens, seed: int = 0) -> MaskPlan:
    plan: MaskPlan = component.plan(tokens, generator=torch.Generator().manual_seed(seed))
    return plan


def _numbers(plan: MaskPlan) -> Tensor:
    return torch.cat([part.float().flatten() for part in (plan.visible, plan.targets, plan.features) if part is not None])


def _shapes(subject: Subject) -> None:
    component = subject.fresh()
    tokens = subject.kit.example(component)
    plan = _plan(component, tokens)
    for name, part in (("visible", plan.visible), ("targets", plan.targets)):
        if part.dtype != torch.bool or part.dim() != 3 or part.shape[1:] != tokens.valid.shape:
            raise broken(f"{name} is {part.dtype} {tuple(part.shape)}, expected bool [any, {ROWS}, {tokens.valid.shape[1]}].")
    if len(plan.visible) < 1:
        raise broken("a plan needs one view at least.")
    if plan.features is not None and plan.features.shape != (*plan.visible.shape, tokens.values.shape[2]):
        raise broken(f"features is {tuple(plan.features.shape)}, expected one entry for each number of each view's tokens.")


def _generator(subject: Subject) -> None:
    component = subject.fresh()
    tokens, before = subject.kit.example(component), torch.get_rng_state()
    first, second = _plan(component, tokens, 3), _plan(component, tokens, 3)
    if not torch.equal(torch.get_rng_state(), before):
        raise broken("it draws from torch's global generator. Pass generator= to every random function.")
    if not (torch.equal(first.visible, second.visible) and torch.equal(first.targets, second.targets)):
        raise broken("the same generator gives two plans.")


def _plans(subject: Subject) -> list[tuple[Tokens, MaskPlan]]:
    component = subject.fresh()
    tokens = subject.kit.example(component)
    return [(tokens, _plan(component, tokens, seed)) for seed in range(20)]


def _partition(subject: Subject) -> None:
    for tokens, plan in _plans(subject):
        if bool((plan.visible & ~tokens.valid).any()) or bool((plan.targets & ~tokens.valid).any()):
            raise broken("tokens that are not valid are visible or targets.")
        if bool((plan.visible.any(0) & plan.targets.any(0)).any()) and len(plan.targets):
            raise broken("a target is visible: its loss could be had by copying.")


def _visible(subject: Subject) -> None:
    component = subject.fresh()
    tokens = subject.kit.example(component)
    sparse = tokens.keep(tokens.valid & (tokens.valid.cumsum(1) <= 1))  # one valid token a row: nothing can be hidden but all
    for given in (tokens, sparse):
        for seed in range(20):
            plan = _plan(component, given, seed)
            if bool((given.valid.any(1) & ~plan.visible.any(2)).any()):
                raise broken("a row that has valid tokens keeps none of them.")


def _hidden(subject: Subject) -> None:
    plans = _plans(subject)
    if any(plan.features is not None for _, plan in plans):
        return  # it hides numbers of tokens, not tokens
    hides = torch.stack([(tokens.valid & ~plan.visible).any(2) for tokens, plan in plans])
    if not bool(hides.any()):
        raise broken("twenty plans hide nothing at all.")
    # Where hardly anything is there, there may be nothing to hide.
    rich = plans[0][0].valid.sum(1) > plans[0][0].valid.shape[1] // 2
    for what, ever in (("view", hides.any(2).any(0)), ("row", hides.any(1).any(0) | ~rich)):
        if not bool(ever.all()):
            raise broken(f"in twenty plans, {what} {int((~ever).nonzero()[0])} never has anything hidden.")


def _varied(subject: Subject) -> None:
    component = subject.fresh()
    tokens = subject.kit.example(component)
    drawn = [_numbers(_plan(component, tokens, seed)) for seed in range(20)]
    if all(torch.equal(numbers, drawn[0]) for numbers in drawn[1:]):
        raise broken("twenty generators give one and the same plan: training would see the same places for ever. Draw from generator.")


def _places_only(subject: Subject) -> None:
    component = subject.fresh()
    tokens = subject.kit.example(component)
    for junk in JUNK:
        one, other = _plan(component, tokens), _plan(component, replace(tokens, values=torch.full_like(tokens.values, junk)))
        if not torch.equal(one.visible, other.visible) or not torch.equal(one.targets, other.targets):
            raise broken("the plan changes with the values of the tokens.")
