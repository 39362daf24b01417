"""Ranks counted by hand."""

import numpy as np
import pytest

from sslts.errors import ConfigError, LeakageError, LengthError
from sslts.evaluate.retrieval import average_precision, same_activity, same_moment, text_to_windows


def at(*degrees):
    angle = np.deg2rad(np.asarray(degrees, dtype=float))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_average_precision_by_hand():
    """Relevant at ranks 1, 3 and 4 of 5: (1/1 + 2/3 + 3/4) / 3."""
    assert average_precision([0.9, 0.8, 0.7, 0.6, 0.5], [True, False, True, True, False]) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert np.isnan(average_precision([0.1, 0.2], [False, False]))


def test_ties_do_not_help():
    """A model that maps everything to one point ranks all wrong windows first: 1/4 and 2/5 for two of five."""
    assert average_precision(np.zeros(5), [True, False, False, True, False]) == pytest.approx((1 / 4 + 2 / 5) / 2)
    same = np.ones((4, 2))
    assert same_moment(same, same, ["a"] * 4, at=(1, 3, 4)).shares == {1: {"a": 0.0}, 3: {"a": 0.0}, 4: {"a": 1.0}}


def test_average_precision_equals_scikit_learns_without_ties():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    scores, relevant = rng.permutation(50) / 50, rng.random(50) < 0.3
    assert average_precision(scores, relevant) == pytest.approx(metrics.average_precision_score(relevant, scores))


def test_texts_rank_one_subjects_windows_at_a_time():
    """Texts at 0 and 90 degrees. In a, a window of class 1 lies nearer to text 0 than one of class 0; b shows no class 1."""
    windows = at(10, 40, 30, 80, 5, 50)
    labels = np.array([0, 0, 1, 1, 0, -1])
    found = text_to_windows(windows, at(0, 90), labels, ["a", "a", "a", "a", "b", "b"])
    # Text 0 in a: 10 (right), 30, 40 (right), 80. Text 1 in a: 80 (right), 40, 30 (right), 10.
    assert found.precision["a"] == pytest.approx([(1 + 2 / 3) / 2, (1 + 2 / 3) / 2])
    assert found.precision["b"][0] == 1
    assert np.isnan(found.precision["b"][1])
    assert found.mean().mean == pytest.approx((5 / 6 + 1) / 2)
    assert found.by_class() == pytest.approx([(5 / 6 + 1) / 2, 5 / 6])
    assert found.as_json()["by_subject"]["b"] == [1.0, None]


def test_the_same_moment_is_sought_among_the_subjects_own_windows():
    """a: 0 finds 2 first; 10 finds 12; 30 has 38 behind 12 and 2, third. b's windows, though nearer, are nobody else's."""
    queries, gallery = at(0, 10, 15, 1), at(2, 12, 38, 0)
    found = same_moment(queries, gallery, ["a", "a", "a", "b"], at=(1, 2, 3))
    assert found.shares[1] == {"a": pytest.approx(2 / 3), "b": 1.0}
    assert found.shares[2] == {"a": pytest.approx(2 / 3), "b": 1.0}
    assert found.shares[3] == {"a": 1.0, "b": 1.0}
    assert found.at(1).mean == pytest.approx(5 / 6)
    assert found.as_json()["recall_at_1"]["by_subject"]["b"] == 1.0


def test_the_same_activity_is_sought_in_other_people():
    """a's windows at 0 (class 0) and 40 (class 1); b's legs at 30 (class 0) and 80 (class 1): 40 is nearer to 30, a wrong answer."""
    queries, gallery = at(0, 40, 5, 85), at(0, 40, 30, 80)
    labels, subjects = np.array([0, 1, 0, 1]), ["a", "a", "b", "b"]
    found = same_activity(queries, gallery, labels, subjects, others={"a": ["b"], "b": ["a"]})
    assert found.shares == {1: {"a": 0.5, "b": 1.0}}


def test_windows_left_out_are_neither_asked_nor_found():
    queries, gallery = at(0, 40, 5, 85), at(0, 40, 30, 80)
    labels, subjects = np.array([0, 1, 0, 1]), ["a", "a", "b", "b"]
    without = same_activity(queries, gallery, labels, subjects, others={"a": ["b"]}, left_out=np.array([False, True, False, False]))
    assert without.shares == {1: {"a": 1.0}}
    with pytest.raises(ConfigError, match=r"no window of classes \[0\]"):
        same_activity(queries, gallery, labels, subjects, others={"a": ["b"]}, left_out=np.array([False, False, True, False]))


def test_a_subject_in_its_own_gallery_is_refused():
    with pytest.raises(LeakageError, match="the gallery has seen it"):
        same_activity(at(0, 1), at(0, 1), np.array([0, 0]), ["a", "b"], others={"a": ["a", "b"]})


def test_shapes_that_disagree_are_refused():
    with pytest.raises(LengthError, match="one text"):
        text_to_windows(at(0, 1), at(0), np.array([0, 1]), ["a", "a"])
    with pytest.raises(LengthError, match="both units"):
        same_moment(at(0, 1), at(0), ["a", "a"])
    with pytest.raises(LengthError, match="as many scores"):
        average_precision([0.1], [True, False])
    with pytest.raises(LengthError, match="finite"):
        same_moment(np.full((1, 2), np.nan), at(0), ["a"])
