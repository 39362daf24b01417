"""From a recipe to an artefact: read, build the window store, train, write the model folder. What `sslts train` calls."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from sslts import registry
from sslts.config import AnyChannels, ChannelStatistics, ModelConfig, Preprocessing, Provenance
from sslts.data.normalise import fit_statistics, recording_statistics
from sslts.data.store import WindowStore
from sslts.data.store_build import Source, build_store
from sslts.errors import ConfigError, LeakageError, TrainingError, suggest
from sslts.interfaces import Method, TextMethod
from sslts.model import Model
from sslts.training.calibration import fit_temperature
from sslts.training.checkpoint import installed_version
from sslts.training.datasets import open_datasets
from sslts.training.engine import leads
from sslts.training.fronted import FrontedSource
from sslts.training.loop import TrainingResult, conclude, prepare, train
from sslts.training.recipe import Recipe, load_recipe
from sslts.training.seeding import check_parts, initialise
from sslts.training.source import WindowSource
from sslts.training.store_source import Rows, StoreSource, label_names

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run: the model, its artefact folder and the loop's own result (None if it was only initialised)."""

    model: Model
    folder: Path
    result: TrainingResult | None


def find_recipe(name: str | Path) -> Path:
    """A recipe file: a path, or the name of a bundled recipe such as "crossl-wesad" (ConfigError otherwise)."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return path
    bundled = {entry.name.removesuffix(".yaml"): entry for entry in resources.files("sslts").joinpath("recipes").iterdir()}
    known = sorted(key for key, entry in bundled.items() if entry.name.endswith(".yaml"))
    if str(name) not in known:
        raise ConfigError(f"No recipe is named '{name}' and it is no file. {suggest(str(name), known)}Bundled recipes: {', '.join(known)}.")
    return Path(str(bundled[str(name)]))


def run_recipe(
    recipe: str | Path | Recipe,
    *,
    root: str | Path | None = None,
    out: str | Path | None = None,
    store: str | Path | None = None,
    cache: str | Path | None = None,
    subjects: Collection[str] | None = None,
    labelled: Collection[str] | None = None,
    resume: bool = True,
    progress: bool = True,
    train_weights: bool = True,
) -> Trained:
    """Train what a recipe describes and write the artefact to `out/artefact`.

    Args:
        recipe: a bundled name, a YAML file, or a Recipe.
        root: the data set; the recipe's own if None.
        out: checkpoints, log and artefact; the recipe's, or runs/NAME.
        store: where the window store is built (several runs may share it); `out/windows` if None.
        cache: where front ends computed once are kept (several runs may share it); nowhere if None.
        subjects: train on these instead of the recipe's ("set:subject" where the model reads any channels).
        labelled: ids of the windows whose labels' wordings training may read; all if None. Only models that read texts read any.
        resume: go on from the last checkpoint in `out`.
        train_weights: False fits the label-free front ends and leaves the rest at its random initialisation (a comparison).

    Raises:
        ConfigError, ReaderError, TrainingError and what they cover; TrainingInterrupted after Ctrl-C or SIGTERM, with the state saved.
    """
    made = recipe if isinstance(recipe, Recipe) else load_recipe(find_recipe(recipe))
    check_parts(made)
    if isinstance(made.spec.modalities, AnyChannels):
        return _run_open(made, root, out, store, subjects, labelled, resume=resume, progress=progress, train_weights=train_weights)
    if subjects is not None:
        data = made.data.model_copy(update={"subjects": tuple(subjects)})
        made = Recipe.model_validate(made.model_copy(update={"data": data}).model_dump())
    target = Path(out or made.out or Path("runs") / made.name)
    whole = _store(made, root, Path(store) if store else target / "windows")
    windows = _selected(whole, made)
    preprocessing, statistics = _statistics(windows, made)
    names = label_names(whole)
    method = initialise(made, preprocessing)
    if not method.has_front():
        source: WindowSource = _without(StoreSource(windows, statistics, made.preprocessing.clip, label_names=names), made, names)
    elif made.data.exclude_labels:
        raise ConfigError(f"Recipe '{made.name}': '{made.method.name}' has a fixed front end and cannot leave labels out (exclude_labels).")
    elif cache and statistics is None:
        # The front end of every subject's windows, once for all runs; then this run's subjects only.
        source = Rows.of_subjects(
            FrontedSource(StoreSource(whole, None, None, label_names=names), method, progress=progress, cache=Path(cache)), windows.subjects
        )
    else:
        source = FrontedSource(StoreSource(windows, statistics, made.preprocessing.clip, label_names=names), method, progress=progress)
    if not train_weights:
        prepare(method, source, made)
    held_out = _held_out(whole, made, preprocessing, names)
    result = train(method, source, made, out=target, held_out=held_out, resume=resume, progress=progress) if train_weights else None
    return _written(made, method, preprocessing, windows.subjects, target, result)


def _run_open(
    made: Recipe,
    root: str | Path | None,
    out: str | Path | None,
    store: str | Path | None,
    subjects: Collection[str] | None,
    labelled: Collection[str] | None,
    *,
    resume: bool,
    progress: bool,
    train_weights: bool,
) -> Trained:
    """A model that reads any channels: its data sets are mixed, each with the streams that it has."""
    target = Path(out or made.out or Path("runs") / made.name)
    windows = Path(store) if store else target / "windows"
    opened = open_datasets(made, None if root is None else Path(root), windows, subjects=subjects, labelled=labelled)
    preprocessing = Preprocessing(clip=made.preprocessing.clip, fitted_on=opened.subjects, recording="embedding")
    method = initialise(made, preprocessing)
    if not train_weights:
        prepare(method, opened.train, made)
    held_out = opened.held_out
    result = train(method, opened.train, made, out=target, held_out=held_out, resume=resume, progress=progress) if train_weights else None
    conclude(method, opened.train, made)
    if isinstance(method, TextMethod) and held_out is not None:
        fit_temperature(method, held_out, opened.labels)
    return _written(made, method, preprocessing, opened.subjects, target, result)


def base_and_validation(
    recipe: Recipe, root: str | Path | None, store: Path, *, validation: Sequence[str]
) -> tuple[tuple[Rows, Rows], Sequence[str]]:
    """Labelled windows of the training subjects: those of the classes that were pretrained on, and those of the validation classes; and
    what class numbers stand for.

    Raises:
        ConfigError: a validation class is not in the data.
        LeakageError: a validation class was pretrained on.
    """
    whole = _store(recipe, root, store)
    windows = _selected(whole, recipe)
    _, statistics = _statistics(windows, recipe)
    names = label_names(whole)
    unknown = sorted(set(validation) - set(names))
    if unknown:
        raise ConfigError(f"The data has no class {', '.join(unknown)}. {suggest(unknown[0], names)}It has {', '.join(names)}.")
    seen = sorted(set(validation) - set(recipe.data.exclude_labels))
    if seen:
        raise LeakageError(f"{', '.join(seen)} would be validation classes, but pretraining reads them: add them to data.exclude_labels.")
    source = StoreSource(windows, statistics, recipe.preprocessing.clip, label_names=names)
    labels = [names[label] if label >= 0 else None for label in source.labels(range(len(source)))]
    base = [row for row, label in enumerate(labels) if label is not None and label not in recipe.data.exclude_labels]
    asked = [row for row, label in enumerate(labels) if label in set(validation)]
    return (Rows(source, base), Rows(source, asked)), names


def _without(source: StoreSource, recipe: Recipe, names: Sequence[str]) -> StoreSource | Rows:
    """The windows that meet none of the labels which the recipe excludes."""
    excluded = recipe.data.exclude_labels
    unknown = sorted(set(excluded) - set(names))
    if unknown:
        raise ConfigError(f"The data set has no label {', '.join(unknown)}. {suggest(unknown[0], names)}It has {', '.join(names)}.")
    return Rows(source, np.flatnonzero(~source.meets(excluded)).tolist()) if excluded else source


def _written(
    made: Recipe, method: Method, preprocessing: Preprocessing, subjects: Sequence[str], target: Path, result: TrainingResult | None
) -> Trained:
    config = _published(made, method, preprocessing, subjects, trained=result is not None)
    model = Model(config, method.eval().cpu())
    folder = target / "artefact"
    if leads():
        model.save(folder, overwrite=True)
        logger.info("Wrote %s.", folder)
    return Trained(model, folder, result)


def _store(recipe: Recipe, root: str | Path | None, folder: Path) -> WindowStore:
    where = root if root is not None else recipe.data.root
    if where is None:
        raise ConfigError(f"Recipe '{recipe.name}' names no data.root: give one, e.g. sslts train {recipe.name} --root DATA.")
    reader = registry.get("reader", recipe.data.reader).create(**recipe.data.options)
    data = recipe.data
    return build_store(folder, Source(reader, Path(where)), recipe.spec, stride_s=data.stride_s, skip_broken=data.broken == "skip")


def _selected(store: WindowStore, recipe: Recipe) -> WindowStore:
    data = recipe.data
    unknown = sorted({*(data.subjects or ()), *data.exclude, *recipe.monitor.validation_subjects} - set(store.subjects))
    if unknown:
        raise ConfigError(f"The data set has no subject {', '.join(unknown)}. It has {', '.join(store.subjects)}.")
    held = {*data.exclude, *recipe.monitor.validation_subjects}
    chosen = [subject for subject in (data.subjects or store.subjects) if subject not in held]
    if not chosen:
        raise TrainingError(f"Recipe '{recipe.name}' selects no subject. Check data.subjects and data.exclude.")
    return store.select(chosen)


def _held_out(store: WindowStore, recipe: Recipe, preprocessing: Preprocessing, names: Sequence[str]) -> WindowSource | None:
    """Windows of the validation subjects, for the monitors only; standardised with the training subjects' statistics."""
    if not recipe.monitor.validation_subjects:
        return None
    chosen = store.select(recipe.monitor.validation_subjects)
    statistics: dict[str, Mapping[str, ChannelStatistics]] | None = None
    if recipe.preprocessing.normalise == "recording":
        statistics = {session: recording_statistics(chosen.recording(session), chosen.spec) for session in chosen.sessions}
    elif preprocessing.statistics:
        statistics = dict.fromkeys(chosen.sessions, preprocessing.statistics)
    return StoreSource(chosen, statistics, recipe.preprocessing.clip, label_names=names)


def _statistics(store: WindowStore, recipe: Recipe) -> tuple[Preprocessing, dict[str, Mapping[str, ChannelStatistics]] | None]:
    """What goes into the artefact, and the statistics of each session for training."""
    settings, subjects = recipe.preprocessing, store.subjects
    if recipe.data.exclude_labels and settings.normalise != "none":
        raise ConfigError(
            f"Recipe '{recipe.name}' leaves labels out, but normalises by statistics of whole recordings, which would be fitted on these "
            "windows too. Use preprocessing.normalise: none, with encoders that fit their own scales."
        )
    match settings.normalise:
        case "none":
            return Preprocessing(clip=settings.clip, fitted_on=subjects, recording="embedding"), None
        case "artefact":
            fitted = fit_statistics(store, store.spec, subjects)
            return Preprocessing(statistics=fitted, clip=settings.clip, fitted_on=subjects), dict.fromkeys(store.sessions, fitted)
        case "recording":
            fitted = fit_statistics(store, store.spec, subjects)
            own: dict[str, Mapping[str, Any]] = {
                session: recording_statistics(store.recording(session), store.spec) for session in store.sessions
            }
            return Preprocessing(statistics=fitted, clip=settings.clip, fitted_on=subjects, default="recording"), own


def _published(recipe: Recipe, method: Method, preprocessing: Preprocessing, subjects: Sequence[str], *, trained: bool) -> ModelConfig:
    """The config of the artefact. Masker and objective stay named in it: they say how it was trained, and hold no weights."""
    config = recipe.as_model_config(preprocessing)
    with_weights = {name.split(".")[0] for name, _ in method.named_parameters()}
    parts = tuple(role for role in config.components if role.split(".")[0] in with_weights)
    return config.model_copy(
        update={
            "trained_parts": parts if trained else (),
            "provenance": Provenance(
                recipe=recipe.name,
                seed=recipe.seed,
                datasets=tuple(recipe.sets),
                subjects=tuple(subjects),
                excluded_labels=recipe.data.exclude_labels if len(recipe.sets) == 1 else (),
                sslts_version=installed_version(),
                licence=recipe.licence,
            ),
        }
    )
