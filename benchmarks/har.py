"""Sensor-text JEPA for the activity benchmarks: one pretraining a group, and its embeddings of a grid's windows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.grid import Grid
from benchmarks.pretrain import overridden
from sslts.config import SensorSpec
from sslts.data.windows import Cut
from sslts.errors import LeakageError
from sslts.evaluate.protocol import Protocol
from sslts.evaluate.recordings import reader_of
from sslts.interfaces import TextMethod
from sslts.model import Model, from_folder
from sslts.training.datasets import streams_of
from sslts.training.recipe import Recipe, load_recipe
from sslts.training.run import find_recipe, run_recipe
from sslts.types import RateClock, SensorBatch, Signal

#: The recipe that rows share unless they name another; each overrides what it changes.
RECIPE = "sensor-text-jepa-har"
_BATCH = 128


def recipe_of(overrides: Mapping[str, Any], *, seed: int = 0, recipe: str = RECIPE) -> Recipe:
    """A recipe with some dotted keys replaced. Nobody is held out for a temperature: no benchmark reads it."""
    return overridden(load_recipe(find_recipe(recipe)), {"monitor.validation_subjects": [], **overrides, "seed": seed})


def trained(
    overrides: Mapping[str, Any],
    *,
    data: Path,
    out: Path,
    store: Path,
    unseen: Collection[str] = (),
    labelled: Collection[str] | None = None,
    train_weights: bool = True,
    seed: int = 0,
    recipe: str = RECIPE,
) -> Model:
    """The model in `out`, trained if it is not there yet; an interrupted training goes on.

    unseen: "set:subject" of whom nothing may be read.

    Raises:
        LeakageError: the model in `out` has seen one of them.
    """
    folder = out / "artefact"
    if not (folder / "config.json").exists():
        made = recipe_of(overrides, seed=seed, recipe=recipe)
        sets = {name: [who.partition(":")[2] for who in unseen if who.startswith(f"{name}:")] for name in made.sets}
        parts = [part.model_copy(update={"exclude": (*part.exclude, *sets[name])}) for name, part in made.sets.items()]
        made = Recipe.model_validate(made.model_copy(update={"data": parts[0], "more": tuple(parts[1:])}).model_dump())
        run_recipe(made, root=data, out=out, store=store, labelled=labelled, train_weights=train_weights)
    model = from_folder(folder)
    both = sorted(set(unseen) & set(model.config.provenance.subjects))
    if both:
        raise LeakageError(f"{folder} was trained on {', '.join(both)}.")
    return model


def embeddings(
    model: Model, grid: Grid, protocol: Protocol, *, sensors: Sequence[str] = (), rows: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """[n, E] of the grid's windows (or some rows of them), from these sensors (all if none are named)."""
    spec = streams_of(reader_of(protocol), protocol.reader, model.config.spec)
    chosen = [modality for modality in spec.named if not sensors or modality.name in sensors]
    narrowed = SensorSpec(modalities=tuple(chosen), window_s=spec.window_s, stride_s=spec.stride_s)
    cuts = grid.cut(narrowed)
    parts = []
    wanted = np.arange(len(grid)) if rows is None else rows
    for first in range(0, len(wanted), _BATCH):
        some = wanted[first : first + _BATCH]
        signals = {m.name: _signal(cuts[m.name], some, m.channels, m.rate_hz) for m in chosen}
        parts.append(model.embed(SensorBatch(signals)).numpy())
    return np.concatenate(parts)


def in_text_space(model: Model, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part of embeddings that compares with words."""
    return _text(model).in_text_space(torch.from_numpy(values)).numpy()


def in_sensor_space(model: Model, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part of embeddings that compares with other sensors."""
    return _text(model).in_sensor_space(torch.from_numpy(values)).numpy()


def embed_text(model: Model, texts: Sequence[str]) -> NDArray[np.float32]:
    """[k, E] of words."""
    with torch.inference_mode():
        return _text(model).embed_text(texts).numpy()


def _text(model: Model) -> TextMethod:
    if not isinstance(model.method, TextMethod):
        raise TypeError(f"{model.name} does not know text.")
    return model.method


def _signal(cut: Cut, rows: NDArray[np.int64], channels: Any, rate_hz: float) -> Signal:
    values, observed, present = (torch.from_numpy(np.ascontiguousarray(array[rows])) for array in (cut.values, cut.observed, cut.present))
    return Signal(values, channels, RateClock(rate_hz), present, observed)
