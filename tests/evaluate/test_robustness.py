"""Every set of present modalities is tested, and training versions are deterministic."""

import numpy as np
import pytest

from sslts.errors import LeakageError, MissingModalityError
from sslts.evaluate.metrics import macro_f1
from sslts.evaluate.probe import fit_linear_probe
from sslts.evaluate.robustness import evaluate_missing, evaluate_own_probes, presence_patterns, training_patterns


def test_four_modalities_have_fourteen_proper_subsets():
    patterns = presence_patterns(4)
    assert patterns[0] == (True,) * 4
    assert len(patterns) == len(set(patterns)) == 15
    assert all(any(pattern) for pattern in patterns)
    assert [sum(pattern) for pattern in patterns] == [4] + [3] * 4 + [2] * 6 + [1] * 4
    with pytest.raises(MissingModalityError):
        presence_patterns(0)


def test_each_training_window_comes_whole_and_in_different_subsets():
    versions = training_patterns(50, 4, key=("p", "S2"))
    assert versions.shape == (4, 50)
    assert (versions[0] == 0).all()
    assert (versions[1:] > 0).all()
    assert (versions < 15).all()
    assert all(len(set(column)) == 4 for column in versions.T)
    np.testing.assert_array_equal(versions, training_patterns(50, 4, key=("p", "S2")))
    assert (versions != training_patterns(50, 4, key=("p", "S3"))).any()
    assert training_patterns(5, 2, key=()).shape == (3, 5), "two modalities have only two proper subsets"


def make(seed=0):
    """Each of two modalities alone tells the two classes apart; an absent one is NaN."""
    rng = np.random.default_rng(seed)
    subjects = [f"S{index}" for index in range(2, 12) for _ in range(12)]
    labels = np.tile(np.repeat([0, 1], 6), 10)
    values = np.stack([3.0 * labels, -3.0 * labels], axis=1) + 0.3 * rng.normal(size=(120, 2))
    return subjects, labels, values


def test_a_probe_trained_with_subsets_copes_with_either_modality_missing():
    subjects, labels, values = make()
    outcomes = evaluate_missing(
        lambda present: np.where(present, values, np.nan),
        labels,
        subjects,
        train_subjects=subjects[12:],
        test_subjects=["S2"],
        modalities=2,
        classes=2,
        classifier=fit_linear_probe,
        key=("toy", "S2"),
    )
    assert [outcome.present for outcome in outcomes] == [(True, True), (False, True), (True, False)]
    assert all(outcome.confusion.sum() == 12 for outcome in outcomes)
    assert all(macro_f1(outcome.confusion) > 0.9 for outcome in outcomes)


def test_a_probe_of_its_own_sees_one_set_of_modalities_only():
    """The first modality alone says the opposite of what it says beside the second: no probe for several sets can know that."""
    subjects, labels, values = make()

    def features(present):
        first, second = values[:, 0], values[:, 1]
        told = {(True, True): (first, 0 * second), (False, True): (0 * first, second), (True, False): (3 - first, 0 * second)}
        return np.stack(told[present], axis=1)

    options = {"test_subjects": ["S2"], "modalities": 2, "classes": 2, "classifier": fit_linear_probe}
    own = evaluate_own_probes(features, labels, subjects, train_subjects=subjects[12:], **options)
    assert [outcome.present for outcome in own] == [(True, True), (False, True), (True, False)]
    assert all(macro_f1(outcome.confusion) > 0.9 for outcome in own)
    one = evaluate_missing(features, labels, subjects, train_subjects=subjects[12:], key=("toy",), **options)
    assert min(macro_f1(outcome.confusion) for outcome in one) < 0.5
    with pytest.raises(LeakageError, match="S2"):
        evaluate_own_probes(features, labels, subjects, train_subjects=subjects, **options)


def test_a_subject_on_both_sides_is_refused():
    subjects, labels, values = make()
    with pytest.raises(LeakageError, match="S2"):
        evaluate_missing(
            lambda present: values,
            labels,
            subjects,
            train_subjects=subjects,
            test_subjects=["S2"],
            modalities=2,
            classes=2,
            classifier=fit_linear_probe,
            key=(),
        )
