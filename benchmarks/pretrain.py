"""Pretrainings for the benchmark: one a group, on the group's training subjects only; and the same network supervised from scratch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.grid import Grid
from sslts.config import SensorSpec, parse
from sslts.data.collate import to_batch
from sslts.data.normalise import standardise_windows
from sslts.data.windows import Cut
from sslts.errors import LeakageError
from sslts.heads.linear import ClassifierMLP
from sslts.interfaces import Method
from sslts.model import Model, from_folder
from sslts.training.fronted import FrontedSource
from sslts.training.recipe import Recipe, load_recipe
from sslts.training.run import run_recipe
from sslts.training.seeding import generator_for, seeded
from sslts.training.source import WindowSource
from sslts.types import SensorBatch

_BATCH = 256


@dataclass(frozen=True)
class Cuts:
    """Cut windows as a source, so that their front end is computed once and kept like that of training windows."""

    cuts: Mapping[str, Cut]
    model: Model

    def __len__(self) -> int:
        return len(next(iter(self.cuts.values())).present)

    def batch(self, indices: Sequence[int], *, generator: torch.Generator) -> SensorBatch:
        """These windows, standardised as the model says."""
        rows = np.asarray(indices, dtype=np.int64)
        part = {name: Cut(*(array[rows] for array in cut)) for name, cut in self.cuts.items()}
        preprocessing = self.model.config.preprocessing
        if preprocessing.statistics:
            part = standardise_windows(part, preprocessing.statistics, preprocessing.clip)
        return to_batch(part, self.model.config.spec)

    def ids(self, indices: Sequence[int]) -> Sequence[str]:
        """The window's number and its first values: another grid has other names."""
        return [f"{index}:{[float(cut.values[index].sum()) for cut in self.cuts.values()]}" for index in indices]


class FrozenModel:
    """A model of one group: says what it reads and whom it has seen."""

    def __init__(self, model: Model, cache: Path) -> None:
        self.model, self.cache = model, cache
        self.spec: SensorSpec = model.config.spec
        self.subjects: tuple[str, ...] = model.config.provenance.subjects

    def __call__(self, cuts: Mapping[str, Cut], present: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Windows cut for `spec`, of which the modalities in bool [n, M] are present -> [n, E]."""
        source = described(Cuts(cuts, self.model), self.model.method, self.cache)
        there = torch.from_numpy(np.ascontiguousarray(present))
        parts = []
        for first in range(0, len(there), _BATCH):
            rows = range(first, min(first + _BATCH, len(there)))
            shown = source.batch(rows, generator=torch.Generator()).with_present(there[first : first + _BATCH])
            parts.append(self.model.embed(shown).numpy())
        return np.concatenate(parts)


def described(cuts: Cuts, method: Method, cache: Path) -> WindowSource:
    """The windows as the method reads them: described once and kept where it has a fixed front end, as they are where it has none."""
    return FrontedSource(cuts, method, cache=cache) if method.has_front() else cuts


def pretrain(
    recipe: Path,
    *,
    train_subjects: Sequence[str],
    data: Path,
    out: Path,
    overrides: Mapping[str, Any],
    trained: bool = True,
    seed: int = 0,
) -> FrozenModel:
    """The artefact in `out`, made by the recipe if it is not there yet. An interrupted training goes on."""
    cache = out.parents[2] / "cache"
    folder = out / "artefact"
    if not (folder / "config.json").exists():
        made = overridden(load_recipe(recipe), {**overrides, "seed": seed})
        run_recipe(
            made, root=data, out=out, store=cache / f"windows-{_key(made)}", cache=cache, subjects=train_subjects, train_weights=trained
        )
    model = from_folder(folder)
    if set(model.config.provenance.subjects) != set(train_subjects):
        raise LeakageError(f"{folder} was trained on {', '.join(model.config.provenance.subjects)}, expected {', '.join(train_subjects)}.")
    return FrozenModel(model, cache)


def train_supervised(
    recipe: Path,
    *,
    grid: Grid,
    rows: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: int,
    train_subjects: Sequence[str],
    data: Path,
    out: Path,
    pretrained: bool = False,
    epochs: int = 40,
    batch_size: int = 64,
    seed: int = 0,
) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """Encoders, aggregator and the released code's classifier head on the labelled rows of the grid, from random or pretrained weights.

    The label-free front end is fitted on the group's training subjects. Returns a function from rows of the grid to predicted classes.
    """
    settings = load_recipe(recipe).optimiser
    frozen = pretrain(recipe, train_subjects=train_subjects, data=data, out=out, overrides={}, trained=pretrained, seed=seed)
    method = frozen.model.method
    cuts = Cuts(grid.cut(frozen.spec), frozen.model)
    whole = described(cuts, method, frozen.cache).batch(range(len(cuts)), generator=torch.Generator())
    with seeded(seed):
        head = ClassifierMLP(method.embed_dim, classes)
        network = torch.nn.ModuleList([method, head]).train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
        counts = np.bincount(labels, minlength=classes)
        balance = torch.from_numpy(len(labels) / (classes * np.maximum(counts, 1))).float()
        target, where = torch.from_numpy(labels), torch.from_numpy(rows)
        for epoch in range(epochs):
            order = torch.randperm(len(rows), generator=generator_for(seed, "supervised", epoch))
            for part in order.split(batch_size):
                if len(part) < 2:
                    continue
                scores = head(method.embed(whole.select(where[part])))
                loss = torch.nn.functional.cross_entropy(scores, target[part], weight=balance)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
    network.eval()

    @torch.inference_mode()
    def predict(wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        return head(method.embed(whole.select(torch.from_numpy(wanted)))).argmax(1).numpy()

    return predict


def overridden(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe with some dotted keys replaced. Roles hold dots themselves ("components.encoders.acc.name"): longest match first.

    A component that becomes None is left out.
    """
    told = recipe.model_dump(mode="json")
    for path, value in changes.items():
        _set(told, path, value)
    told["components"] = {role: component for role, component in told["components"].items() if component is not None}
    made: Recipe = parse(Recipe, told, f"{recipe.name} with overrides")
    return made


def _set(place: dict[str, Any], path: str, value: Any) -> None:
    for key in sorted((key for key in place if path.startswith(f"{key}.")), key=len, reverse=True):
        _set(place[key], path.removeprefix(f"{key}."), value)
        return
    place[path] = value


def _key(recipe: Recipe) -> str:
    """Runs that cut the same windows share a store."""
    told = recipe.spec.model_dump_json() + str(recipe.data.stride_s) + recipe.data.reader
    return hashlib.sha256(told.encode()).hexdigest()[:12]
