"""Episodes: who may be in one, what is counted, and errors that name the class."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sslts.errors import ConfigError, LengthError
from sslts.evaluate.episodes import accuracies, draw_episodes, over_episodes
from sslts.heads.prototypes import PrototypeHead

CLASSES = np.repeat(np.arange(6), 16)
PEOPLE = [f"s{person}" for _ in range(6) for person in range(8) for _ in range(2)]


def drawn(**changes: object) -> object:
    options = {"among": range(6), "ways": 5, "shots": 2, "count": 60, "seed": 3} | changes
    return draw_episodes(CLASSES, PEOPLE, **options)


def test_support_and_query_are_of_their_class_and_never_of_one_person():
    episodes = drawn()
    assert episodes.support.shape == (60, 5, 2)
    who = np.asarray(PEOPLE)
    for support, query, classes in zip(episodes.support, episodes.query, episodes.classes, strict=True):
        assert len(set(classes)) == 5
        assert np.array_equal(CLASSES[query], classes)
        assert np.array_equal(CLASSES[support], np.stack([classes] * 2, axis=1))
        assert not set(who[support.ravel()]) & set(who[query])
        assert all(len(set(row)) == 2 for row in support.tolist()), "no example twice"


def test_only_wanted_classes_are_drawn_and_the_seed_decides():
    assert set(drawn(among=[0, 2, 4, 5], ways=3).classes.ravel()) <= {0, 2, 4, 5}
    first, again, other = drawn(), drawn(), drawn(seed=4)
    assert np.array_equal(first.support, again.support)
    assert not np.array_equal(first.support, other.support)
    assert {tuple(sorted(row)) for row in drawn(count=200).classes.tolist()} == {tuple(set(range(6)) - {k}) for k in range(6)}


def test_more_episodes_begin_with_the_same_ones():
    """So that rows of a benchmark can be compared episode by episode whatever their number."""
    assert np.array_equal(drawn(count=5).query, drawn(count=60).query[:5])


def test_a_class_with_too_few_examples_is_named():
    few = np.where(np.arange(96) == 95, 5, np.where(CLASSES == 5, 4, CLASSES))
    with pytest.raises(LengthError, match=r"Class '5' would have 0 examples where 2 are needed.*s0 has 0.*Leave the class out"):
        draw_episodes(few, PEOPLE, among=range(6), ways=6, shots=2, count=5, seed=0)


def test_a_class_that_only_some_splits_leave_short_is_named_before_anything_is_drawn():
    """Half of the people have no clip of class 'e': most splits would do, and one in ten thousand episodes would not."""
    short = np.asarray([person in ("s0", "s1", "s2", "s3") for person in PEOPLE]) & (CLASSES == 4)
    kept = np.flatnonzero(~short)
    people = [PEOPLE[row] for row in kept]
    with pytest.raises(LengthError, match="Class 'e' would have 0 examples where 1 are needed"):
        draw_episodes(CLASSES[kept], people, among=range(6), ways=5, shots=1, count=1, seed=0, names="abcdef")


@pytest.mark.parametrize(("changes", "said"), [({"ways": 7}, "Episodes of 7 classes"), ({"ways": 1}, "and two")])
def test_too_few_classes_are_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        drawn(**changes)


def test_one_person_alone_cannot_ask_and_answer():
    with pytest.raises(ConfigError, match="two people or more"):
        draw_episodes(CLASSES, ["s1"] * 96, among=range(6), ways=5, shots=1, count=1, seed=0)


def test_accuracies_are_shares_of_queries_named_right():
    """Class k points along axis k; the queries of classes 0 and 1 point along each other's axes."""
    support = torch.eye(6)[torch.from_numpy(CLASSES)]
    swapped = torch.eye(6)[torch.tensor([1, 0, 2, 3, 4, 5])][torch.from_numpy(CLASSES)]
    episodes = drawn()
    head = PrototypeHead.create(distance="cosine")
    assert (accuracies(head, support, episodes) == 1).all()
    found = accuracies(head, support, episodes, queries=swapped)
    both = np.asarray([{0, 1} <= set(row) for row in episodes.classes.tolist()])
    np.testing.assert_allclose(found[both], 0.6)


def test_the_interval_is_over_episodes():
    found = np.asarray([0.2, 0.4, 0.6, 0.8] * 25)
    interval = over_episodes(found)
    assert interval.mean == pytest.approx(0.5)
    assert interval.half_width == pytest.approx(1.96 * found.std(ddof=1) / 10, rel=1e-3)
    assert interval.count == 100
    assert np.isnan(over_episodes(found[:1]).half_width)


def test_rows_that_do_not_fit_and_episodes_of_nothing_are_refused():
    with pytest.raises(LengthError, match="one class and one person a row, got 96 classes and 95 people"):
        draw_episodes(CLASSES, PEOPLE[:-1], among=range(6), ways=5, shots=1, count=1, seed=0)
    with pytest.raises(ConfigError, match="a shot or more"):
        draw_episodes(CLASSES, PEOPLE, among=range(6), ways=5, shots=0, count=1, seed=0)
