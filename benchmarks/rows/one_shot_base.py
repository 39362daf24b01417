"""What a row of a protocol of episodes gives, and where clips come from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sslts import registry
from sslts.data.store_build import Source, build_store
from sslts.errors import LeakageError
from sslts.evaluate.one_shot import ClassFold, OneShotProtocol
from sslts.interfaces import FewShotHead
from sslts.training.finetune import Clips
from sslts.training.recipe import Recipe, load_recipe
from sslts.training.run import find_recipe
from sslts.training.store_source import StoreSource, label_names
from sslts.types import SensorBatch, Views

#: Protocol -> the recipe whose model is judged; its spec says how clips are cut for peers as well.
RECIPES = {"utd-one-shot": "mu-mae-utd-mhad", "mmact-one-shot": "mu-mae-paper-small"}
#: Raise it when code changes what a row computes.
VERSION = 1
BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One input's embeddings of all clips [N, E], what they show and whom; queries: embeddings of the clips as queries, if they differ."""

    embeddings: NDArray[np.float32]
    labels: tuple[str, ...]
    subjects: tuple[str, ...]
    head: FewShotHead
    queries: NDArray[np.float32] | None = None
    selected: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OneShotRow:
    """A row: how all clips of a fold are embedded, from each input.

    against: the row that a trial's differences are taken from, if not the protocol's own.
    """

    name: str
    title: str
    kind: str = "peer"
    exploratory: bool = False
    folds: tuple[int, ...] | None = None
    pretraining_labels: str = "base classes"
    against: str | None = None

    @abstractmethod
    def config(self, protocol: OneShotProtocol) -> dict[str, Any]:
        """Everything that decides the figures."""

    @abstractmethod
    def judged(self, protocol: OneShotProtocol, fold: int, *, data: Path, work: Path) -> dict[str, Judged]:
        """{input: embeddings of all clips}."""


def recipe_of(protocol: OneShotProtocol) -> Recipe:
    """The protocol's recipe as it is."""
    return load_recipe(find_recipe(RECIPES[protocol.id]))


def clips_source(protocol: OneShotProtocol, recipe: Recipe, data: Path, work: Path) -> tuple[StoreSource, list[str]]:
    """All clips of the data set at the recipe's sizes, and what class numbers stand for."""
    reader = registry.get("reader", protocol.reader).create(**recipe.data.options)
    skip = recipe.data.broken == "skip"
    built = build_store(store_of(protocol, work), Source(reader, data / protocol.folder), recipe.spec, skip_broken=skip)
    names = label_names(built)
    return StoreSource(built, None, None, label_names=names), names


def sides(views: Views, labels: Sequence[str], subjects: Sequence[str], fold: ClassFold) -> tuple[Clips, Clips]:
    """Clips of base classes, which teach, and of validation classes, which select; novel ones are on neither side (LeakageError)."""
    found = []
    for wanted in (fold.base, fold.validation):
        rows = [row for row, label in enumerate(labels) if label in wanted]
        found.append(Clips(views.select(torch.tensor(rows)), tuple(labels[row] for row in rows), tuple(subjects[row] for row in rows)))
    base, validation = found
    if (set(base.labels) | set(validation.labels)) & set(fold.novel):
        raise LeakageError("A novel class is among those that teach or select.")
    return base, validation


def batches(source: StoreSource) -> Iterator[tuple[list[int], SensorBatch]]:
    """All clips in order: which rows, and what they hold."""
    for first in range(0, len(source), BATCH):
        rows = list(range(first, min(first + BATCH, len(source))))
        yield rows, source.batch(rows, generator=torch.Generator())


def store_of(protocol: OneShotProtocol, work: Path) -> Path:
    """Where the clips of a protocol are kept."""
    return work / "cache" / f"{protocol.id}-clips"
