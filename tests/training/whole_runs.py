"""Helpers of the tests of the training loop: stopping a run, and comparing what two runs left."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from torch import nn

from sslts.training.loop import Event

TOTAL = 12  # 3 epochs of 4 steps


class Stopped(Exception):
    pass


def stop_at(step: int, error: type[Exception] = Stopped):
    def tell(event: Event) -> None:
        if event.kind == "step" and event.step == step:
            raise error

    return tell


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: nn.Module, other: nn.Module) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open() as file:
        return list(csv.DictReader(file))
