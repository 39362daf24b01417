"""The data sets of a recipe whose model reads any channels: each in its own streams, mixed, with texts, changed at random."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sslts import registry
from sslts.config import AnyChannels, Modality, SensorSpec
from sslts.data.reader import Reader
from sslts.data.store import WindowStore
from sslts.data.store_build import Source, build_store
from sslts.errors import ConfigError, TrainingError
from sslts.interfaces import build
from sslts.training.augment import Augmented
from sslts.training.mixture import Mixture
from sslts.training.padded import PaddedReader
from sslts.training.recipe import Data, Recipe
from sslts.training.source import WindowSource
from sslts.training.store_source import Rows, StoreSource, label_names
from sslts.training.texts import TextedSource, load_wordings, wordings_of

#: Between a data set's name and its subject's: two sets may use one name for two people.
APART = ":"


@dataclass(frozen=True, slots=True)
class Opened:
    """train: what is trained on. held_out: windows of the validation subjects, without texts or changes. subjects: whom train holds, named
    "set:subject". labels: by number, over all sets."""

    train: WindowSource
    held_out: Mixture | None
    subjects: tuple[str, ...]
    labels: tuple[str, ...]


def open_datasets(
    recipe: Recipe,
    root: Path | None,
    folder: Path,
    *,
    subjects: Collection[str] | None = None,
    labelled: Collection[str] | None = None,
) -> Opened:
    """Build the stores of all sets under `folder` and mix their training windows.

    subjects: train on these, named "set:subject", instead of the recipe's. labelled: ids of the windows whose label training may read.

    Raises:
        ConfigError: no root, a reader that does not say its streams, an unknown subject or label.
        ReaderError, SignalError: data that cannot be read.
    """
    stores = {name: _store(data, recipe, root, folder / name) for name, data in recipe.sets.items()}
    known = {name: label_names(store) for name, store in stores.items()}
    _check_labels(recipe, known)
    labels = tuple(dict.fromkeys(label for those in known.values() for label in those))
    held = _told(recipe, recipe.monitor.validation_subjects)
    wanted = None if subjects is None else _told(recipe, subjects)
    chosen = {
        name: _subjects(recipe.sets[name], store, held[name], None if wanted is None else wanted[name]) for name, store in stores.items()
    }
    excluded = {name: set(data.exclude_labels) for name, data in recipe.sets.items()}
    spec = _union(recipe.spec, [store.spec for store in stores.values()])

    def mixed(people: Mapping[str, Sequence[str]]) -> Mixture | None:
        parts = {name: _part(stores[name].select(people[name]), labels, excluded[name]) for name in stores if people[name]}
        return Mixture(parts, spec) if parts else None

    train = mixed(chosen)
    if train is None:
        raise TrainingError(f"Recipe '{recipe.name}' selects no subject. Check subjects and exclude of its data sets.")
    named = tuple(f"{name}{APART}{subject}" for name, people in chosen.items() for subject in people)
    return Opened(_finished(train, recipe, labels, labelled), mixed(held), named, labels)


def _finished(train: Mixture, recipe: Recipe, labels: Sequence[str], labelled: Collection[str] | None) -> WindowSource:
    source: WindowSource = train
    if recipe.texts is not None:
        table = load_wordings(recipe.texts.activities) if recipe.texts.activities else None
        captioner = build("captioner", recipe.texts.captioner, "texts.captioner") if recipe.texts.captioner else None
        source = TextedSource(train, wordings_of(labels, table), captioner=captioner, labelled=labelled)
    return Augmented(source, recipe.augment) if recipe.augment.active else source


def _store(data: Data, recipe: Recipe, root: Path | None, folder: Path) -> WindowStore:
    where = Path(data.root) if data.root is not None else None
    if root is not None:
        where = root / (where or "")
    if where is None:
        raise ConfigError(f"Data set '{data.reader}' names no root: give one, e.g. sslts train {recipe.name} --root DATA.")
    reader: Reader = registry.get("reader", data.reader).create(**data.options)
    spec = streams_of(reader, data.reader, recipe.spec)
    if data.short == "pad":
        reader = PaddedReader(reader, recipe.spec.window_s)
    return build_store(folder, Source(reader, where), spec, stride_s=data.stride_s, skip_broken=data.broken == "skip")


def streams_of(reader: Reader, name: str, spec: SensorSpec) -> SensorSpec:
    """What an open spec reads of a reader's streams, as named modalities at its rate and in its units (ConfigError if nothing)."""
    wanted = spec.modalities
    if not isinstance(wanted, AnyChannels) or not reader.modalities:
        raise ConfigError(f"Reader '{name}' does not say which streams it has; use another reader, or a spec that names them.")
    found = []
    for modality in reader.modalities:
        channels = tuple(
            channel.model_copy(update={"unit": wanted.units[channel.kind]}) for channel in modality.channels if channel.kind in wanted.units
        )
        if len(channels) == len(modality.channels) and modality.frame is None:  # a model of any channels reads sensors
            found.append(Modality(name=modality.name, rate_hz=wanted.rate_hz, channels=channels))
    if not found:
        raise ConfigError(f"Reader '{name}' has no stream of {', '.join(wanted.units)}.")
    return SensorSpec(modalities=tuple(found), window_s=spec.window_s, stride_s=spec.stride_s, clock=spec.clock)


def _union(spec: SensorSpec, parts: Sequence[SensorSpec]) -> SensorSpec:
    named: dict[str, Modality] = {}
    for part in parts:
        for modality in part.named:
            if named.setdefault(modality.name, modality) != modality:
                raise ConfigError(f"Two data sets have a stream '{modality.name}' that is not the same.")
    return SensorSpec(modalities=tuple(named.values()), window_s=spec.window_s, stride_s=spec.stride_s, clock=spec.clock)


def _part(store: WindowStore, labels: Sequence[str], excluded: Collection[str]) -> StoreSource | Rows:
    source = StoreSource(store, None, None, label_names=labels)
    if not excluded:
        return source
    return Rows(source, np.flatnonzero(~source.meets(excluded)).tolist())


def _told(recipe: Recipe, subjects: Collection[str]) -> dict[str, list[str]]:
    """Subjects by data set: "dsads:p1" -> {"dsads": ["p1"]}."""
    found: dict[str, list[str]] = {name: [] for name in recipe.sets}
    for subject in subjects:
        name, apart, person = subject.partition(APART)
        if not apart or name not in found:
            raise ConfigError(
                f"'{subject}' names no subject of {', '.join(found)}. Write set{APART}subject, e.g. {next(iter(found))}{APART}1."
            )
        found[name].append(person)
    return found


def _subjects(data: Data, store: WindowStore, held: Sequence[str], wanted: Sequence[str] | None) -> list[str]:
    asked = data.subjects if wanted is None else wanted
    unknown = sorted({*(asked or ()), *data.exclude, *held} - set(store.subjects))
    if unknown:
        raise ConfigError(f"Data set '{data.reader}' has no subject {', '.join(unknown)}. It has {', '.join(store.subjects)}.")
    out = {*data.exclude, *held}
    return [subject for subject in (store.subjects if asked is None else asked) if subject not in out]


def _check_labels(recipe: Recipe, known: Mapping[str, Collection[str]]) -> None:
    for name, data in recipe.sets.items():
        unknown = sorted(set(data.exclude_labels) - set(known[name]))
        if unknown:
            raise ConfigError(f"Data set '{name}' has no label {', '.join(unknown)}. It has {', '.join(known[name])}.")
