"""Texts of training windows: wordings of the label, a caption, and nothing for a label that may not be read."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
import torch
from tiny_run import LabelledTinySource

from sslts import registry
from sslts.errors import ConfigError
from sslts.training.source import fingerprint
from sslts.training.texts import TextedSource, load_wordings, wordings_of
from sslts.types import TEXTS, SensorBatch

WORDINGS = (("low", "below the mean"), ("high",))


class Counting:
    """Captions a window by its first number, and counts how many it was asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, batch: SensorBatch) -> list[str]:
        self.asked += len(batch)
        return [f"starts {'up' if value > 0 else 'down'}" for value in batch.signals["acc"].values[:, 0, 0].tolist()]


def texts(source: TextedSource, rows: Sequence[int]) -> list[tuple[str, ...]]:
    return list(source.batch(rows, generator=torch.Generator()).keys[TEXTS])


def test_a_window_carries_the_wordings_of_its_label():
    plain = LabelledTinySource()
    source = TextedSource(plain, WORDINGS)
    rows = [5, 0, 21, 5]
    assert texts(source, rows) == [WORDINGS[label] for label in plain.labels(rows)]
    assert len(set(plain.labels(range(22)))) == 2
    assert source.labels(rows) == plain.labels(rows)
    assert source.ids(rows) == plain.ids(rows)
    assert len(source) == 22


def test_only_labels_of_the_named_windows_are_read():
    plain = LabelledTinySource()
    source = TextedSource(plain, WORDINGS, labelled=["P1/3", "P1/7"])
    found = texts(source, range(22))
    assert [row for row, words in enumerate(found) if words] == [3, 7]
    assert [found[row] for row in (3, 7)] == [WORDINGS[label] for label in plain.labels([3, 7])]
    assert not any(texts(TextedSource(plain, WORDINGS, labelled=[]), range(22)))


def test_a_window_without_a_label_has_no_wording(monkeypatch):
    monkeypatch.setattr(LabelledTinySource, "labels", lambda self, rows: [-1 if row % 2 else 1 for row in rows])
    assert texts(TextedSource(LabelledTinySource(), WORDINGS), range(4)) == [("high",), (), ("high",), ()]


def test_other_words_or_fewer_labels_have_another_digest():
    plain = LabelledTinySource()
    base = fingerprint(TextedSource(plain, WORDINGS))
    assert fingerprint(TextedSource(LabelledTinySource(), WORDINGS)) == base
    assert fingerprint(TextedSource(plain, (("low",), ("high",)))) != base
    assert fingerprint(TextedSource(plain, WORDINGS, labelled=["P1/3"])) != base
    assert fingerprint(TextedSource(plain, WORDINGS, labelled=plain.ids(range(22)))) == base


def test_a_caption_comes_after_the_wordings_is_made_once_and_reads_no_label():
    captioner = Counting()
    source = TextedSource(LabelledTinySource(), WORDINGS, captioner=captioner, labelled=["P1/3"])
    first = texts(source, range(10))
    assert captioner.asked == 10
    second = texts(source, [9, 3, 12])
    assert captioner.asked == 11, "a window is captioned once"
    assert second[:2] == [first[9], first[3]]
    assert first[9][0].startswith("starts")
    assert len(first[3]) == 1 + len(WORDINGS[LabelledTinySource().labels([3])[0]])
    assert first[3][-1].startswith("starts")


def test_wordings_come_from_a_table_and_a_label_without_any_is_its_own():
    assert wordings_of(["a", "b"], {"a": ["an a", "some a"]}) == [("an a", "some a"), ("b",)]
    assert wordings_of(["a"], None) == [("a",)]


@pytest.mark.parametrize("reader", ["dsads", "motionsense", "utd-mhad-inertial"])
def test_every_label_of_the_recipes_readers_has_wordings_of_its_own(reader):
    table = load_wordings("activities")
    labels = registry.get("reader", reader).labels
    assert set(labels) <= set(table)
    for label in labels:
        assert len(set(table[label])) == len(table[label]) >= 3


@pytest.mark.parametrize("name", ["activities", "states"])
def test_all_labels_have_as_many_wordings(name):
    """One pick serves the whole batch: with equally many, every window takes the same kind of wording."""
    table = load_wordings(name)
    assert len({len(words) for words in table.values()}) == 1
    flat = [word for words in table.values() for word in words]
    assert all(word == word.strip() for word in flat)


def test_wordings_may_come_from_a_file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"sitting": ["seated", "at rest"]}), encoding="utf-8")
    assert load_wordings(path) == {"sitting": ["seated", "at rest"]}


@pytest.mark.parametrize("content", [["sitting"], {"sitting": []}, {"sitting": "seated"}, {"sitting": ["  "]}, {"sitting": [3]}])
def test_a_file_of_another_form_is_refused_by_name(tmp_path, content):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.json: expected \{label"):
        load_wordings(path)


def test_a_misspelt_name_is_answered_with_the_bundled_ones():
    with pytest.raises(ConfigError, match=r"No wordings are named 'activites'.*Did you mean 'activities'.*Bundled: activities, states"):
        load_wordings("activites")
