"""What objectives promise: TWO TENSORS -> LossParts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sslts.interfaces import Objective
from sslts.testing.case import broken
from sslts.testing.kit import Kit, Promise, Subject, noise
from sslts.types import LossParts

_SHAPES = {"embeddings": (12, 8), "tokens": (6, 5, 8), "modalities": (12, 3, 8)}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tensors to compare and what counts of them."""

    predicted: Tensor
    target: Tensor
    weight: Tensor | None = None


class ObjectiveKit(Kit):
    """Fed with tensors of the shape that `compares` names; each target has mean 0 and variance 1 over its last axis."""

    base = Objective

    def example(self, component: Any, rows: int = 0) -> Pair:
        shape = _SHAPES[component.compares]
        target = noise(*shape, seed=1)
        target = (target - target.mean(-1, keepdim=True)) / target.std(-1, keepdim=True)
        return Pair(target + 0.3 * noise(*shape), target)

    def run(self, component: Any, given: Pair) -> Tensor:
        loss: LossParts = component(given.predicted, given.target, given.weight)
        return torch.stack([loss.total, *loss.parts.values()])[None]

    def trains(self, component: Any, given: Pair) -> Tensor:
        total: Tensor = component(given.predicted, given.target, given.weight).total
        return total

    def cast(self, given: Pair, dtype: torch.dtype) -> Pair:
        return Pair(given.predicted.to(dtype), given.target.to(dtype), given.weight)

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("scalar", "a finite scalar with named, detached parts", _scalar),
            Promise("minimum", "what belongs together costs no more than what does not", _minimum),
            Promise("descent", "following its gradient lowers it", _descent),
            Promise("weight-one", "weights of 1 change nothing", _weight_one),
            Promise("weight-zero", "what has weight 0 is not read, in value and gradient", _weight_zero),
        )


def _scalar(subject: Subject) -> None:
    component = subject.fresh()
    given: Pair = subject.kit.example(component)
    loss = component(given.predicted.clone().requires_grad_(), given.target)
    if not isinstance(loss, LossParts) or loss.total.dim() != 0 or not bool(loss.total.isfinite()):
        raise broken(f"it returns {loss!r}, expected LossParts with a finite scalar total. Build it with LossParts.of(name=term).")
    attached = [name for name, part in loss.parts.items() if part.requires_grad]
    if attached or not loss.parts:
        raise broken(f"parts {', '.join(attached) or '(none given)'}: each term is named and detached, for the log.")


@torch.no_grad()
def _minimum(subject: Subject) -> None:
    component = subject.fresh()
    given: Pair = subject.kit.example(component)
    if component.compares == "modalities":
        agreeing = given.target[:, :1].expand_as(given.target)
        torn = torch.cat([agreeing[:, :1].roll(1, 0), agreeing[:, 1:]], dim=1)
        together, apart = (component(each, each).total for each in (agreeing, torn))
    else:
        together, apart = (component(each, given.target).total for each in (given.target.clone(), given.target.roll(1, 0)))
    if not together <= apart + 1e-5:
        raise broken(f"what belongs together costs {float(together):.4g}, that of another row {float(apart):.4g}. Is a sign wrong?")


def _descent(subject: Subject) -> None:
    component = subject.fresh()
    given: Pair = subject.kit.example(component)
    made = given.predicted.clone().requires_grad_()
    first = component(made, given.target).total
    optimiser = torch.optim.Adam([made], lr=0.01)
    for _ in range(30):
        optimiser.zero_grad()
        component(made, given.target).total.backward()
        optimiser.step()
    last = component(made, given.target).total
    if not last < first:
        raise broken(f"thirty steps along its gradient bring it from {float(first):.4g} to {float(last):.4g}.")


def _weights(component: Any, given: Pair) -> Tensor:
    shape = given.predicted.shape
    return torch.ones(shape[:1] if component.compares == "embeddings" else shape[:2])


@torch.no_grad()
def _weight_one(subject: Subject) -> None:
    component = subject.fresh()
    given: Pair = subject.kit.example(component)
    plain = component(given.predicted, given.target).total
    for weight in (_weights(component, given), _weights(component, given).bool()):
        if not torch.allclose(plain, component(given.predicted, given.target, weight).total, rtol=1e-4, atol=1e-6):
            raise broken(f"weights that are all 1 ({weight.dtype}) change the loss.")


def _weight_zero(subject: Subject) -> None:
    component = subject.fresh()
    given: Pair = subject.kit.example(component)
    weight = _weights(component, given)
    weight[1] = 0
    losses = []
    for junk in (0.0, 1e9, float("nan")):
        predicted, target = given.predicted.clone(), given.target.clone()
        predicted[1], target[1] = junk, junk
        predicted.requires_grad_()
        loss = component(predicted, target, weight).total
        loss.backward()
        losses.append(loss.detach())
        if predicted.grad is None or bool(predicted.grad[1].ne(0).any()) or not bool(predicted.grad.isfinite().all()):
            raise broken(f"{junk} in a row of weight 0 reaches the gradient. Replace it by torch.where before computing.")
    if not torch.equal(losses[0], losses[1]) or not torch.equal(losses[0], losses[2]):
        raise broken("what stands in a row of weight 0 changes the loss.")
    whole = component(given.predicted, given.target).total
    if torch.equal(whole.detach(), losses[0]):
        raise broken("taking a row's weight away changes nothing: weights are not read.")
