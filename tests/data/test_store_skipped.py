"""Sessions that cannot be read: they stop a build, or are left out when asked, with their reasons."""

import json
import logging

import numpy as np
import pytest

from sslts.data import Source, WindowStore, build_store, synthetic
from sslts.data.specs import empatica_e4
from sslts.errors import ConfigError, MissingDependencyError, ReaderError

SPEC = empatica_e4(window_s=10, stride_s=5, bvp_hz=32)


def person(number, **options):
    return synthetic.recording(seed=number, subject=f"P{number}", **{"duration_s": 45, **options})


class Broken(synthetic.Reader):
    """A reader some of whose files are damaged, or hold too little; it counts how often it reads."""

    def __init__(self, config):
        super().__init__(config)
        self.reads = []

    def sessions(self, root):
        return tuple(sorted(path.stem for path in root.glob("*.seed")))

    def files(self, root, session):
        return (root / f"{session}.seed",)

    def read(self, root, *, session=None):
        self.reads.append(session)
        text = (root / f"{session}.seed").read_text()
        if text == "damaged":
            raise ReaderError(f"{session}.seed is damaged.")
        return synthetic.recording(seed=1 if text == "short" else int(text), duration_s=5 if text == "short" else 30, subject=session)


@pytest.fixture
def raw(tmp_path):
    """Four sessions, two of which cannot be used."""
    root = tmp_path / "raw"
    root.mkdir()
    for name, text in (("A", "1"), ("B", "damaged"), ("C", "short"), ("D", "2")):
        (root / f"{name}.seed").write_text(text)
    return root


def test_a_broken_session_stops_a_build_and_is_named_unless_it_may_be_skipped(tmp_path, raw):
    with pytest.raises(ReaderError, match=r"B\.seed is damaged") as caught:
        build_store(tmp_path / "store", Source(Broken.create(), raw), SPEC)
    assert "session 'B'" in caught.value.__notes__[0]
    with pytest.raises(ReaderError, match="no finished store"):
        WindowStore.open(tmp_path / "store")


def test_skipped_sessions_are_told_with_their_reasons_and_the_others_are_as_if_they_were_alone(tmp_path, raw, caplog):
    with caplog.at_level(logging.WARNING, logger="sslts.data.store_build"):
        store = build_store(tmp_path / "store", Source(Broken.create(), raw), SPEC, skip_broken=True)
    (record,) = caplog.records
    assert "2 of 4 sessions cannot be read" in record.getMessage()
    assert "B: B.seed is damaged." in record.getMessage()
    assert "C: This recording lasts 5 s" in record.getMessage()
    assert store.sessions == ("A", "D")
    assert list(store.skipped) == ["B", "C"]
    assert store.skipped["B"] == "B.seed is damaged."
    assert WindowStore.open(tmp_path / "store").skipped == store.skipped == store.select(["A"]).skipped
    assert "2 skipped" in repr(store)
    alone = build_store(tmp_path / "alone", Source(Broken.create(), raw, ("A", "D")), SPEC)
    assert store.digest() == alone.digest()
    np.testing.assert_array_equal(store.windows([0, 6])["acc"].values, alone.windows([0, 6])["acc"].values)


def test_skipped_sessions_are_tried_again_and_come_in_when_they_are_mended(tmp_path, raw):
    reader = Broken.create()
    build_store(tmp_path / "store", Source(reader, raw), SPEC, skip_broken=True)
    (raw / "B.seed").write_text("5")
    (raw / "D.seed").write_text("damaged")
    store = build_store(tmp_path / "store", Source(reader, raw), SPEC, skip_broken=True)
    assert reader.reads == [*"ABCD", *"BCD"], "what is built is not read again"
    assert store.sessions == ("A", "B")
    assert list(store.skipped) == ["C", "D"]
    assert sorted(path.name for path in (tmp_path / "store" / "sessions").iterdir()) == ["A", "B"], "what D held before is gone"


def test_a_recording_in_memory_that_does_not_fit_can_be_skipped_too(tmp_path):
    short = person(2, duration_s=5)
    store = build_store(tmp_path, [short, person(1)], SPEC, skip_broken=True)
    assert store.subjects == ("P1",)
    assert list(store.skipped) == ["P2"]
    with pytest.raises(ConfigError, match="Two sessions are called 'P2'"):
        build_store(tmp_path, [short, person(1), person(2)], SPEC, skip_broken=True)


def test_a_store_of_nothing_but_skipped_sessions_is_refused_with_all_reasons(tmp_path, raw):
    with pytest.raises(ReaderError, match=r"none of 2 sessions can be read:\n  B: B\.seed is damaged\.\n  C: This recording lasts 5 s"):
        build_store(tmp_path / "store", Source(Broken.create(), raw, ("B", "C")), SPEC, skip_broken=True)


def test_only_errors_of_data_are_skipped(tmp_path, raw, monkeypatch):
    for error in (MissingDependencyError("install it"), ZeroDivisionError("a bug")):
        monkeypatch.setattr(Broken, "read", lambda *_, wrong=error, **__: (_ for _ in ()).throw(wrong))
        with pytest.raises(type(error)):
            build_store(tmp_path / "store", Source(Broken.create(), raw), SPEC, skip_broken=True)


def test_a_long_list_of_skipped_sessions_is_cut_in_the_message_only(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("sslts.data.store_build._MAX_LISTED", 2)
    short = [person(number, duration_s=5) for number in range(5)]
    with caplog.at_level(logging.WARNING, logger="sslts.data.store_build"):
        store = build_store(tmp_path, [*short, person(9)], SPEC, skip_broken=True)
    assert caplog.text.count("lasts 5 s") == 2
    assert "and 3 more" in caplog.text
    assert len(store.skipped) == 5


def test_nothing_skipped_leaves_no_trace(tmp_path):
    path = tmp_path / "manifest.json"
    build_store(tmp_path, [person(1)], SPEC)
    before = path.read_bytes()
    assert "skipped" not in json.loads(before)
    store = build_store(tmp_path, [person(1)], SPEC, skip_broken=True)
    assert store.skipped == {}
    assert "skipped" not in repr(store)
    assert path.read_bytes() == before
