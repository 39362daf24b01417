"""Measure what hiding saves in pretraining, and how long ten thousand episodes take.

    python -m benchmarks.speed_clips                 print, and write benchmarks/results/speed-clips.json

A step (loss and gradients) of the published recipe's model on made-up clips, with 0.9 hidden and with nothing hidden, by turns in
one run. Hidden tokens never enter the encoder, so the ratio shows it; the decoder sees them either way.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.pretrain import overridden
from benchmarks.results import ROOT, today, versions, write_json
from benchmarks.speed import best, machine, timed
from sslts.config import Preprocessing
from sslts.evaluate.episodes import accuracies, draw_episodes
from sslts.heads.prototypes import PrototypeHead
from sslts.methods.mu_mae import MuMAE
from sslts.training.recipe import load_recipe
from sslts.training.run import find_recipe, initialise
from sslts.types import ClipClock, SensorBatch, Signal

RECIPE, CLIPS, HIDDEN = "mu-mae-utd-mhad", 32, 0.9
EPISODES, WAYS, SHOTS, PEOPLE, CLASSES, OF_EACH, WIDTH = 10_000, 5, 1, 8, 9, 32, 960


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; exit code 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of which the best counts")
    parser.add_argument("--out", type=Path, default=ROOT / "speed-clips.json")
    given = parser.parse_args(arguments)
    found: dict[str, Any] = {"date": today(), "recipe": RECIPE, "machine": machine(), "versions": versions()}
    found["threads"] = torch.get_num_threads()
    found["step"] = step(rounds=given.rounds)
    found["episodes"] = episodes(rounds=min(given.rounds, 3))
    for name in ("step", "episodes"):
        print(f"{name}:", *(f"\n  {key}: {value}" for key, value in found[name].items()))
    write_json(given.out, found)
    return 0


def step(*, rounds: int) -> dict[str, Any]:
    """Seconds of a step and of its encoder alone, with 0.9 hidden and with nothing hidden."""
    told = {}
    for ratio in (HIDDEN, 0.0):
        method, batch = _method(ratio), _clips()

        def whole(method: MuMAE = method, batch: SensorBatch = batch) -> None:
            method.zero_grad()
            method.training_loss(batch, generator=torch.Generator().manual_seed(0)).total.backward()

        def encoder(method: MuMAE = method, batch: SensorBatch = batch) -> None:
            patches = method.tokenise(batch)
            plans = method.plans(patches, generator=torch.Generator().manual_seed(0))
            with torch.no_grad():
                method.encode(patches, {name: plan.visible[0] for name, plan in plans.items()})

        whole()
        told[ratio] = {"step_s": best(lambda run=whole: timed(run), rounds), "encoder_s": best(lambda run=encoder: timed(run), rounds)}
    return {
        "clips": CLIPS,
        "tokens": sum(np.prod(encoder.grid) for encoder in _method(HIDDEN)._encoders().values()).item(),
        "hidden": HIDDEN,
        "with_hiding": told[HIDDEN],
        "without": told[0.0],
        "step_ratio": told[0.0]["step_s"] / told[HIDDEN]["step_s"],
        "encoder_ratio": told[0.0]["encoder_s"] / told[HIDDEN]["encoder_s"],
        "clips_per_s": CLIPS / told[HIDDEN]["step_s"],
    }


def episodes(*, rounds: int) -> dict[str, Any]:
    """Seconds to draw and to judge ten thousand episodes of 5 classes, once embeddings exist."""
    classes = np.repeat(np.arange(CLASSES), OF_EACH)
    people = [f"s{index % PEOPLE}" for index in range(len(classes))]
    embeddings = torch.randn(len(classes), WIDTH, generator=torch.Generator().manual_seed(0))
    head = PrototypeHead.create(distance="cosine")

    def run() -> None:
        drawn = draw_episodes(classes, people, among=range(CLASSES), ways=WAYS, shots=SHOTS, count=EPISODES, seed=0)
        accuracies(head, embeddings, drawn)

    return {"episodes": EPISODES, "ways": WAYS, "shots": SHOTS, "width": WIDTH, "seconds": best(lambda: timed(run), rounds)}


def _method(ratio: float) -> MuMAE:
    """The recipe's model for pretraining alone."""
    recipe = overridden(
        load_recipe(find_recipe(RECIPE)),
        {
            "components.maskers.video": {"name": "tube", "options": {"ratio": ratio}},
            "components.maskers.sensors": {"name": "synchronised", "options": {"ratio": ratio}},
        },
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        method = initialise(recipe, Preprocessing())
    if not isinstance(method, MuMAE):
        raise TypeError(f"{RECIPE} is no Mu-MAE.")
    return method.train()


def _clips() -> SensorBatch:
    """Noise in the shapes of the recipe's spec."""
    spec, signals = load_recipe(find_recipe(RECIPE)).spec, {}
    for index, modality in enumerate(spec.named):
        size = (CLIPS, len(modality.channels), spec.samples(modality), *(modality.frame or ()))
        values = torch.randn(size, generator=torch.Generator().manual_seed(index))
        seen = torch.ones((CLIPS, 1, size[2]) if modality.frame else size, dtype=torch.bool)
        signals[modality.name] = Signal(values, modality.channels, ClipClock(), torch.ones(CLIPS, dtype=torch.bool), seen)
    return SensorBatch(signals)


if __name__ == "__main__":
    sys.exit(main())
