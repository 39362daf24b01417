"""From a recipe to an artefact: the same recipe gives the same bytes, however the work was cut up or kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sslts.config import Preprocessing, parse
from sslts.data import Recording, specs, synthetic
from sslts.errors import CheckpointError, ConfigError, ReaderError, TrainingError, TrainingInterrupted
from sslts.interfaces import Method
from sslts.methods.crossl import CroSSL
from sslts.model import load
from sslts.training import run as run_module
from sslts.training.recipe import Recipe, load_recipe
from sslts.training.run import Trained, find_recipe, run_recipe
from sslts.training.seeding import initialise
from sslts.types import RateClock, SensorBatch

KINDS = {"acc": "motion", "bvp": "pulse", "eda": "electrodermal", "temp": "temperature"}
PARTS: dict[str, Any] = {"masker": {"name": "spatial"}, "objective": {"name": "vicreg"}}


def recipe(**changes: Any) -> Recipe:
    """Three invented people of two minutes, raw windows of 10 s, one small convolution a modality."""
    block = {"filters": [8], "kernels": [4], "strides": [4]}
    base: dict[str, Any] = {
        "name": "small",
        "seed": 1,
        "data": {"reader": "synthetic", "options": {"subjects": 3, "segment_s": 20}, "root": "."},
        "spec": specs.empatica_e4(window_s=10, stride_s=10).model_dump(),
        "method": {"name": "crossl"},
        "components": {
            **{f"encoders.{name}": {"name": "tcn", "options": block} for name in KINDS},
            "aggregator": {"name": "mean"},
            **PARTS,
        },
        "batch_size": 16,
        "epochs": 2,
        "checkpoint_every": 1,
        "monitor": {"every": 1, "windows": 64, "knn_k": 3},
    }
    checked: Recipe = parse(Recipe, base | changes, "small")
    return checked


def described(**changes: Any) -> Recipe:
    """The same with fixed descriptors, whose front end is computed once."""
    small = {"thresholds": 1, "components": 8, "keep_shares": 4, "keep_described": 4, "hidden": 8, "learned": 4}
    components = {
        **{f"encoders.{name}": {"name": "descriptor", "options": {"kind": kind, **small}} for name, kind in KINDS.items()},
        "aggregator": {"name": "completion", "options": {"keep": 6, "summary": 4, "hidden": 8}},
        **PARTS,
    }
    spec = specs.empatica_e4(window_s=30, stride_s=10).model_dump()
    data = {"reader": "synthetic", "options": {"subjects": 3, "segment_s": 40}, "root": "."}  # a window must lie inside a label to have it
    return recipe(spec=spec, data=data, components=components, preprocessing={"normalise": "none"}, **changes)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the windows of raw recipes are kept for this file."""
    return tmp_path_factory.mktemp("raw") / "windows"


@pytest.fixture(scope="module")
def run(store: Path) -> Callable[..., Trained]:
    def run(given: Recipe, out: Path, **options: Any) -> Trained:
        return run_recipe(given, out=out, progress=False, **{"store": store} | options)

    return run


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory) -> Trained:
    return run(recipe(), tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def described_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("described") / "windows"


def weights(trained: Trained) -> bytes:
    return (trained.folder / "model.safetensors").read_bytes()


def test_a_recipe_becomes_a_model_folder_that_loads_and_encodes(whole):
    loaded = load(whole.folder)
    person = synthetic.recording(seed=9, duration_s=40)
    found = loaded.encode(person)
    assert np.array_equal(found.values, whole.model.encode(person).values)
    assert found.values.shape == (4, 8)
    assert loaded.config.provenance.subjects == ("P1", "P2", "P3")
    assert loaded.config.provenance.datasets == ("synthetic",)
    assert loaded.config.preprocessing.fitted_on == ("P1", "P2", "P3")
    assert set(loaded.config.trained_parts) == {f"encoders.{name}" for name in KINDS}
    assert [record.epoch for record in whole.result.history] == [1, 2]


def test_the_same_recipe_gives_the_same_bytes_in_another_folder_and_store(whole, run, tmp_path):
    again = run(recipe(), tmp_path / "again", store=None)
    assert weights(again) == weights(whole)
    assert (again.folder / "config.json").read_bytes() == (whole.folder / "config.json").read_bytes()


def test_another_seed_gives_other_weights(whole, run, tmp_path):
    assert weights(run(recipe(seed=2), tmp_path)) != weights(whole)


def test_a_run_that_is_interrupted_and_taken_up_again_ends_the_same(whole, run, tmp_path, monkeypatch):
    loss, asked = CroSSL.training_loss, []

    def stops(self: Method, *given: Any, **named: Any) -> Any:
        asked.append(None)
        if len(asked) == 3:
            raise TrainingInterrupted("as if by a kill")
        return loss(self, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(CroSSL, "training_loss", stops)
        with pytest.raises(TrainingInterrupted):
            run(recipe(), tmp_path)
    assert not (tmp_path / "artefact").exists()
    resumed = run(recipe(), tmp_path)
    assert resumed.result.resumed_from == 2
    assert weights(resumed) == weights(whole)


def test_front_ends_from_the_cache_give_the_weights_of_a_run_without(run, tmp_path, described_store, monkeypatch):
    options = {"store": described_store, "subjects": ("P1", "P3")}
    plain = run(described(), tmp_path / "plain", **options)
    first = run(described(), tmp_path / "first", cache=tmp_path / "cache", **options)
    (kept,) = (tmp_path / "cache").iterdir()
    written = kept.stat().st_mtime_ns
    second = run(described(), tmp_path / "second", cache=tmp_path / "cache", **options)
    assert kept.stat().st_mtime_ns == written
    assert weights(first) == weights(plain) == weights(second)
    assert load(second.folder).config.provenance.subjects == ("P1", "P3")


def test_a_damaged_cache_is_computed_again(run, tmp_path, described_store, caplog):
    options = {"store": described_store, "cache": tmp_path / "cache"}
    first = run(described(epochs=1), tmp_path / "first", **options)
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(b"junk")
    with caplog.at_level(logging.WARNING):
        second = run(described(epochs=1), tmp_path / "second", **options)
    assert "computing it again" in caplog.text
    assert weights(first) == weights(second)


@pytest.mark.parametrize("make", [recipe, described], ids=["raw", "fronted"])
def test_validation_subjects_are_held_out_and_watched_with_neighbours(make, run, tmp_path, store, described_store):
    watched = make(monitor={"every": 1, "windows": 64, "knn_k": 3, "validation_subjects": ["P2"]})
    places = {"store": store if make is recipe else described_store}
    trained = run(watched, tmp_path / "watched", **places)
    assert trained.model.config.provenance.subjects == ("P1", "P3")
    assert trained.model.config.preprocessing.fitted_on == ("P1", "P3")
    assert all(record.knn is not None and 0 <= record.knn <= 1 for record in trained.result.history)
    # Watching decides nothing: leaving P2 out by name gives the same weights.
    assert weights(trained) == weights(run(make(), tmp_path / "apart", subjects=("P1", "P3"), **places))


def test_nobody_is_watched_without_validation_subjects(whole):
    assert all(record.knn is None and record.rankme is not None for record in whole.result.history)


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"reader": "synthetic", "options": {"subjects": 3, "segment_s": 20}, "root": ".", "subjects": ["P1", "P9"]}},
        {"data": {"reader": "synthetic", "options": {"subjects": 3, "segment_s": 20}, "root": ".", "exclude": ["P9"]}},
        {"monitor": {"validation_subjects": ["P9"]}},
    ],
)
def test_an_unknown_subject_is_refused_with_the_known_ones(run, tmp_path, change):
    with pytest.raises(ConfigError, match=r"no subject P9\. It has P1, P2, P3"):
        run(recipe(**change), tmp_path)


def test_subjects_given_in_the_call_are_checked_against_validation_subjects(run, tmp_path):
    with pytest.raises((ConfigError, ValueError), match="share P2"):
        run(recipe(monitor={"validation_subjects": ["P2"]}), tmp_path, subjects=["P1", "P2"])


def test_a_recipe_that_leaves_nobody_is_refused(run, tmp_path):
    data = {"reader": "synthetic", "options": {"subjects": 3, "segment_s": 20}, "root": ".", "exclude": ["P1", "P2", "P3"]}
    with pytest.raises(TrainingError, match="selects no subject"):
        run(recipe(data=data), tmp_path)


def test_a_recipe_without_a_root_asks_for_one(tmp_path):
    with pytest.raises(ConfigError, match="names no data.root"):
        run_recipe(recipe(data={"reader": "synthetic"}), out=tmp_path, progress=False)


@pytest.mark.parametrize("normalise", ["artefact", "recording", "none"])
def test_every_way_of_normalising_trains_and_loads(run, tmp_path, normalise):
    trained = run(recipe(preprocessing={"normalise": normalise}, epochs=1), tmp_path)
    preprocessing = load(trained.folder).config.preprocessing
    assert bool(preprocessing.statistics) == (normalise != "none")
    assert preprocessing.recording == ("embedding" if normalise == "none" else "input")


def test_an_untrained_model_says_that_nothing_in_it_is_trained(run, tmp_path, described_store):
    untrained = run(described(), tmp_path, store=described_store, train_weights=False)
    assert untrained.result is None
    assert load(untrained.folder).config.trained_parts == ()
    state, fresh = untrained.model.method.state_dict(), initialise(described(), Preprocessing()).state_dict()
    learned = dict(untrained.model.method.named_parameters())
    assert all(np.array_equal(state[name], fresh[name]) for name in learned)
    # The front ends' statistics, which need no gradient, are fitted all the same.
    assert any(not np.array_equal(state[name], fresh[name]) for name in state if name not in learned)


def test_what_is_trained_on_is_what_is_encoded(run, tmp_path, monkeypatch):
    """The windows that a plain encoder sees in training keep their rate and their channels, as `encode` gives them."""
    seen: list[SensorBatch] = []
    loss = CroSSL.training_loss

    def watch(self: Method, batch: SensorBatch, **named: Any) -> Any:
        seen.append(batch)
        return loss(self, batch, **named)

    monkeypatch.setattr(CroSSL, "training_loss", watch)
    trained = run(recipe(epochs=1), tmp_path)
    batch = seen[0]
    spec = trained.model.config.spec
    assert [signal.clock for signal in batch.signals.values()] == [RateClock(modality.rate_hz) for modality in spec.named]
    assert [signal.channels for signal in batch.signals.values()] == [modality.channels for modality in spec.named]


def test_data_that_changed_are_not_taken_for_those_of_a_finished_run(run, tmp_path):
    """The same names, another sensor gain: the checkpoint belongs to other windows."""
    run(recipe(epochs=1), tmp_path, store=tmp_path / "first")
    other = {"reader": "synthetic", "options": {"subjects": 3, "segment_s": 20, "seed": 7}, "root": "."}
    with pytest.raises(CheckpointError):
        run(recipe(epochs=1, data=other), tmp_path, store=tmp_path / "second")


def test_a_model_trained_on_each_recordings_statistics_encodes_with_them(run, tmp_path):
    loaded = load(run(recipe(preprocessing={"normalise": "recording"}, epochs=1), tmp_path).folder)
    person = synthetic.recording(seed=9, duration_s=40)
    assert loaded.encode(person).normalise == "recording"
    assert np.array_equal(loaded.encode(person).values, loaded.encode(person, normalise="recording").values)
    assert not np.allclose(loaded.encode(person).values, loaded.encode(person, normalise="artefact").values)


def test_only_the_leading_process_writes_the_model(run, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "leads", lambda: False)
    trained = run(recipe(epochs=1), tmp_path)
    assert not trained.folder.exists()


# --- recipes -----------------------------------------------------------------------------------------------------------


def test_a_session_that_cannot_be_read_stops_a_run_or_is_left_out_when_asked(run, tmp_path, monkeypatch, caplog):
    read, name = synthetic.Synthetic.read, "P2"

    def damaged(self: synthetic.Synthetic, root: Path, *, session: str | None = None) -> Recording:
        if session == name:
            raise ReaderError(f"{name} is damaged.")
        return read(self, root, session=session)

    monkeypatch.setattr(synthetic.Synthetic, "read", damaged)
    with pytest.raises(ReaderError, match="is damaged"):
        run(recipe(epochs=1), tmp_path / "refused", store=tmp_path / "store")
    skipping = recipe(epochs=1, data={**recipe().data.model_dump(), "broken": "skip"})
    with caplog.at_level(logging.WARNING, logger="sslts.data.store_build"):
        done = run(skipping, tmp_path / "skipped", store=tmp_path / "store")
    assert f"{name} is damaged" in caplog.text
    assert done.model.config.provenance.subjects == ("P1", "P3")


def test_a_misspelt_recipe_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"Did you mean 'crossl-wesad'\? Bundled recipes: crossl-paper, crossl-paper-wrist, crossl-wesad"):
        find_recipe("crossl-wesat")


def test_a_path_is_taken_as_it_is(tmp_path):
    assert find_recipe(tmp_path / "mine.yaml") == tmp_path / "mine.yaml"


def test_the_papers_model_has_exactly_its_number_of_parameters():
    """Three encoders and the aggregator, weights by hand from the paper's layers (kernel * in * out + bias + norm 2 * out + PReLU out)."""
    made = initialise(load_recipe(find_recipe("crossl-paper")))
    encoder = sum(k * i * o + o + 2 * o + o for i, o, k in [(1, 24, 24), (24, 48, 16), (48, 96, 8)])
    aggregator = (3 * 96 * 64 + 64) + (64 * 32 + 32) + (32 * 32 + 32) + 2 * 32
    assert 3 * encoder + aggregator == 191_328
    counted = {name: sum(p.numel() for p in getattr(made, name).parameters()) for name in ("encoders", "aggregator")}
    assert counted == {"encoders": 3 * encoder, "aggregator": aggregator}


def test_the_published_recipe_builds_and_reads_the_wristbands_four_signals():
    published = load_recipe(find_recipe("crossl-wesad"))
    made = initialise(published)
    assert published.spec.names == ("acc", "bvp", "eda", "temp")
    assert published.preprocessing.normalise == "none"
    options = published.components["aggregator"].options
    assert made.embed_dim == 4 * options["keep"] + options["summary"]


@pytest.mark.parametrize(
    "path", sorted(Path(run_module.__file__).parents[1].joinpath("recipes").glob("*.yaml")), ids=lambda path: path.stem
)
def test_a_bundled_recipe_is_named_like_its_file(path):
    assert load_recipe(path).name == path.stem
    assert find_recipe(path.stem) == path
