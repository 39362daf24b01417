"""An index: what it holds, what it refuses, and that a damaged file is never searched."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from tiny_e4 import tiny_model
from tiny_text import compass, tiny_jepa, walk

import sslts
from sslts.config import ComponentRef, Provenance
from sslts.errors import ArtefactError, ConfigError, IndexCorruptedError, IndexMismatchError, LengthError
from sslts.hub.artefact import sha256_of
from sslts.model import Model
from sslts.retrieval.identity import digest
from sslts.retrieval.index import Index

pytestmark = pytest.mark.filterwarnings("ignore::sslts.errors.VocabularyWarning")

EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)
TRIPS = (walk(EAST, NORTH, subject="anna", session="monday", start_unix=1e9), walk(None, (3.0, 4.0)))


@pytest.fixture
def index() -> Index:
    return compass().index(TRIPS)


@pytest.fixture
def folder(index: Index, tmp_path: Path) -> Path:
    return index.save(tmp_path / "idx")


def reseal(folder: Path, **changed: object) -> None:
    about = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    about |= {"sha256": sha256_of(folder / "vectors.safetensors"), **changed}
    (folder / "index.json").write_text(json.dumps(about), encoding="utf-8")


def test_it_has_a_unit_row_for_each_window_with_data(index):
    assert len(index) == 3
    np.testing.assert_allclose(index.words, [EAST, NORTH, (0.6, 0.8)], atol=1e-6)
    np.testing.assert_allclose(index.sensors, [(0, 1), (-1, 0), (-0.8, 0.6)], atol=1e-6)
    assert (index.time_s.tolist(), index.recording.tolist()) == ([0, 2, 2], [0, 0, 1])
    assert repr(index) == "Index(3 windows of 2 s, 2 recordings, by compass)"


def test_searching_it_is_searching_the_recordings(index):
    model = compass()
    assert list(model.search(index, "east")) == list(model.search(TRIPS, "east"))
    example = TRIPS[0].window(start_s=2.0)
    assert list(model.search(index, example)) == list(model.search(TRIPS, example))


def test_faiss_gives_the_same_hits(index):
    pytest.importorskip("faiss")
    model = compass()
    assert [hit.start_s for hit in model.search(index.with_faiss(), "east")] == [hit.start_s for hit in model.search(index, "east")]


def test_a_stored_index_finds_the_same(index, folder):
    loaded = sslts.Index.load(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["index.json", "vectors.safetensors"]
    for name in ("words", "sensors", "time_s", "recording"):
        assert np.array_equal(getattr(loaded, name), getattr(index, name))
        assert getattr(loaded, name).dtype == getattr(index, name).dtype
    assert (loaded.recordings, loaded.maker, loaded.window_s, loaded.normalise) == (
        index.recordings,
        index.maker,
        index.window_s,
        index.normalise,
    )
    assert list(compass().search(compass().load_index(folder), "east")) == list(compass().search(index, "east"))


def test_half_precision_takes_half_the_space_and_nearly_the_same_cosines(tmp_path):
    made = np.random.default_rng(0)
    given = walk(*map(tuple, made.normal(size=(500, 2))))
    index = compass().index(given)
    whole, half = (index.save(tmp_path / str(half), half=half) / "vectors.safetensors" for half in (False, True))
    assert half.stat().st_size < 0.8 * whole.stat().st_size  # times stay float64
    loaded = Index.load(half.parent)
    assert loaded.words.dtype == np.float32
    assert np.abs(loaded.words @ np.float32([0.6, 0.8]) - index.words @ np.float32([0.6, 0.8])).max() < 5e-4


def test_a_model_without_text_keeps_one_set_of_vectors(small_spec, tmp_path):
    from sslts.data.recording import Recording

    model = tiny_model(small_spec)
    given = Recording.from_arrays({"eda": np.linspace(1, 2, 80)}, rate_hz=4, units={"eda": "uS"})
    index = model.index(given)
    assert index.words is None
    loaded = model.load_index(index.save(tmp_path / "idx"))
    assert loaded.words is None
    assert np.array_equal(loaded.sensors, index.sensors)


def test_one_space_for_words_and_sensors_is_stored_once(index, tmp_path):
    same = replace(index, words=index.sensors, nearest={})
    folder = same.save(tmp_path / "idx")
    assert "words" not in safetensors.numpy.load_file(folder / "vectors.safetensors")
    loaded = Index.load(folder)
    assert loaded.words is loaded.sensors


def test_an_index_that_is_there_is_kept_unless_told_otherwise(index, folder, tmp_path):
    with pytest.raises(ArtefactError, match="not empty"):
        index.save(folder)
    index.save(folder, overwrite=True)
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ArtefactError, match=r"notes\.txt, which is not part of a search index"):
        index.save(folder, overwrite=True)
    assert len(Index.load(folder)) == 3
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(ArtefactError, match="is a file"):
        index.save(tmp_path / "file")


def test_a_write_that_fails_leaves_what_was_there(index, folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtefactError, match="cannot be written .*No space left"):
        index.save(folder, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


# --- whose index it is -------------------------------------------------------------------------------------------------


def test_an_index_of_other_weights_is_refused_with_both_names(folder):
    other = tiny_jepa(name="other")
    alike = Model(compass(name="twin").config, compass().method)
    assert len(alike.load_index(folder)) == 3, "a new name changes no embedding"
    index = tiny_jepa(seed=0).index(worn())
    with pytest.raises(IndexMismatchError, match=r"made by 'tiny-jepa' .*this model is 'tiny-jepa'.*index the recordings anew"):
        tiny_jepa(seed=1).search(index, "walking")
    with pytest.raises(IndexMismatchError, match="made by 'compass' .*this model is 'other'"):
        other.load_index(folder)


def test_an_index_of_another_text_tower_is_refused_with_both_towers(index):
    model = compass()
    options = {**model.config.components["text_encoder"].options, "revision": "newer"}
    config = model.config.model_copy(update={"components": {"text_encoder": ComponentRef(name="static", options=options)}})
    with pytest.raises(IndexMismatchError, match=r"text tower 'static' \(revision example.*has text tower 'static' \(revision newer"):
        Model(config, model.method).search(index, "east")


def test_identity_is_of_what_decides_an_embedding():
    model = compass()
    state = model.method.state_dict()
    same = digest(model.config, state)
    renamed = model.config.model_copy(update={"name": "x", "provenance": Provenance(recipe="y")})
    assert digest(renamed, state) == same
    assert digest(model.config, {**state, "temperature": state["temperature"] * 2}) == same
    assert digest(compass(window_s=4.0).config, state) != same
    changed = {name: tensor.clone() for name, tensor in state.items()}
    changed["text_encoder.scales"][0] += 1
    assert digest(model.config, changed) != same


def test_a_saved_and_loaded_model_reads_its_own_index(tmp_path):
    from sslts.model import from_folder

    model = tiny_jepa()
    index = model.index(worn())
    loaded = from_folder(model.save(tmp_path / "model"))
    assert list(loaded.search(index, "walking")) == list(model.search(index, "walking"))


def test_an_index_has_its_own_windows(index):
    for given in ({"stride_s": 1.0}, {"normalise": "artefact"}, {"rate_hz": 5.0}):
        with pytest.raises(ConfigError, match=f"leave out {next(iter(given))}"):
            compass().search(index, "east", **given)


# --- damage ------------------------------------------------------------------------------------------------------------


def test_a_flipped_byte_is_noticed(folder):
    path = folder / "vectors.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(IndexCorruptedError, match=r"index\.json says .* Copy it again, or index the recordings anew"):
        Index.load(folder)


@pytest.mark.parametrize("left", [0, 4, 100, -1])
def test_a_truncated_file_is_noticed(folder, left):
    path = folder / "vectors.safetensors"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(IndexCorruptedError, match=r"vectors\.safetensors"):
        Index.load(folder)


def test_a_folder_that_is_no_index_or_lacks_a_file_is_refused(folder, tmp_path):
    with pytest.raises(IndexCorruptedError, match="is not an index"):
        Index.load(tmp_path)
    with pytest.raises(IndexCorruptedError, match="is not an index"):
        Index.load(tmp_path / "nowhere")
    (folder / "vectors.safetensors").unlink()
    with pytest.raises(IndexCorruptedError, match="missing or not a file"):
        Index.load(folder)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"schema_version": 2}, "format 2, this sslts knows up to 1"),
        ({"schema_version": "1"}, "schema_version"),
        ({"format": "other"}, "format"),
        ({"windows": 4}, "expected 4 rows"),
        ({"windows": -1}, "windows"),
        ({"window_s": "NaN"}, "window_s"),
        ({"normalise": "maybe"}, "normalise"),
        ({"extra": 1}, "extra: unknown key"),
        ({"recordings": []}, "recordings"),
        ({"recordings": [{"subject": None, "session": None, "start_unix": None}]}, "names recording 1"),
        ({"digest": "abc"}, "digest"),
    ],
)
def test_an_index_json_that_says_something_else_is_refused(folder, changed, complaint):
    reseal(folder, **changed)
    with pytest.raises(IndexCorruptedError, match=complaint):
        Index.load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": "sslts-index", "format": "x"}', "\xff"])
def test_an_index_json_that_is_no_json_object_is_refused(folder, text):
    (folder / "index.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(IndexCorruptedError):
        Index.load(folder)


@pytest.mark.parametrize(
    "tensors",
    [
        {"words": np.zeros((3, 2), np.float64)},
        {"words": np.zeros(3, np.float32)},
        {"sensors": np.zeros((2, 2), np.float32)},
        {"sensors": None},
        {"words": None},
        {"time_s": None},
        {"recording": np.zeros(3, np.int64)},
        {"recording": np.full(3, -1, np.int32)},
        {"more": np.zeros((3, 1), np.float32)},
    ],
)
def test_vectors_of_other_names_shapes_or_kinds_are_refused_though_the_hash_fits(folder, tensors):
    path = folder / "vectors.safetensors"
    held = {**safetensors.numpy.load_file(path), **tensors}
    safetensors.numpy.save_file({name: tensor for name, tensor in held.items() if tensor is not None}, path)
    reseal(folder)
    with pytest.raises(IndexCorruptedError):
        Index.load(folder)


def test_parts_of_different_length_are_no_index(index):
    with pytest.raises(LengthError, match="An index needs"):
        replace(index, time_s=index.time_s[:2])


def worn():
    from sslts.data.recording import Recording

    time_s = np.arange(400) / 50
    turning = np.stack([np.sin(9 * time_s), 0.5 * np.cos(4 * time_s), 1 + 0.2 * np.sin(2 * time_s)], axis=1)
    return Recording.from_arrays({"acc": turning}, rate_hz=50, units={"acc": "g"})
