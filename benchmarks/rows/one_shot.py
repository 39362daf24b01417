"""Rows of protocols of episodes: Mu-MAE and its variants, beside peers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from benchmarks.pretrain import overridden
from benchmarks.rows.one_shot_base import RECIPES, VERSION, Judged, OneShotRow, batches, clips_source, recipe_of, sides, store_of
from benchmarks.rows.one_shot_peers import PeerRow
from sslts import registry
from sslts.config import ComponentRef
from sslts.errors import LeakageError
from sslts.evaluate.one_shot import ClassFold, OneShotProtocol
from sslts.hub.layout import WEIGHTS
from sslts.interfaces import FewShotHead, FusedMethod, build
from sslts.methods.mu_mae import MuMAE
from sslts.model import Model, from_folder, load
from sslts.training import finetune
from sslts.training.recipe import FineTuning, Recipe
from sslts.training.run import run_recipe
from sslts.training.seeding import seeded
from sslts.training.store_source import StoreSource
from sslts.types import Views

_COSINE = ComponentRef(name="prototypes", options={"distance": "cosine"})

#: The trial that those of the joint encoder alone are compared with.
_ENCODER = "ablation-joint-encoder"
#: Heads that need a word more than their name.
_TITLES = {
    "label-propagation": "head: label-propagation (sees all queries)",
    "label-propagation-0.99": "head: label-propagation at the alpha of its paper, 0.99",
}


@dataclass(frozen=True)
class MuMAERow(OneShotRow):
    """The published recipe, pretrained on the fold's base classes and fine-tuned for each input.

    overrides: dotted keys of the recipe. What follows changes stage 2 alone, so that pretraining is shared: fusion, instead of the
    recipe's; tuning, fields of its `finetune` section; own: "joint encoder" leaves fixed encoders of sensors out.
    """

    kind: str = "ours"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    trained: bool = True
    head: ComponentRef = _COSINE
    inputs: tuple[str, ...] | None = None
    fusion: ComponentRef | None = None
    tuning: Mapping[str, Any] = field(default_factory=dict)
    own: Literal["recipe", "joint encoder"] = "recipe"

    def recipe(self, protocol: OneShotProtocol, fold: ClassFold) -> Recipe:
        """The fold's recipe."""
        made = recipe_of(protocol)
        told = {"data.exclude_labels": [*fold.novel, *fold.validation], "finetune.validation_labels": list(fold.validation)}
        tuned = {f"finetune.{key}": value for key, value in self.tuning.items()}
        return overridden(made, {**told, **tuned, **self.overrides})

    def config(self, protocol: OneShotProtocol) -> dict[str, Any]:
        made = overridden(recipe_of(protocol), {**{f"finetune.{key}": value for key, value in self.tuning.items()}, **self.overrides})
        tuning = None if made.finetune is None else made.finetune.model_dump(mode="json")
        return {
            "recipe": RECIPES[protocol.id],
            "recipe_digest": made.digest,
            "finetune": tuning,
            "trained": self.trained,
            "head": self.head.model_dump(mode="json"),
            "fusion": None if self.fusion is None else self.fusion.model_dump(mode="json"),
            "inputs": self.inputs,
            "own": self.own,
            "version": VERSION,
        }

    def home(self, protocol: OneShotProtocol, fold: int, work: Path) -> Path:
        """Where stage 1 of a fold lies."""
        digest = self.recipe(protocol, protocol.folds[fold]).digest[:12]
        return work / protocol.id / f"fold{fold}-{VERSION}-{digest}{'' if self.trained else '-random'}"

    def pretrained(self, protocol: OneShotProtocol, fold: int, *, data: Path, work: Path) -> Model:
        """Stage 1 of a fold. Rows that differ in stage 2 alone share it."""
        recipe, out = self.recipe(protocol, protocol.folds[fold]), self.home(protocol, fold, work)
        if not (out / "artefact" / "config.json").exists():
            run_recipe(recipe, root=data / protocol.folder, out=out, store=store_of(protocol, work), train_weights=self.trained)
        return from_folder(out / "artefact")

    def judged(self, protocol: OneShotProtocol, fold: int, *, data: Path, work: Path) -> dict[str, Judged]:
        recipe = self.recipe(protocol, protocol.folds[fold])
        source, names = clips_source(protocol, recipe, data, work)
        labels = tuple(names[label] for label in source.labels(range(len(source))))
        subjects = tuple(source.subjects())
        wanted = {name: parts for name, parts in protocol.inputs.items() if self.inputs is None or name in self.inputs}
        found: dict[str, Judged] = {}
        for name, parts in wanted.items():
            method, fitted = self._tuned(protocol, fold, source, labels, subjects, parts, data=data, work=work)
            home = self.home(protocol, fold, work)
            embedded = _fused(method, _kept_views(home, method, source, parts))
            head = fitted.head if self._trains_head() else build("head", self.head, "head", {"embed_dim": embedded.shape[1]})
            chosen = fitted.chosen
            told = {
                "step": fitted.kept,
                "validation": [[each.step, each.accuracy] for each in fitted.history],
                "weights": dict(zip(("joint", *recipe.spec.names), chosen.weights, strict=True)),
                "shrink": chosen.shrink,
                "accuracy": chosen.accuracy,
            }
            found[name] = Judged(embedded, labels, subjects, head, selected=told)
            if name == protocol.whole and not self.exploratory:
                for missing, left_out in protocol.devices.items():
                    left = [part for part in parts if part not in left_out]
                    less = _fused(method, _kept_views(home, method, source, left))
                    found[f"{name}, {missing} missing in queries"] = Judged(embedded, labels, subjects, head, queries=less)
                    found[f"{name}, {missing} missing"] = Judged(less, labels, subjects, head)
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
    ) -> tuple[MuMAE, finetune.Fitted]:
        """Stage 2 for one input: base classes teach, validation classes select; novel ones are not read."""
        model = self.pretrained(protocol, fold, data=data, work=work)
        method, recipe, classes = model.method, self.recipe(protocol, protocol.folds[fold]), protocol.folds[fold]
        if not isinstance(method, MuMAE) or recipe.finetune is None:
            raise TypeError(f"{model.name} cannot be fine-tuned.")
        if self.own == "joint encoder":
            method.unimodal = nn.ModuleDict()
        if self.fusion is not None:
            with seeded(recipe.seed):
                facts = {"embed_dim": method.joint.embed_dim, "modalities": len(method.encoders)}
                method.fusion = build("fusion", self.fusion, "fusion", facts)
        whole = _kept_views(self.home(protocol, fold, work), method, source, parts)
        base, validation = sides(whole, labels, subjects, classes)
        settings: FineTuning = recipe.finetune
        if self._trains_head():
            settings = settings.model_copy(update={"head": self.head})
        return method, finetune.fit(method, base, validation, settings, seed=recipe.seed)

    def _trains_head(self) -> bool:
        """Whether stage 2 trains with this row's head; one that judges queries by each other only judges."""
        cls: type[FewShotHead] = registry.get("head", self.head.name)
        return not cls.transductive


def _kept_views(home: Path, method: MuMAE, source: StoreSource, parts: Sequence[str]) -> Views:
    """What the encoders make of all clips with these parts alone, from a file if some row has asked before. No metric is in it."""
    path = home / "views" / f"{'+'.join(parts)}{'' if method.unimodal else '-joint-encoder'}.safetensors"
    if path.exists():
        there = load_file(path)
        return Views(there["joint"], there["own"], there["present"].bool())
    everything = list(method.encoders)
    # What a modality says alone does not depend on the others: with some left out, the joint view alone is computed anew.
    whole = None if set(parts) == set(everything) else _kept_views(home, method, source, everything)
    views = _views(method, source, parts, whole)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside: a file that is there is whole, whoever was stopped or runs beside this.
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    save_file({"joint": views.joint, "own": views.own.contiguous(), "present": views.present.to(torch.uint8)}, aside)
    aside.replace(path)
    return views


@torch.no_grad()
def _views(method: MuMAE, source: StoreSource, parts: Sequence[str], whole: Views | None) -> Views:
    found = []
    for rows, batch in batches(source):
        left = batch.without(*(name for name in batch.names if name not in parts))
        if whole is None:
            found.append(method.views(left))
            continue
        joint, present = method.joint_view(method.tokenise(left))
        found.append(Views(joint, whole.own[rows] * present[..., None], present))
    return Views.join(found)


@dataclass(frozen=True)
class PublishedRow(OneShotRow):
    """The bundled weights as they are loaded, rounded for their file: what users get, beside what was measured before rounding."""

    kind: str = "ours"
    exploratory: bool = True
    folds: tuple[int, ...] | None = (0,)

    def config(self, protocol: OneShotProtocol) -> dict[str, Any]:
        model = load(RECIPES[protocol.id])
        # The weights alone: the card beside them quotes this very row.
        return {"model": model.config.name, "weights": model.config.files[WEIGHTS], "version": VERSION}

    def judged(self, protocol: OneShotProtocol, fold: int, *, data: Path, work: Path) -> dict[str, Judged]:
        model = load(RECIPES[protocol.id])
        unread = set(model.config.provenance.excluded_labels)
        if not set(protocol.folds[fold].novel) <= unread:
            raise LeakageError(f"{model.name} may have read novel classes of fold {fold}.")
        source, names = clips_source(protocol, recipe_of(protocol), data, work)
        labels = tuple(names[label] for label in source.labels(range(len(source))))
        head = build("head", model.method.few_shot_head, "head", {"embed_dim": model.embed_dim})
        return {protocol.whole: Judged(_embedded(model, source), labels, tuple(source.subjects()), head)}


@torch.no_grad()
def _embedded(model: Model, source: StoreSource) -> NDArray[np.float32]:
    return torch.cat([model.embed(batch) for _, batch in batches(source)]).numpy()


@torch.no_grad()
def _fused(method: FusedMethod, views: Views) -> NDArray[np.float32]:
    values: NDArray[np.float32] = method.fused(views).numpy()
    return values


def rows(protocol: OneShotProtocol) -> list[OneShotRow]:
    """Every row of a protocol, ours first."""
    both = tuple(dict.fromkeys((next(iter(protocol.inputs)), protocol.whole)))

    def trial(name: str, title: str, **changes: Any) -> MuMAERow:
        return MuMAERow(f"ablation-{name}", title, exploratory=True, folds=(0,), inputs=both, **changes)

    def encoder(name: str, title: str, **changes: Any) -> MuMAERow:
        """What a change makes of the joint encoder, where no fixed encoder stands beside it."""
        return trial(f"{name}-encoder", f"the joint encoder alone, {title}", own="joint encoder", against=_ENCODER, **changes)

    alone = {"components.maskers.sensors": {"name": "independent"}}
    attention = ComponentRef(name="cross-attention")
    heads = {
        "euclidean": ComponentRef(name="prototypes"),
        "ridge": ComponentRef(name="ridge"),
        "logistic": ComponentRef(name="logistic"),
        "matching": ComponentRef(name="matching"),
        "label-propagation": ComponentRef(name="label-propagation", options={"alpha": 0.2}),
        "label-propagation-0.99": ComponentRef(name="label-propagation", options={"alpha": 0.99}),
        "relation": ComponentRef(name="relation"),
        "attended-prototypes": ComponentRef(name="attended-prototypes"),
    }
    return [
        MuMAERow(RECIPES[protocol.id], "Mu-MAE"),
        MuMAERow("random-init", "the same, not pretrained", trained=False),
        PeerRow("minirocket-cosine", "MiniRocket (10,000 kernels) + cosine"),
        PeerRow("minirocket-whitened", "MiniRocket, the same whitening + cosine", whitened=True, pretraining_labels="base classes"),
        PeerRow("samples-cosine", "samples, depth cells + cosine", rocket=False),
        PublishedRow("published", "the published weights, in half precision"),
        trial("independent", "masks drawn for each sensor alone", overrides=alone),
        trial("ratio-0.75", "three quarters hidden", overrides=_ratio(0.75)),
        trial("ratio-0.5", "half hidden", overrides=_ratio(0.5)),
        trial("no-joint", "no joint view", tuning={"joint": False}),
        trial("no-whitening", "no whitening", tuning={"whitening": False}),
        trial("cross-attention", "cross-attention fusion", fusion=attention),
        MuMAERow(_ENCODER, "the joint encoder alone, no fixed encoders", exploratory=True, folds=(0,), inputs=both, own="joint encoder"),
        encoder("random", "not pretrained", trained=False),
        encoder("independent", "masks drawn for each sensor alone", overrides=alone),
        encoder("ratio-0.75", "three quarters hidden", overrides=_ratio(0.75)),
        encoder("ratio-0.5", "half hidden", overrides=_ratio(0.5)),
        encoder("cross-attention", "cross-attention fusion", fusion=attention),
        *(trial(f"head-{name}", _TITLES.get(name, f"head: {name}"), head=ref) for name, ref in heads.items()),
    ]


def _ratio(ratio: float) -> dict[str, Any]:
    return {
        "components.maskers.video": {"name": "tube", "options": {"ratio": ratio, "asked": 0.25}},
        "components.maskers.sensors": {"name": "synchronised", "options": {"ratio": ratio}},
    }
