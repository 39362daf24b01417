"""A tiny method, source and recipe for the training tests, and a script that trains them (`python tiny_run.py OUT`).

The method has everything that makes resuming hard: dropout, batch statistics, a moving average, prepared statistics and random masks.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sslts.config import ModelConfig, parse
from sslts.ema import MovingAverage
from sslts.errors import TrainingInterrupted
from sslts.interfaces import Method
from sslts.ops import filled
from sslts.training.checkpoint import Disk
from sslts.training.loop import Event, TrainingResult, train
from sslts.training.recipe import Recipe
from sslts.training.seeding import seeded
from sslts.types import LossParts, RateClock, SensorBatch, Signal

SPEC: dict[str, Any] = {
    "window_s": 2,
    "stride_s": 1,
    "modalities": [
        {"name": "acc", "rate_hz": 4, "channels": [{"name": "x", "kind": "accelerometer", "unit": "g"}]},
        {"name": "eda", "rate_hz": 2, "channels": [{"name": "eda", "kind": "electrodermal-activity", "unit": "uS"}]},
    ],
}


def recipe(**changes: Any) -> Recipe:
    """Three epochs of four steps of 5 or 6 windows, saved every other step."""
    base: dict[str, Any] = {
        "name": "tiny",
        "seed": 3,
        "data": {"reader": "synthetic"},
        "spec": SPEC,
        "method": {"name": "tiny"},
        "optimiser": {"lr": 0.01, "warm_up_epochs": 1, "grad_clip": 5.0},
        "batch_size": 6,
        "epochs": 3,
        "checkpoint_every": 2,
        "log_every": 1,
        "monitor": {"every": 1, "windows": 16, "knn_k": 3},
    }
    checked: Recipe = parse(Recipe, base | changes, "tiny")
    return checked


class TinySource:
    """22 windows in memory; labels are the sign of their mean. Some windows lack a modality."""

    def __init__(self, count: int = 22, *, seed: int = 0) -> None:
        draw = torch.Generator().manual_seed(seed)
        self.acc = torch.randn(count, 1, 8, generator=draw)
        self.eda = torch.randn(count, 1, 4, generator=draw)
        self.present = torch.arange(count) % 5 != 0
        self.asked: list[tuple[int, ...]] = []

    def __len__(self) -> int:
        return len(self.acc)

    def batch(self, indices: Sequence[int], *, generator: torch.Generator) -> SensorBatch:
        self.asked.append(tuple(indices))
        rows = list(indices)
        spec = recipe().spec
        jitter = 0.01 * torch.randn(len(rows), 1, 8, generator=generator)
        parts = {"acc": (self.acc[rows] + jitter, torch.ones(len(rows), dtype=torch.bool)), "eda": (self.eda[rows], self.present[rows])}
        return SensorBatch(
            {
                name: Signal(
                    values, spec.modality(name).channels, RateClock(spec.modality(name).rate_hz), present, torch.ones_like(values).bool()
                )
                for name, (values, present) in parts.items()
            }
        )

    def ids(self, indices: Sequence[int]) -> Sequence[str]:
        return [f"P1/{index}" for index in indices]


class LabelledTinySource(TinySource):
    """The same, with labels."""

    def labels(self, indices: Sequence[int]) -> Sequence[int]:
        return (self.acc[list(indices), 0].mean(1) > 0).long().tolist()


class TinyMethod(Method):
    """Predict one modality's average embedding from a masked and dropped-out view of all."""

    embed_dim = 6
    centre: Tensor

    def __init__(self) -> None:
        super().__init__(self.Config())
        self.encoder = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.2), nn.Linear(8, 6))
        self.predictor = nn.Linear(6, 6)
        self.target = MovingAverage(self.encoder)
        self.register_buffer("centre", torch.zeros(12))

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        return cls()

    @classmethod
    def example(cls) -> Self:
        return cls()

    def flat(self, batch: SensorBatch) -> Tensor:
        return torch.cat([filled(signal).flatten(1) for signal in batch.signals.values()], dim=1) - self.centre

    def prepare(self, batch: SensorBatch) -> None:
        self.centre.copy_(torch.cat([filled(signal).flatten(1) for signal in batch.signals.values()], dim=1).mean(0))

    def embed(self, batch: SensorBatch) -> Tensor:
        out: Tensor = self.encoder(self.flat(batch))
        return out

    def training_loss(self, batch: SensorBatch, *, generator: torch.Generator) -> LossParts:
        flat = self.flat(batch)
        seen = torch.rand(flat.shape, generator=generator).to(flat.device) < 0.8
        guess = self.predictor(self.encoder(flat * seen))
        goal = self.target(flat).detach()  # type: ignore[attr-defined]
        return LossParts.of(distance=(guess - goal).square().mean(), spread=(1 - guess.std(0)).relu().mean())

    def after_step(self, step: int, total: int) -> None:
        self.target.update(self.encoder, 0.9)


def method(seed: int = 0) -> TinyMethod:
    """The same initial weights every time."""
    with seeded(seed):
        return TinyMethod()


def run(out: Path, **options: Any) -> tuple[TinyMethod, TrainingResult]:
    """Train a fresh tiny method."""
    fresh = method()
    given = {"windows": TinySource(), "recipe": recipe(), "progress": False, "device": "cpu"} | options
    return fresh, train(fresh, given.pop("windows"), given.pop("recipe"), out=out, **given)


class TellingDisk(Disk):
    """Tells when a save is about to rename something, and dwells there."""

    def __init__(self, tell: Callable[[str], None], pause_s: float) -> None:
        self.tell, self.pause_s = tell, pause_s

    def rename(self, old: Path, new: Path) -> None:
        self.tell(f"saving {new.name}")
        time.sleep(self.pause_s)
        super().rename(old, new)


def train_and_tell(out: Path, tell: Callable[[str], None], *, pause_s: float, weights: Path | None = None) -> int:
    """Train in this process, telling each step and save and dwelling in it. 3: interrupted by a signal."""
    torch.set_num_threads(1)
    source = TinySource()

    def note(event: Event) -> None:
        if event.kind == "step":
            tell(f"step {event.step}")
            time.sleep(pause_s)

    try:
        trained, _ = run(out, windows=source, on_event=note, disk=TellingDisk(tell, pause_s))
    except TrainingInterrupted as error:
        tell(f"interrupted: {error}")
        return 3
    if weights is not None:
        rank = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
        seen = torch.tensor([index for batch in source.asked for index in batch])
        tensors = {name: value.clone() for name, value in trained.state_dict().items()}
        save_file(tensors | {"seen": seen}, f"{weights}.{rank}")
    return 0


def child(out: Path, connection: Connection, pause_s: float) -> None:
    """The body of a process that the tests kill."""
    sys.exit(train_and_tell(out, connection.send, pause_s=pause_s))


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("out", type=Path)
    options.add_argument("--pause", type=float, default=0.0)
    options.add_argument("--weights", type=Path)
    given = options.parse_args()

    def tell(message: str) -> None:
        sys.stdout.write(f"{message}\n")
        sys.stdout.flush()

    code = train_and_tell(given.out, tell, pause_s=given.pause, weights=given.weights)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return code


if __name__ == "__main__":
    sys.exit(main())
