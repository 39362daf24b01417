"""Rows of utd-one-shot: Mu-MAE and its variants, and peers that learn nothing but scales from base classes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.pretrain import overridden
from sslts import registry
from sslts.config import ComponentRef
from sslts.data.store_build import Source, build_store
from sslts.errors import LeakageError
from sslts.evaluate.one_shot import ClassFold, OneShotProtocol
from sslts.heads.prototypes import PrototypeHead
from sslts.interfaces import FewShotHead, FusedMethod, build
from sslts.methods.mu_mae import MuMAE
from sslts.model import Model, from_folder
from sslts.training import finetune
from sslts.training.recipe import FineTuning, Recipe, load_recipe
from sslts.training.run import find_recipe, run_recipe
from sslts.training.seeding import seeded
from sslts.training.store_source import Rows, StoreSource, label_names
from sslts.types import SensorBatch, Views

RECIPE = "mu-mae-utd-mhad"
#: Raise it when code changes what a row computes.
VERSION = 1
_BATCH = 64
_COSINE = ComponentRef(name="prototypes", options={"distance": "cosine"})

#: Heads that need a word more than their name.
_TITLES = {"label-propagation": "head: label-propagation (sees all queries)"}

#: What is missing at test, from a model that was fitted with everything.
MISSING = {"depth": ("depth",), "inertial": ("acc", "gyro"), "skeleton": ("skeleton",)}


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
    """A row: how all clips of a fold are embedded, from each input."""

    name: str
    title: str
    kind: str = "peer"
    exploratory: bool = False
    folds: tuple[int, ...] | None = None
    pretraining_labels: str = "base classes"

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Everything that decides the figures."""

    @abstractmethod
    def judged(self, protocol: OneShotProtocol, fold: int, *, data: Path, work: Path) -> dict[str, Judged]:
        """{input: embeddings of all clips}."""


def clips_source(protocol: OneShotProtocol, recipe: Recipe, data: Path, store: Path) -> tuple[StoreSource, list[str]]:
    """All clips of the data set at the recipe's sizes, and what class numbers stand for."""
    reader = registry.get("reader", protocol.reader).create(**recipe.data.options)
    built = build_store(store, Source(reader, data / protocol.folder), recipe.spec)
    names = label_names(built)
    return StoreSource(built, None, None, label_names=names), names


@dataclass(frozen=True)
class MuMAERow(OneShotRow):
    """The published recipe, pretrained on the fold's base classes and fine-tuned for each input.

    overrides: dotted keys of the recipe. fusion: instead of the recipe's; pretraining knows none of it, so that it is shared.
    """

    kind: str = "ours"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    trained: bool = True
    head: ComponentRef = _COSINE
    inputs: tuple[str, ...] | None = None
    fusion: ComponentRef | None = None

    def recipe(self, fold: ClassFold) -> Recipe:
        """The fold's recipe."""
        made = load_recipe(find_recipe(RECIPE))
        told = {"data.exclude_labels": [*fold.novel, *fold.validation], "finetune.validation_labels": list(fold.validation)}
        return overridden(made, {**told, **self.overrides})

    def config(self) -> dict[str, Any]:
        made = overridden(load_recipe(find_recipe(RECIPE)), self.overrides)
        tuning = None if made.finetune is None else made.finetune.model_dump(mode="json")
        return {
            "recipe": RECIPE,
            "recipe_digest": made.digest,
            "finetune": tuning,
            "trained": self.trained,
            "head": self.head.model_dump(mode="json"),
            "fusion": None if self.fusion is None else self.fusion.model_dump(mode="json"),
            "inputs": self.inputs,
            "version": VERSION,
        }

    def pretrained(self, protocol: OneShotProtocol, fold: int, *, data: Path, work: Path) -> Model:
        """Stage 1 of a fold. Rows that differ in stage 2 alone share it."""
        recipe = overridden(self.recipe(protocol.folds[fold]), {})
        key = f"{VERSION}-{recipe.digest[:12]}{'' if self.trained else '-random'}"
        out = work / protocol.id / f"fold{fold}-{key}"
        if not (out / "artefact" / "config.json").exists():
            run_recipe(recipe, root=data / protocol.folder, out=out, store=work / "cache" / "utd-clips", train_weights=self.trained)
        return from_folder(out / "artefact")

    def judged(self, protocol: OneShotProtocol, fold: int, *, data: Path, work: Path) -> dict[str, Judged]:
        recipe = self.recipe(protocol.folds[fold])
        source, names = clips_source(protocol, recipe, data, work / "cache" / "utd-clips")
        labels = tuple(names[label] for label in source.labels(range(len(source))))
        subjects = tuple(source.subjects())
        wanted = {name: parts for name, parts in protocol.inputs.items() if self.inputs is None or name in self.inputs}
        found: dict[str, Judged] = {}
        for name, parts in wanted.items():
            method, fitted = self._tuned(protocol, fold, source, labels, subjects, parts, data=data, work=work)
            embedded = _fused(method, _views(method, source, parts))
            head = fitted.head if self._trains_head() else build("head", self.head, "head", {"embed_dim": embedded.shape[1]})
            chosen = fitted.chosen
            told = {
                "step": fitted.kept,
                "validation": [[each.step, each.accuracy] for each in fitted.history],
                "weights": dict(zip(("joint", *recipe.spec.names), chosen.weights, strict=True)),
                "shrink": chosen.shrink,
                "turns": chosen.accuracy,
            }
            found[name] = Judged(embedded, labels, subjects, head, selected=told)
            if name == "all" and not self.exploratory:
                for missing, left_out in MISSING.items():
                    less = _fused(method, _views(method, source, [part for part in parts if part not in left_out]))
                    found[f"all, {missing} missing in queries"] = Judged(embedded, labels, subjects, head, queries=less)
                    found[f"all, {missing} missing"] = Judged(less, labels, subjects, head)
        return found

    def _tuned(
        self,
        protocol: OneShotProtocol,
        fold: int,
        source: StoreSource,
        labels: Sequence[str],
        subjects: Sequence[str],
        parts: Sequence[str],
        *,
        data: Path,
        work: Path,
    ) -> tuple[FusedMethod, finetune.Fitted]:
        """Stage 2 for one input: base classes teach, validation classes select; novel ones are not read."""
        model = self.pretrained(protocol, fold, data=data, work=work)
        method, recipe, classes = model.method, self.recipe(protocol.folds[fold]), protocol.folds[fold]
        if not isinstance(method, MuMAE) or recipe.finetune is None:
            raise TypeError(f"{model.name} cannot be fine-tuned.")
        if self.fusion is not None:
            with seeded(recipe.seed):
                facts = {"embed_dim": method.joint.embed_dim, "modalities": len(method.encoders)}
                method.fusion = build("fusion", self.fusion, "fusion", facts)
        sides = []
        for wanted in (classes.base, classes.validation):
            rows = [row for row, label in enumerate(labels) if label in wanted]
            told = tuple(labels[row] for row in rows), tuple(subjects[row] for row in rows)
            sides.append(finetune.Clips(_views(method, Rows(source, rows), parts), *told))
        base, validation = sides
        if set(base.labels) & set(classes.novel) or set(validation.labels) & set(classes.novel):
            raise LeakageError("A novel class is among those that teach or select.")
        settings: FineTuning = recipe.finetune
        if self._trains_head():
            settings = settings.model_copy(update={"head": self.head})
        return method, finetune.fit(method, base, validation, settings, seed=recipe.seed)

    def _trains_head(self) -> bool:
        """Whether stage 2 trains with this row's head; one that judges queries by each other only judges."""
        cls: type[FewShotHead] = registry.get("head", self.head.name)
        return not cls.transductive


@torch.no_grad()
def _views(method: FusedMethod, source: StoreSource | Rows, parts: Sequence[str]) -> Views:
    """What the encoders make of clips of which only some parts are there."""
    found = []
    for first in range(0, len(source), _BATCH):
        rows = list(range(first, min(first + _BATCH, len(source))))
        batch: SensorBatch = source.batch(rows, generator=torch.Generator())
        found.append(method.views(batch.without(*(name for name in batch.names if name not in parts))))
    return Views.join(found)


@torch.no_grad()
def _fused(method: FusedMethod, views: Views) -> NDArray[np.float32]:
    values: NDArray[np.float32] = method.fused(views).numpy()
    return values


@dataclass(frozen=True)
class PeerRow(OneShotRow):
    """Features of each part, standardised over base classes and put side by side; nearest class mean by cosine.

    rocket: MiniRocket (Dempster et al. 2021) with its biases from base classes; else the samples themselves.
    """

    rocket: bool = True
    kernels: int = 10_000
    pretraining_labels: str = "which clips are of base classes"

    def config(self) -> dict[str, Any]:
        return {"rocket": self.rocket, "kernels": self.kernels, "version": VERSION}

    def judged(self, protocol: OneShotProtocol, fold: int, *, data: Path, work: Path) -> dict[str, Judged]:
        recipe = load_recipe(find_recipe(RECIPE))
        source, names = clips_source(protocol, recipe, data, work / "cache" / "utd-clips")
        labels = tuple(names[label] for label in source.labels(range(len(source))))
        base = np.isin(np.asarray(labels), protocol.folds[fold].base)
        blocks = {part: _standard(self._features(series, base), base) for part, series in _series(source).items()}
        head = PrototypeHead.create(distance="cosine")
        found = {}
        for name, wanted in protocol.inputs.items():
            kinds = dict.fromkeys("inertial" if part in ("acc", "gyro") else part for part in wanted)
            joined = np.concatenate([blocks[kind] / np.sqrt(blocks[kind].shape[1]) for kind in kinds], axis=1)
            found[name] = Judged(joined.astype(np.float32), labels, tuple(source.subjects()), head)
        return found

    def _features(self, series: NDArray[np.float32], base: NDArray[np.bool_]) -> NDArray[np.float64]:
        if not self.rocket:
            return series.reshape(len(series), -1).astype(np.float64)
        from aeon.transformations.collection.convolution_based import MiniRocket

        transform = MiniRocket(n_kernels=self.kernels, random_state=0, n_jobs=1)
        transform.fit(series[base])
        return np.asarray(transform.transform(series), dtype=np.float64)


def _series(source: StoreSource) -> dict[str, NDArray[np.float32]]:
    """Each part as channels over time [N, C, T]; depth as means of 12 x 12 cells."""
    found: dict[str, list[NDArray[np.float32]]] = {"depth": [], "inertial": [], "skeleton": []}
    for first in range(0, len(source), _BATCH):
        batch = source.batch(list(range(first, min(first + _BATCH, len(source)))), generator=torch.Generator())
        film = batch.signals["depth"].values[:, 0]
        cells = torch.nn.functional.adaptive_avg_pool2d(film, 12)
        found["depth"].append(cells.flatten(2).transpose(1, 2).numpy())
        found["inertial"].append(torch.cat([batch.signals[part].values for part in ("acc", "gyro")], dim=1).numpy())
        found["skeleton"].append(batch.signals["skeleton"].values.numpy())
    return {part: np.concatenate(pieces) for part, pieces in found.items()}


def _standard(values: NDArray[np.float64], base: NDArray[np.bool_]) -> NDArray[np.float64]:
    deviation = values[base].std(0)
    return (values - values[base].mean(0)) / np.where(deviation > 1e-8, deviation, 1.0)


def rows() -> list[OneShotRow]:
    """Every row, ours first."""
    both = ("depth+inertial", "all")

    def trial(name: str, title: str, **changes: Any) -> MuMAERow:
        return MuMAERow(f"ablation-{name}", title, exploratory=True, folds=(0,), inputs=both, **changes)

    masker = "components.maskers"
    heads = {
        "euclidean": ComponentRef(name="prototypes"),
        "ridge": ComponentRef(name="ridge"),
        "logistic": ComponentRef(name="logistic"),
        "matching": ComponentRef(name="matching"),
        "label-propagation": ComponentRef(name="label-propagation"),
        "relation": ComponentRef(name="relation"),
        "attended-prototypes": ComponentRef(name="attended-prototypes"),
    }
    return [
        MuMAERow("mu-mae-utd-mhad", "Mu-MAE"),
        MuMAERow("random-init", "the same, not pretrained", trained=False),
        PeerRow("minirocket-cosine", "MiniRocket (10,000 kernels) + cosine"),
        PeerRow("samples-cosine", "samples, depth cells + cosine", rocket=False),
        trial("independent", "masks drawn for each sensor alone", overrides={f"{masker}.sensors": {"name": "independent"}}),
        trial("ratio-0.75", "three quarters hidden", overrides=_ratio(0.75)),
        trial("ratio-0.5", "half hidden", overrides=_ratio(0.5)),
        trial("cross-attention", "cross-attention fusion", fusion=ComponentRef(name="cross-attention")),
        *(trial(f"head-{name}", _TITLES.get(name, f"head: {name}"), head=ref) for name, ref in heads.items()),
    ]


def _ratio(ratio: float) -> dict[str, Any]:
    return {
        "components.maskers.video": {"name": "tube", "options": {"ratio": ratio, "asked": 0.25}},
        "components.maskers.sensors": {"name": "synchronised", "options": {"ratio": ratio}},
    }
