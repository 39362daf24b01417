"""What methods promise: the recipes."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sslts.interfaces import Method, TextMethod
from sslts.testing.batches import in_dtype, soiled
from sslts.testing.case import broken
from sslts.testing.common import row_by_row, unsettle
from sslts.testing.kit import ROWS, Kit, Promise, Subject
from sslts.testing.tokens import JUNK
from sslts.types import LossParts, SensorBatch, Signal


class MethodKit(Kit):
    """Fed with the method's own `example_batch`."""

    base = Method

    def example(self, component: Any, rows: int = ROWS) -> SensorBatch:
        batch: SensorBatch = component.example_batch(rows)
        return batch

    def run(self, component: Any, given: SensorBatch) -> Tensor:
        made: Tensor = component.embed(given)
        return made

    def trains(self, component: Any, given: SensorBatch) -> Tensor:
        component.train()
        component.start_training()
        return _loss(component, given).total

    def cast(self, given: SensorBatch, dtype: torch.dtype) -> SensorBatch:
        return in_dtype(given, dtype)

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("shapes", "an embedding is [B, embed_dim]", _shapes),
            Promise("absent-is-zero", "a window with nothing present is 0", _absent),
            Promise("junk", "junk where nothing is to be read changes no output bit", _junk),
            Promise("rows", "a row does not depend on the other rows", _rows),
            Promise("missing-modality", "a modality may be missing", _missing, _reads_several),
            Promise("loss", "a training loss is finite, and its randomness is the generator's", _loss_is_drawn),
            Promise("training-step", "a few training steps lower the loss", _learns),
            Promise("words", "texts are unit vectors that compare with embeddings", _words, _knows_text),
            Promise("published-state", "after training the state has the names it had before", _state),
        )


def _loss(component: Any, batch: SensorBatch, seed: int = 0) -> LossParts:
    loss: LossParts = component.training_loss(batch, generator=torch.Generator().manual_seed(seed))
    return loss


@torch.no_grad()
def _shapes(subject: Subject) -> None:
    component = subject.fresh()
    made = component.embed(subject.kit.example(component))
    if tuple(made.shape) != (ROWS, component.embed_dim) or not bool(made.isfinite().all()):
        raise broken(f"embed returns {tuple(made.shape)}, expected finite ({ROWS}, {component.embed_dim}) (embed_dim).")


@torch.no_grad()
def _absent(subject: Subject) -> None:
    component = subject.fresh()
    batch = subject.kit.example(component)
    if bool(component.embed(batch.without(*batch.names)).ne(0).any()):
        raise broken("windows without any modality are not 0.")


@torch.no_grad()
def _junk(subject: Subject) -> None:
    component = subject.fresh()
    batch = subject.kit.example(component).without()
    absent = torch.ones(len(batch), len(batch.names), dtype=torch.bool)
    absent[0, -1] = absent[1, 0] = False
    batch = batch.with_present(absent)
    batch = replace(batch, signals={name: _with_a_gap(signal) for name, signal in batch.signals.items()})
    for junk in JUNK:
        if not torch.equal(component.embed(batch), component.embed(soiled(batch, junk))):
            raise broken(f"{junk} in an absent modality changes the embedding.")


def _with_a_gap(signal: Signal) -> Signal:
    observed = signal.observed.clone()
    observed[2, :, : observed.shape[2] // 4] = False
    return replace(signal, observed=observed)


def _knows_text(subject: Subject) -> bool:
    return issubclass(subject.cls, TextMethod)


@torch.no_grad()
def _words(subject: Subject) -> None:
    component = subject.fresh()
    told = component.embed_text(["walking", "a person is sitting"])
    windows = component.in_text_space(component.embed(subject.kit.example(component)))
    if told.shape != (2, windows.shape[1]) or not torch.allclose(told.norm(dim=1), torch.ones(2), atol=1e-4):
        raise broken(f"texts are {tuple(told.shape)}, windows in their space {tuple(windows.shape)}: expected unit vectors of one width.")
    lengths = windows.norm(dim=1)
    if not bool(((lengths - 1).abs().le(1e-4) | lengths.eq(0)).all()):
        raise broken("windows in the space of texts are of unit length, or 0 where nothing is present.")


def _rows(subject: Subject) -> None:
    component = subject.fresh()
    row_by_row(subject.kit, component, subject.kit.example(component), lambda batch, row: batch.select(slice(row, row + 1)), ROWS)


def _reads_several(subject: Subject) -> bool:
    return len(subject.kit.example(subject.fresh()).names) > 1


@torch.no_grad()
def _missing(subject: Subject) -> None:
    component = subject.fresh()
    batch = subject.kit.example(component)
    whole = component.embed(batch)
    for name in batch.names:
        made = component.embed(batch.without(name))
        if not bool(made.isfinite().all()):
            raise broken(f"without '{name}' the embedding is not finite.")
        if torch.equal(made, whole):
            raise broken(f"without '{name}' the embedding is the same: is that modality read at all?")


def _loss_is_drawn(subject: Subject) -> None:
    component = subject.fresh()
    component.train()
    component.start_training()
    batch, before = subject.kit.example(component), torch.get_rng_state()
    first, second = _loss(copy.deepcopy(component), batch, 1), _loss(copy.deepcopy(component), batch, 1)
    if not bool(first.total.isfinite()):
        raise broken(f"the loss of an ordinary batch is {float(first.total)}.")
    if not torch.equal(torch.get_rng_state(), before):
        raise broken("training_loss draws from torch's global generator. Pass generator= to every random function; no dropout.")
    if not torch.equal(first.total, second.total):
        raise broken("the same generator gives two losses.")


def _learns(subject: Subject) -> None:
    component = subject.fresh()
    batch = subject.kit.example(component, 16)
    component.prepare(batch)
    unsettle(component)
    component.train()
    component.start_training()
    optimiser = torch.optim.Adam([parameter for parameter in component.parameters() if parameter.requires_grad], lr=3e-3)
    losses = []
    for step in range(20):
        optimiser.zero_grad()
        loss = _loss(component, batch, step % 2).total
        loss.backward()
        optimiser.step()
        component.after_step(step, 20)
        losses.append(float(loss.detach()))
    if not sum(losses[-4:]) < sum(losses[:4]):
        raise broken(f"twenty steps on one batch bring the loss from {losses[0]:.4g} to {losses[-1]:.4g}.")


def _state(subject: Subject) -> None:
    component = subject.fresh()
    before = set(component.state_dict())
    component.start_training()
    _loss(component.train(), subject.kit.example(component)).total.backward()
    component.after_step(0, 1)
    component.finish_training()
    if set(component.state_dict()) != before:
        changed = sorted(set(component.state_dict()) ^ before)
        raise broken(f"training leaves {', '.join(changed[:3])} behind or takes it away. Undo start_training in finish_training.")
