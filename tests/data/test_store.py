import errno
import json
import multiprocessing
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sslts.config import SensorSpec
from sslts.data import Recording, Source, WindowStore, build_store, cut, fit_statistics, labelled_windows, prepare, synthetic, window_starts
from sslts.data.specs import empatica_e4
from sslts.errors import ConfigError, LengthError, ReaderError

SPEC = empatica_e4(window_s=10, stride_s=5, bvp_hz=32)


def person(number, **changes):
    recording = synthetic.recording(seed=number, duration_s=45, subject=f"P{number}")
    return replace(recording, **changes)


def gappy(number):
    recording = person(number)
    bvp = recording.streams["bvp"]
    values = np.array(bvp.values)
    values[640:1001] = np.nan
    return replace(recording, streams={**recording.streams, "bvp": replace(bvp, values=values)})


@pytest.fixture
def folder(tmp_path):
    build_store(tmp_path, [person(1), gappy(2), person(3).without("eda")], SPEC)
    return tmp_path


class Counting(synthetic.Reader):
    """A reader of two files that counts how often it reads."""

    def __init__(self, config):
        super().__init__(config)
        self.reads = []

    def sessions(self, root):
        return tuple(sorted(path.stem for path in root.glob("*.seed")))

    def files(self, root, session):
        return (root / f"{session}.seed",)

    def read(self, root, *, session=None):
        self.reads.append(session)
        return synthetic.recording(seed=int((root / f"{session}.seed").read_text()), duration_s=30, subject=session)


def test_a_window_of_the_store_equals_the_same_cut_of_its_recording(folder):
    store = WindowStore.open(folder)
    for number, recording in enumerate([person(1), gappy(2), person(3).without("eda")]):
        rows = np.flatnonzero(store.index.session == number)
        expected = cut(prepare(recording, SPEC), SPEC, store.index.start_s[rows])
        stored = store.windows(rows)
        for name, part in expected.items():
            for mine, theirs in zip(stored[name], part, strict=True):
                np.testing.assert_array_equal(mine, theirs)
    assert not stored["eda"].present.any()
    assert store.index.present[:, SPEC.names.index("eda")].tolist() == [True] * 16 + [False] * 8


def test_the_index_is_the_grid_of_each_session(folder):
    store = WindowStore.open(folder)
    grid = window_starts(person(1), window_s=10, stride_s=5)
    assert store.index.start_s.tolist() == [*grid] * 3
    assert len(store) == 24
    assert store.keys([0, 23]) == {"subject": ["P1", "P3"], "session": ["P1", "P3"], "start_s": [0.0, 35.0]}


def test_windows_come_in_the_order_asked_for(folder):
    store = WindowStore.open(folder)
    rows = [23, 0, 9, 9]
    together = store.windows(rows)["acc"].values
    for place, row in enumerate(rows):
        np.testing.assert_array_equal(together[place], store.windows([row])["acc"].values[0])
    assert store.windows([])["acc"].values.shape == (0, 3, 320)


def test_windows_off_the_grid_and_beyond_the_end_follow_the_rule_of_cut(folder):
    store = WindowStore.open(folder)
    starts = [-4.0, 8.3, 17.77, 41.0]
    expected = cut(prepare(gappy(2), SPEC), SPEC, starts)
    for name, part in store.windows_at("P2", starts).items():
        for mine, theirs in zip(part, expected[name], strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_subjects_can_be_selected_and_unknown_ones_are_refused(folder):
    store = WindowStore.open(folder)
    assert store.subjects == ("P1", "P2", "P3")
    assert store.select(["P2"]).subjects == ("P2",)
    assert len(store.select(["P2"])) == 8
    with pytest.raises(ConfigError, match="P9"):
        store.select(["P9"])


def test_a_stored_recording_keeps_labels_gaps_and_clock(folder):
    stored, original = WindowStore.open(folder).recording("P2"), prepare(gappy(2), SPEC)
    assert (stored.subject, stored.labels, stored.start_unix) == (original.subject, original.labels, original.start_unix)
    np.testing.assert_array_equal(stored.streams["bvp"].observed, original.streams["bvp"].observed)
    assert len(labelled_windows(stored, window_s=10, stride_s=5)) == 8


def test_statistics_from_a_store_are_those_from_its_recordings(folder):
    spec = SPEC.model_copy(update={"modalities": (SPEC.modality("acc"), SPEC.modality("bvp"))})
    stored = fit_statistics(WindowStore.open(folder), spec, ["P1", "P2"])
    assert stored == fit_statistics([person(1), gappy(2)], spec, ["P1", "P2"])


def test_what_is_built_is_not_read_again_until_its_file_changes(tmp_path):
    root = tmp_path / "raw"
    root.mkdir()
    for name, seed in (("A", 1), ("B", 2)):
        (root / f"{name}.seed").write_text(str(seed))
    reader = Counting.create()
    build_store(tmp_path / "store", Source(reader, root), SPEC)
    build_store(tmp_path / "store", Source(reader, root), SPEC)
    assert reader.reads == ["A", "B"]
    (root / "B.seed").write_text("3")
    build_store(tmp_path / "store", Source(reader, root), SPEC)
    assert reader.reads == ["A", "B", "B"]
    build_store(tmp_path / "store", Source(reader, root), SPEC, stride_s=2)
    assert reader.reads[3:] == ["A", "B"]


def test_a_build_that_stops_half_way_goes_on_and_is_not_opened_before(tmp_path):
    def interrupted():
        yield person(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_store(tmp_path, interrupted(), SPEC)
    with pytest.raises(ReaderError, match="no finished store"):
        WindowStore.open(tmp_path)
    kept = tmp_path / "sessions" / "P1" / "session.json"
    before = kept.stat().st_mtime_ns
    (tmp_path / "sessions" / ".P2.123").mkdir()  # what a killed process leaves
    assert build_store(tmp_path, [person(1), person(2)], SPEC).subjects == ("P1", "P2")
    assert kept.stat().st_mtime_ns == before
    assert sorted(path.name for path in (tmp_path / "sessions").iterdir()) == ["P1", "P2"]


def test_a_changed_recording_replaces_the_old_one(tmp_path):
    build_store(tmp_path, [person(1)], SPEC)
    store = build_store(tmp_path, [replace(person(4), subject="P1", session="P1")], SPEC)
    expected = cut(prepare(person(4), SPEC), SPEC, [0.0])["acc"].values
    np.testing.assert_array_equal(store.windows([0])["acc"].values, expected)


@pytest.mark.parametrize("name", ["acc.values.npy", "bvp.observed.npy", "starts.npy", "present.npy", "session.json"])
@pytest.mark.parametrize("damage", ["truncate", "empty", "remove", "garbage"])
def test_a_damaged_file_is_named_and_built_again(folder, name, damage):
    path = folder / "sessions" / "P2" / name
    data = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes({"truncate": data[: len(data) // 2], "empty": b"", "garbage": b"\x93NUMPY" + b"\xff" * 100}[damage])
    with pytest.raises(ReaderError, match="P2"):
        WindowStore.open(folder)
    assert len(build_store(folder, [person(1), gappy(2)], SPEC)) == 16


def test_changed_bytes_are_found_by_verify(folder):
    store = WindowStore.open(folder)
    store.verify()
    path = folder / "sessions" / "P1" / "acc.values.npy"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ReaderError, match=r"acc\.values\.npy"):
        WindowStore.open(folder).verify()


@pytest.mark.parametrize(
    "change", [{"sessions": ["P9"]}, {"spec": {}}, {"spec": None}, {"stride_s": "x"}, {"sessions": 3}, {"skipped": ["P9"]}]
)
def test_a_damaged_manifest_is_a_typed_error(folder, change):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises((ReaderError, ConfigError)):
        WindowStore.open(folder)


def test_two_sessions_of_one_name_and_a_spec_for_anything_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="Two sessions are called 'P1'"):
        build_store(tmp_path, [person(1), person(1)], SPEC)
    with pytest.raises(ConfigError, match="named modalities"):
        build_store(tmp_path, [person(1)], SensorSpec(modalities="any", window_s=10, stride_s=5))


def test_a_recording_that_does_not_fit_names_its_session(tmp_path):
    with pytest.raises(LengthError) as caught:
        build_store(tmp_path, [person(1), synthetic.recording(seed=2, duration_s=5, subject="P2")], SPEC)
    assert "session 'P2'" in caught.value.__notes__[0]


@pytest.mark.parametrize("indices", [[24], [-1], [0.5], [[0, 1]]])
def test_indices_outside_are_refused(folder, indices):
    with pytest.raises(LengthError, match="from 0 to 23"):
        WindowStore.open(folder).windows(indices)


def test_names_that_are_no_folder_names_stay_inside_the_store(tmp_path):
    recording = Recording(person(1).streams, subject="../../evil", session="a/b")
    store = build_store(tmp_path / "store", [recording], SPEC)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert store.subjects == ("../../evil",)


def test_a_session_stands_for_a_subject_that_nobody_named(tmp_path):
    nameless = [replace(person(1), subject=None, session="monday"), replace(person(2), subject=None, session="tuesday"), person(3)]
    store = build_store(tmp_path, nameless, SPEC)
    assert store.subjects == ("monday", "tuesday", "P3")
    assert store.select(["monday"]).sessions == ("monday",)
    assert store.keys([0])["subject"] == ["monday"]
    assert [recording.subject for recording in store.recordings(["tuesday"])] == ["tuesday"]


def test_a_session_that_was_stored_without_a_subject_is_built_again(tmp_path):
    nameless = replace(person(1), subject=None, session="monday")
    build_store(tmp_path, [nameless], SPEC)
    path = tmp_path / "sessions" / "monday" / "session.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"subject": None}))
    assert build_store(tmp_path, [nameless], SPEC).subjects == ("monday",)


def test_a_store_can_be_sent_to_another_process(folder):
    store = WindowStore.open(folder)
    store.windows([0])
    copy = pickle.loads(pickle.dumps(store))
    np.testing.assert_array_equal(copy.windows([3])["acc"].values, store.windows([3])["acc"].values)


def test_the_digest_tells_changed_data_although_nothing_else_changed(tmp_path):
    first, same, other = (build_store(tmp_path / str(i), [person(1), person(number)], SPEC) for i, number in enumerate((2, 2, 3)))
    renamed = replace(person(3), subject="P2")
    changed = build_store(tmp_path / "changed", [person(1), renamed], SPEC)
    assert first.digest() == same.digest()
    assert len({first.digest(), other.digest(), changed.digest(), first.select(["P1"]).digest()}) == 4


def build_in_a_process(folder):
    build_store(folder, [person(1), person(2), person(3)], SPEC)


def test_processes_that_build_the_same_store_at_once_do_not_disturb_one_another(tmp_path):
    """As the ranks of one training do: each ends with the whole store."""
    context = multiprocessing.get_context("spawn")
    ranks = [context.Process(target=build_in_a_process, args=(tmp_path,)) for _ in range(4)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(120)
    assert [rank.exitcode for rank in ranks] == [0] * 4
    assert len(WindowStore.open(tmp_path).sessions) == 3
    assert not list((tmp_path / "sessions").glob(".*"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files as Linux shows them")
def test_a_store_of_any_size_keeps_few_files_open(tmp_path, monkeypatch):
    monkeypatch.setattr("sslts.data.store.MAPPED_FILES", 4)
    build_store(tmp_path, [person(number) for number in range(6)], SPEC)
    before = len(os.listdir("/proc/self/fd"))
    store = WindowStore.open(tmp_path)
    assert len(os.listdir("/proc/self/fd")) <= before
    everything = store.windows(np.arange(len(store)))
    assert len(os.listdir("/proc/self/fd")) - before <= 4
    # In an order that comes back to files that were closed.
    for row in [0, len(store) - 1, 0]:
        one = store.windows([row])
        assert all(np.array_equal(part.values[0], everything[name].values[row]) for name, part in one.items())


def test_without_room_for_another_file_nobody_is_told_to_delete_it(folder, monkeypatch):
    def refuse(*args, **options):
        raise OSError(errno.EMFILE, "Too many open files")

    store = WindowStore.open(folder)
    monkeypatch.setattr(np, "load", refuse)
    with pytest.raises(ReaderError, match=r"cannot be opened .*Too many open files.*raise the limit of open files") as caught:
        store.windows([0])
    assert "Delete" not in str(caught.value)
