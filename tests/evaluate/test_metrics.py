"""Figures agree with hand computation and with scikit-learn."""

import numpy as np
import pytest

from sslts.errors import LengthError
from sslts.evaluate.metrics import balanced_accuracy, confusion_matrix, interval, macro_f1, paired_difference

sklearn_metrics = pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_scores_equal_those_of_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    truth = np.concatenate([np.arange(classes), rng.integers(0, classes, 80)])
    predicted = np.where(rng.random(len(truth)) < 0.6, truth, rng.integers(0, classes, len(truth)))
    matrix = confusion_matrix(truth, predicted, classes=classes)
    np.testing.assert_array_equal(matrix, sklearn_metrics.confusion_matrix(truth, predicted))
    assert macro_f1(matrix) == pytest.approx(sklearn_metrics.f1_score(truth, predicted, average="macro"), abs=1e-12)
    assert balanced_accuracy(matrix) == pytest.approx(sklearn_metrics.balanced_accuracy_score(truth, predicted), abs=1e-12)


def test_macro_f1_by_hand():
    # class 0: TP 3, FN 1, FP 2 -> 6/9; class 1: TP 4, FN 2, FP 1 -> 8/11
    assert macro_f1([[3, 1], [2, 4]]) == pytest.approx((6 / 9 + 8 / 11) / 2)


def test_a_class_the_subject_lacks_is_left_out_but_still_costs_recall():
    # Class 2 is never true; one window of class 0 goes to it. F1: class 0 2*3/(2*3+1), class 1 1.
    matrix = [[3, 0, 1], [0, 2, 0], [0, 0, 0]]
    assert macro_f1(matrix) == pytest.approx((6 / 7 + 1) / 2)
    assert balanced_accuracy(matrix) == pytest.approx((3 / 4 + 1) / 2)


def test_interval_by_hand():
    # 1, 2, 3: mean 2, s 1, n 3, t(0.975, 2) = 4.302653
    result = interval([1.0, 2.0, 3.0])
    assert result.mean == 2
    assert result.half_width == pytest.approx(4.302653 / np.sqrt(3), abs=1e-6)
    assert result.count == 3


def test_one_subject_has_no_interval():
    result = interval([0.5])
    assert result.mean == 0.5
    assert np.isnan(result.half_width)


def test_paired_difference_is_the_interval_of_differences():
    result = paired_difference([0.9, 0.8, 0.7, 0.5], [0.8, 0.8, 0.8, 0.2])
    assert (result.ahead, result.equal) == (2, 1)
    assert result.interval.mean == pytest.approx(0.075)
    # differences 0.1, 0, -0.1, 0.3; s = sqrt(0.0875 / 3); t(0.975, 3) = 3.182446
    assert result.interval.half_width == pytest.approx(3.182446 * np.sqrt(0.0875 / 3) / 2, abs=1e-6)


def test_unequal_lengths_are_refused():
    with pytest.raises(LengthError, match="3"):
        confusion_matrix([0, 1], [0, 1, 1], classes=2)
    with pytest.raises(LengthError, match="same subjects"):
        paired_difference([0.1], [0.1, 0.2])
