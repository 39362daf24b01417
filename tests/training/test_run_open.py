"""From a recipe of several data sets to a model of words: the same bytes however the run was cut up, and nothing read that is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_har import dsads, motionsense, utd

from sslts.config import parse
from sslts.data import readers
from sslts.errors import CheckpointError, ConfigError, TrainingInterrupted
from sslts.interfaces import Method
from sslts.methods.sensor_text_jepa import SensorTextJEPA
from sslts.model import load
from sslts.text import static_ref
from sslts.training.recipe import Recipe
from sslts.training.run import Trained, run_recipe
from sslts.types import TEXTS, SensorBatch

SETS = [
    {"reader": "motionsense", "root": "MotionSense", "exclude_labels": ["walking"]},
    {"reader": "utd-mhad-inertial", "root": "UTD", "short": "pad"},
]


def recipe(**changes: Any) -> Recipe:
    """Three data sets, two people each, two epochs of three steps of eight windows, then the closed form on 40."""
    base: dict[str, Any] = {
        "name": "open",
        "seed": 1,
        "data": {"reader": "dsads", "root": "DSADS", "exclude_labels": ["sitting"]},
        "more": SETS,
        "augment": {"rotate_deg": 10, "any_rotation": 0.5},
        "texts": {"activities": "activities"},
        "spec": {"modalities": {"rate_hz": 25, "units": {"accelerometer": "g", "gyroscope": "rad/s"}}, "window_s": 5, "stride_s": 5},
        "preprocessing": {"normalise": "none"},
        "method": {"name": "sensor-text-jepa", "options": {"sensors": [1, 2], "vague": 0.3}},
        "components": {
            "encoder": {
                "name": "described-transformer",
                "options": {"embed_dim": 16, "depth": 1, "heads": 2, "patch_s": 2.5, "points": 24, "components": 24, "dropout": 0.1},
            },
            "predictor": {"name": "latent", "options": {"dim": 8, "depth": 1, "heads": 2}},
            "aggregator": {"name": "described", "options": {"slots": 12, "keep": 4}},
            "text_encoder": static_ref().model_dump(),
            "maskers.block": {"name": "block"},
            "objective": {"name": "smooth-l1"},
            "alignment": {"name": "semantic"},
            "agreement": {"name": "info-nce"},
            "moments": {"name": "described-waves", "options": {"embed_dim": 4, "width": 8, "points": 16, "hidden": 8}},
        },
        "batch_size": 8,
        "epochs": 2,
        "windows_per_epoch": 24,
        "prepare_windows": 32,
        "conclude_windows": 30,
        "conclude_changed": 10,
        "checkpoint_every": 2,
        "monitor": {"every": 2, "windows": 16, "knn_k": 3, "validation_subjects": ["dsads:p2", "utd-mhad-inertial:s2"]},
    }
    checked: Recipe = parse(Recipe, base | changes, "open")
    return checked


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("data")
    dsads(where / "DSADS")
    motionsense(where / "MotionSense")
    utd(where / "UTD")
    return where


@pytest.fixture(scope="module")
def run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Trained]:
    store = tmp_path_factory.mktemp("stores")

    def run(given: Recipe, out: Path, **options: Any) -> Trained:
        return run_recipe(given, out=out, progress=False, **{"store": store, "root": root} | options)

    return run


@pytest.fixture(scope="module")
def watched() -> list[SensorBatch]:
    """Every batch that the whole run read to learn from."""
    return []


@pytest.fixture(scope="module")
def whole(run, watched, tmp_path_factory) -> Trained:
    loss, prepare, conclude = SensorTextJEPA.training_loss, SensorTextJEPA.prepare, SensorTextJEPA.conclude

    def noted(batch: SensorBatch) -> SensorBatch:
        watched.append(batch)
        return batch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SensorTextJEPA, "training_loss", lambda self, batch, **named: loss(self, noted(batch), **named))
        patch.setattr(SensorTextJEPA, "prepare", lambda self, batch: prepare(self, noted(batch)))
        patch.setattr(SensorTextJEPA, "conclude", lambda self, *both, **named: conclude(self, *(map(noted, one) for one in both), **named))
        return run(recipe(), tmp_path_factory.mktemp("whole"))


def weights(trained: Trained) -> bytes:
    return (trained.folder / "model.safetensors").read_bytes()


def test_a_recipe_of_several_sets_becomes_a_model_that_loads_and_names_windows(whole, root):
    loaded = load(whole.folder)
    person = readers.motionsense(root / "MotionSense", "sub_1/wlk_7")
    found = loaded.encode(person)
    assert np.array_equal(found.values, whole.model.encode(person).values)
    assert found.values.shape == (4, 13 * 4 + 16 + 4 + 192)
    named = loaded.classify(person, ["walking", "sitting"])
    assert named.scores.sum(1) == pytest.approx(1.0, abs=1e-5)
    provenance = loaded.config.provenance
    assert provenance.datasets == ("dsads", "motionsense", "utd-mhad-inertial")
    assert provenance.subjects == ("dsads:p1", "motionsense:sub_1", "motionsense:sub_2", "utd-mhad-inertial:s1")
    assert loaded.config.preprocessing.fitted_on == provenance.subjects
    assert "target" not in {name.partition(".")[0] for name in loaded.method.state_dict()}


def test_people_and_labels_that_are_left_out_are_never_read(whole, watched):
    subjects = {subject for batch in watched for subject in batch.keys["subject"]}
    assert subjects == {"dsads:p1", "motionsense:sub_1", "motionsense:sub_2", "utd-mhad-inertial:s1"}
    told = {(name, words[0]) for batch in watched for name, words in zip(batch.keys["set"], batch.keys[TEXTS], strict=True)}
    assert told == {
        ("dsads", "walking in a parking lot"),
        ("motionsense", "sitting"),
        ("utd-mhad-inertial", "right arm swipe to the left"),
        ("utd-mhad-inertial", "jogging in place"),
    }
    assert sum(len(batch) for batch in watched) == 32 + 2 * 24 + 40, "prepare, train, conclude"


def test_training_steps_conclude_and_calibration_each_leave_their_mark(whole, run, tmp_path):
    method = whole.model.method
    assert whole.result.steps == 6
    assert whole.result.history[-1].knn is not None
    assert float(method.temperature) != pytest.approx(0.1)
    assert method.text_space.centre.any()
    assert method.aggregator.used.any()
    open_end = run(recipe(conclude_windows=0, conclude_changed=0), tmp_path / "open").model.method
    differing = {name for name, value in method.state_dict().items() if not torch.equal(value, open_end.state_dict()[name])}
    head = {"head.meaning.weight", "head.meaning.bias", "head.mean", "head.spread", "head.components", "head.richest"}
    assert head <= differing <= {*head, "temperature"}


def test_the_same_recipe_gives_the_same_bytes_in_another_folder_and_store(whole, run, tmp_path):
    again = run(recipe(), tmp_path / "again", store=None)
    assert weights(again) == weights(whole)
    assert (again.folder / "config.json").read_bytes() == (whole.folder / "config.json").read_bytes()


def test_another_seed_gives_other_weights(whole, run, tmp_path):
    assert weights(run(recipe(seed=2), tmp_path)) != weights(whole)


def test_a_run_that_is_interrupted_and_taken_up_again_ends_the_same(whole, run, tmp_path, monkeypatch):
    loss, asked = SensorTextJEPA.training_loss, []

    def stops(self: Method, *given: Any, **named: Any) -> Any:
        asked.append(None)
        if len(asked) == 5:
            raise TrainingInterrupted("as if by a kill")
        return loss(self, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(SensorTextJEPA, "training_loss", stops)
        with pytest.raises(TrainingInterrupted):
            run(recipe(), tmp_path)
    assert not (tmp_path / "artefact").exists()
    resumed = run(recipe(), tmp_path)
    assert resumed.result.resumed_from == 4
    assert weights(resumed) == weights(whole)
    finished = run(recipe(), tmp_path)
    assert finished.result.resumed_from == 6
    assert weights(finished) == weights(whole), "a finished run concludes again, from the same weights"


def test_subjects_of_the_call_replace_the_recipes(run, tmp_path):
    trained = run(recipe(epochs=1, windows_per_epoch=4), tmp_path, subjects=["motionsense:sub_2", "dsads:p2"])
    assert trained.model.config.provenance.subjects == ("motionsense:sub_2",), "who is watched is not trained on"


def test_fewer_labels_to_read_are_other_windows(run, tmp_path):
    """Which labels a run may read decides its weights: its checkpoints are not taken for another's."""
    run(recipe(epochs=1), tmp_path, labelled=[])
    with pytest.raises(CheckpointError):
        run(recipe(epochs=1), tmp_path)


def test_an_untrained_model_is_fitted_and_concluded_but_says_that_nothing_is_trained(run, tmp_path):
    untrained = run(recipe(), tmp_path, train_weights=False)
    assert untrained.result is None
    assert load(untrained.folder).config.trained_parts == ()
    method = untrained.model.method
    assert method.encoder.front_end.reduction.mean.any()
    assert method.head.meaning.bias.any()
    assert not (tmp_path / "checkpoints").exists()


def test_a_recipe_without_roots_asks_for_them(tmp_path):
    bare = recipe(data={"reader": "dsads"}, more=[])
    with pytest.raises(ConfigError, match="'dsads' names no root"):
        run_recipe(bare, out=tmp_path, progress=False)
