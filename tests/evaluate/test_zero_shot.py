"""Names nearest to windows, counted by hand."""

import math

import numpy as np
import pytest

from sslts.errors import ConfigError, LengthError
from sslts.evaluate.zero_shot import NO_CLASS, Spread, nearest, zero_shot

EAST, NORTH, WEST = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]
#: Two subjects; classes 0 (east) and 1 (north).
WINDOWS = np.array([EAST, EAST, [2.0, 3.0], NORTH, [5.0, 1.0], NORTH])
LABELS = np.array([0, 0, 0, 1, 0, 1])
SUBJECTS = ["a", "a", "a", "a", "b", "b"]


def judge(texts, meaning=(0, 1), windows=WINDOWS, labels=LABELS, classes=2):
    named = {name: np.array(vectors) for name, vectors in texts.items()}
    return zero_shot(windows, named, labels, SUBJECTS, meaning=meaning, classes=classes)


def test_figures_of_one_wording_by_hand():
    """Of a's three windows of class 0 one points more north: recalls 2/3 and 1; F1 4/5 and 2/3. b is all right."""
    found = judge({"plain": [EAST, NORTH]})
    assert found.confusions["plain"]["a"].tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert found.by_wording() == {"plain": pytest.approx((5 / 6 + 1) / 2)}
    assert found.by_wording("macro_f1") == {"plain": pytest.approx(((4 / 5 + 2 / 3) / 2 + 1) / 2)}
    assert found.confusion("plain").tolist() == [[3, 1, 0], [0, 2, 0]]


def test_the_length_of_vectors_does_not_matter():
    assert nearest(np.array([[2.0, 1.9]]), np.array([EAST, [0.0, 100.0]])).tolist() == [0]


def test_wordings_give_a_mean_and_a_spread():
    """The second wording swaps the names: a then has recalls 1/3 and 0, b 0 and 0."""
    found = judge({"plain": [EAST, NORTH], "swapped": [NORTH, EAST]})
    first, second = (5 / 6 + 1) / 2, (1 / 6 + 0) / 2
    spread = found.over_wordings()
    assert spread.mean == pytest.approx((first + second) / 2)
    assert spread.std == pytest.approx(abs(first - second) / math.sqrt(2))
    assert (spread.low, spread.high) == (pytest.approx(second), pytest.approx(first))
    over = found.over_subjects()
    assert over.count == 2
    assert over.mean == pytest.approx(((5 / 6 + 1 / 6) / 2 + 1 / 2) / 2)


def test_several_names_may_mean_one_class_and_a_name_of_no_class_is_wrong():
    """North-east lies nearest to the third name: with class 0 it is right, with none it is wrong for everybody."""
    texts = {"plain": [EAST, NORTH, [1.0, 1.0]]}
    assert judge(texts, meaning=(0, 1, 0)).by_wording() == {"plain": 1.0}
    open_set = judge(texts, meaning=(0, 1, NO_CLASS))
    assert open_set.confusion("plain").tolist() == [[3, 0, 1], [0, 2, 0]]
    assert open_set.by_wording()["plain"] == pytest.approx(((2 / 3 + 1) / 2 + 1) / 2)
    assert open_set.by_wording("macro_f1")["plain"] == pytest.approx(((4 / 5 + 1) / 2 + 1) / 2)


def test_windows_without_direction_or_label():
    zeroed = WINDOWS.copy()
    zeroed[0] = 0
    assert judge({"plain": [EAST, NORTH]}, windows=zeroed).confusions["plain"]["a"].tolist() == [[1, 1, 1], [0, 1, 0], [0, 0, 0]]
    left_out = np.array([0, 0, -1, 1, 0, 1])
    assert judge({"plain": [EAST, NORTH]}, labels=left_out).by_wording() == {"plain": 1.0}


def test_the_stored_matrices_recompute_the_figures():
    found = judge({"plain": [EAST, NORTH], "swapped": [NORTH, EAST]})
    stored = found.as_json()
    recalls = [[row[k] / sum(row) for k, row in enumerate(matrix)] for matrix in stored["confusion"]["plain"].values()]
    assert stored["wordings"]["plain"]["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert stored["balanced_accuracy"]["mean"] == pytest.approx(found.over_wordings().mean)


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(LengthError, match="Wording 'plain'"):
        judge({"plain": [EAST]})
    with pytest.raises(ConfigError, match="needs a name"):
        judge({"plain": [EAST, NORTH]}, meaning=(0, 0))
    with pytest.raises(ConfigError, match="at least one wording"):
        judge({})
    with pytest.raises(LengthError, match="No window has a label"):
        judge({"plain": [EAST, NORTH]}, labels=np.full(6, -1))
    with pytest.raises(LengthError, match="finite"):
        judge({"plain": [EAST, NORTH]}, windows=np.full((6, 2), np.nan))


def test_one_wording_has_no_deviation():
    assert math.isnan(Spread.of([0.5]).std)
    assert judge({"plain": [EAST, NORTH]}).as_json()["balanced_accuracy"]["std_over_wordings"] is None
