"""A training recipe: everything in the YAML file of `sslts train CONFIG.yaml`. No torch here.

Names and numbers are bounded and unknown keys are refused, as in config.py. `digest` covers what decides the weights, so that a
checkpoint is only resumed by the recipe that wrote it; where data and results lie, how much is logged and how often is saved may change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, SerializerFunctionWrapHandler, StringConstraints, field_validator, model_serializer, model_validator

from sslts.config import (
    AnyChannels,
    ComponentRef,
    Frozen,
    ModelConfig,
    Name,
    Preprocessing,
    Provenance,
    Seconds,
    SensorSpec,
    Text,
    parse,
    without_default,
)
from sslts.errors import ConfigError
from sslts.strict_json import printable

MAX_RECIPE_BYTES = 64 * 1024
_MAX_DEPTH = 16

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Identifiers = Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=10_000)]


class Data(Frozen):
    """Which recordings. `subjects` selects (default: all), then `exclude` removes; `stride_s` defaults to the spec's.

    exclude_labels: windows with these labels are not read at all. short: what becomes of a recording shorter than one window: it is
    refused, or padded with samples that count as lost. broken: what becomes of a session that cannot be read or does not fit: the run is
    refused, or goes on without it and says so. root: in a recipe with several sets, relative to `sslts train --root`.
    """

    reader: Name
    options: dict[str, Any] = Field(default_factory=dict, max_length=32)
    root: Text | None = None
    subjects: Identifiers | None = None
    exclude: Annotated[tuple[Identifier, ...], Field(max_length=10_000)] = ()
    exclude_labels: Annotated[tuple[Text, ...], Field(max_length=1000)] = ()
    short: Literal["refuse", "pad"] = "refuse"
    broken: Literal["refuse", "skip"] = "refuse"
    stride_s: Seconds | None = None

    @model_serializer(mode="wrap")
    def _without_defaults(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_default(plain(self), "broken", "refuse")

    @field_validator("options")
    @classmethod
    def _bounded(cls, value: dict[str, Any]) -> dict[str, Any]:
        return ComponentRef(name="reader", options=value).options

    @model_validator(mode="after")
    def _something_left(self) -> Data:
        if self.subjects is not None and set(self.subjects) <= set(self.exclude):
            raise ValueError("exclude removes everything that is selected")
        return self


class Standardisation(Frozen):
    """How windows are normalised before the encoder: by statistics of the training subjects (stored in the artefact), by each
    recording's own, or not at all. `clip` bounds what comes out, in standard deviations."""

    normalise: Literal["artefact", "recording", "none"] = "artefact"
    clip: Annotated[float, Field(gt=0, le=1e6)] | None = None


class Augmentation(Frozen):
    """Random changes of training windows. rotate_deg: spread of a random rotation of each device (all its three-axis sensors together);
    any_rotation: share of windows whose devices are turned arbitrarily instead; scale: spread of a random gain."""

    rotate_deg: Annotated[float, Field(ge=0, le=180)] = 0.0
    any_rotation: Annotated[float, Field(ge=0, le=1)] = 0.0
    scale: Annotated[float, Field(ge=0, le=1)] = 0.0

    @property
    def active(self) -> bool:
        """Whether it changes anything."""
        return bool(self.rotate_deg or self.any_rotation or self.scale)


class Texts(Frozen):
    """What describes a training window in words. activities: wordings of labels, a bundled name or a JSON file {label: [wordings]};
    captioner: a component that says what the signal does, beside the label's wordings."""

    activities: Text | None = None
    captioner: ComponentRef | None = None


class Optimiser(Frozen):
    """AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101) and its schedule. `grad_clip` bounds the norm of all gradients together."""

    lr: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 1e-3
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-8
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.01
    warm_up_epochs: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    schedule: Literal["cosine", "constant"] = "cosine"
    grad_clip: Annotated[float, Field(gt=0, le=1e6)] | None = None


class Monitor(Frozen):
    """Online checks for collapse, every `every` epochs (0: never) on `windows` windows; kNN needs labelled validation subjects."""

    every: Annotated[int, Field(ge=0, le=100_000)] = 1
    windows: Annotated[int, Field(ge=8, le=65_536)] = 1024
    knn_k: Annotated[int, Field(ge=1, le=1000)] = 20
    validation_subjects: Annotated[tuple[Identifier, ...], Field(max_length=10_000)] = ()


class FineTuning(Frozen):
    """Stage 2 of a method with a fusion: base classes teach how clips are compared (`sslts finetune`).

    validation_labels: classes that decide which state is kept; they are neither base nor novel. ways, shots: of an episode. steps: at most
    (0: the closed form alone); check_every, patience: validation is asked every so many steps, and training ends after so many checks
    without a better one. check_episodes: of each check. joint: whether the joint view may count. whitening: whether views are whitened by
    what varies within base classes. scale: multiplies cosines before a softmax. episode_weight: beside 1 for the
    classes. head: the few-shot head of the episodes. half: the artefact is written in half precision.
    """

    validation_labels: Annotated[tuple[Text, ...], Field(min_length=2, max_length=1000)]
    ways: Annotated[int, Field(ge=2, le=100)] = 5
    shots: Annotated[int, Field(ge=1, le=100)] = 1
    steps: Annotated[int, Field(ge=0, le=10**6)] = 300
    check_every: Annotated[int, Field(ge=1, le=10**6)] = 20
    check_episodes: Annotated[int, Field(ge=10, le=10**5)] = 500
    patience: Annotated[int, Field(ge=1, le=1000)] = 5
    joint: bool = True
    whitening: bool = True
    batch_size: Annotated[int, Field(ge=2, le=65_536)] = 64
    lr: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.01
    scale: Annotated[float, Field(gt=0, le=1000)] = 10.0
    episode_weight: Annotated[float, Field(ge=0, le=100)] = 0.5
    head: ComponentRef = ComponentRef(name="prototypes", options={"distance": "cosine"})
    half: bool = False


class Recipe(Frozen):
    """One training run.

    batch_size: windows of one optimiser step, all processes together. windows_per_epoch: see only so many an epoch (default: all).
    neighbours: windows that follow one another stay together in runs of so many: each other's hardest negatives (1: no).
    more: further data sets, mixed with the first; their readers must differ, and subjects are then named "reader:subject". spec: what the
    published model reads; if it takes any channels, each set is read with the streams that its reader offers.
    prepare_windows: how many windows `Method.prepare` gets; conclude_windows, conclude_changed: how many `Method.conclude` gets as they
    were recorded, and as augmented.
    checkpoint_every, log_every: optimiser steps. workers: reading threads. licence: of the weights, as publishing asks for ("Apache-2.0").
    finetune: what `sslts finetune` does with what was trained.
    """

    name: Name
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    data: Data
    more: Annotated[tuple[Data, ...], Field(max_length=32)] = ()
    augment: Augmentation = Augmentation()
    texts: Texts | None = None
    spec: SensorSpec
    preprocessing: Standardisation = Standardisation()
    method: ComponentRef
    components: dict[Name, ComponentRef] = Field(default_factory=dict, max_length=256)
    optimiser: Optimiser = Optimiser()
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)]
    epochs: Annotated[int, Field(ge=1, le=1_000_000)]
    windows_per_epoch: Annotated[int, Field(ge=1, le=10**9)] | None = None
    neighbours: Annotated[int, Field(ge=1, le=100_000)] = 1
    prepare_windows: Annotated[int, Field(ge=1, le=1_000_000)] = 2048
    conclude_windows: Annotated[int, Field(ge=0, le=10**8)] = 0
    conclude_changed: Annotated[int, Field(ge=0, le=10**8)] = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    monitor: Monitor = Monitor()
    checkpoint_every: Annotated[int, Field(ge=1, le=10**9)] = 200
    keep_checkpoints: Annotated[int, Field(ge=1, le=1000)] = 2
    log_every: Annotated[int, Field(ge=1, le=10**9)] = 10
    workers: Annotated[int, Field(ge=0, le=64)] = 0
    loggers: Annotated[tuple[Literal["tensorboard", "wandb"], ...], Field(max_length=2)] = ()
    out: Text | None = None
    licence: Text = ""
    finetune: FineTuning | None = None

    @model_validator(mode="after")
    def _validation_is_apart(self) -> Recipe:
        both = sorted(set(self.monitor.validation_subjects) & set(self.data.subjects or ()))
        if both:
            raise ValueError(f"monitor.validation_subjects and data.subjects share {', '.join(both[:5])}; a subject is on one side only")
        read = sorted(set(self.finetune.validation_labels) - set(self.data.exclude_labels)) if self.finetune is not None else []
        if read:
            raise ValueError(f"{', '.join(read)} of finetune.validation_labels would be pretrained on; add them to data.exclude_labels")
        return self

    @model_validator(mode="after")
    def _sets_differ(self) -> Recipe:
        if len(self.sets) != 1 + len(self.more):
            raise ValueError("data and more name one reader twice; select its subjects in one entry")
        if self.more and not isinstance(self.spec.modalities, AnyChannels):
            raise ValueError("several data sets need a spec that reads any channels: modalities: {rate_hz: ..., units: {kind: unit}}")
        return self

    @property
    def sets(self) -> dict[str, Data]:
        """Every data set by its reader's name."""
        return {data.reader: data for data in (self.data, *self.more)}

    @property
    def digest(self) -> str:
        """sha256 of everything that decides the weights."""
        told = self.model_dump(mode="json", exclude=_UNDECISIVE)
        return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def as_model_config(self, preprocessing: Preprocessing) -> ModelConfig:
        """The model that this recipe trains; `preprocessing` carries statistics fitted on its training subjects."""
        return ModelConfig(
            name=self.name,
            method=self.method,
            spec=self.spec,
            preprocessing=preprocessing,
            components=self.components,
            provenance=Provenance(recipe=self.name, seed=self.seed),
        )


#: Fields that may change between two parts of one run: they never change the weights. Validation subjects do (they are held out).
_UNDECISIVE: Any = {
    "monitor": {"every", "windows", "knn_k"},
    "checkpoint_every": True,
    "keep_checkpoints": True,
    "log_every": True,
    "workers": True,
    "loggers": True,
    "out": True,
    "licence": True,
    "finetune": True,  # it decides on another artefact, made from this one
    "data": {"root"},
    "more": {"__all__": {"root"}},
}


def load_recipe(path: Path) -> Recipe:
    """Read a recipe from a YAML file.

    Raises:
        ConfigError: unreadable, too large, not plain YAML, or a field that does not fit; names the file and the field.
    """
    try:
        size = path.stat().st_size
        if size > MAX_RECIPE_BYTES:
            raise ConfigError(f"{path}: {size} bytes, expected a recipe of at most {MAX_RECIPE_BYTES}.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}).") from error
    recipe: Recipe = parse(Recipe, parse_yaml(text, str(path)), str(path))
    return recipe


def parse_yaml(text: str, where: str) -> Any:
    """Parse plain YAML: no duplicate keys, no anchors or aliases, no tags, bounded depth (ConfigError otherwise)."""
    try:
        _check_events(text)
        _check_keys(yaml.compose(text, Loader=yaml.SafeLoader))
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not a plain YAML file ({printable(' '.join(str(error).split()))}).") from error


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ValueError(f"{_line(event)}: anchors and aliases are not allowed; write the value out")
        if getattr(event, "tag", None):
            raise ValueError(f"{_line(event)}: tags are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise ValueError(f"{_line(event)}: nested more than {_MAX_DEPTH} deep")


def _check_keys(root: yaml.Node | None) -> None:
    for node in _nodes(root):
        if not isinstance(node, yaml.MappingNode):
            continue
        seen: set[str] = set()
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else str(key)
            if name in seen:
                raise ValueError(f"{_line(key)}: key '{name}' appears twice")
            seen.add(name)


def _line(place: yaml.Event | yaml.Node) -> str:
    return f"line {place.start_mark.line + 1}" if place.start_mark else "somewhere"


def _nodes(node: yaml.Node | None) -> Iterator[yaml.Node]:
    if node is None:
        return
    yield node
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _nodes(key)
            yield from _nodes(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _nodes(item)
