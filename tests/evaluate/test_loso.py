"""What a fold may learn from, by rows of a table."""

import numpy as np
import pytest

from sslts.errors import LeakageError
from sslts.evaluate.loso import FeatureTable, evaluate_fold, labelled_windows
from sslts.evaluate.protocol import load_protocol

WINDOWS = 20  # of each subject and class


@pytest.fixture(scope="module")
def protocol():
    return load_protocol("dsads-loso")


@pytest.fixture(scope="module")
def subjects(protocol):
    return tuple(subject for subject in protocol.subjects for _ in range(19 * WINDOWS))


CLASSES = np.tile(np.repeat(np.arange(19), WINDOWS), 8)


class Recorder:
    """A classifier that only remembers what it was given."""

    chosen = None

    def __call__(self, values, labels, subjects):
        self.rows = values[:, 0].astype(int)
        return self

    def predict(self, values):
        return np.zeros(len(values), dtype=np.int64)


@pytest.mark.parametrize(("tested", "twin"), [("p4", "p8"), ("p8", "p4"), ("p1", None)])
def test_a_classifier_is_not_given_the_twin_of_a_tested_signal(protocol, subjects, tested, twin):
    table = FeatureTable(np.arange(len(subjects), dtype=float)[:, None], subjects, CLASSES)
    recorder = Recorder()
    evaluate_fold(protocol, protocol.fold(tested), table, classifier=recorder)
    expected = {
        row
        for row, (who, what) in enumerate(zip(subjects, CLASSES, strict=True))
        if who != tested and not (who == twin and what in (16, 17))
    }
    assert set(recorder.rows.tolist()) == expected


def test_features_of_a_model_that_saw_the_twin_are_refused(protocol, subjects):
    table = FeatureTable(np.zeros((len(subjects), 1)), subjects, CLASSES, seen=frozenset({"p1", "p8"}))
    with pytest.raises(LeakageError, match="p4"):
        evaluate_fold(protocol, protocol.fold("p4"), table, classifier=Recorder())


def test_folds_of_a_group_share_labels_that_their_pretraining_may_read(protocol, subjects):
    def drawn(subject, fraction, draw=0):
        fold = protocol.fold(subject)
        return labelled_windows(protocol, fold, subjects, CLASSES, task="19-class", fraction=fraction, draw=draw)

    names = np.asarray(subjects)
    rows = drawn("p1", 0.05)
    np.testing.assert_array_equal(rows, drawn("p5", 0.05))
    assert set(names[rows]) <= set(protocol.groups[0].train)
    assert np.bincount(CLASSES[rows]).tolist() == [6] * 19  # 5 % of 6 people x 20 windows
    assert set(drawn("p1", 0.01)) < set(rows)
    assert set(rows) != set(drawn("p1", 0.05, draw=1))
    assert len(drawn("p1", 1.0)) == 7 * 19 * WINDOWS  # all labels: those of the fold
    assert len(drawn("p4", 1.0)) == (7 * 19 - 2) * WINDOWS
