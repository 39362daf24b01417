"""The probe learns what is linear, chooses C on training subjects only and has one fallback rule."""

import numpy as np
import pytest

from sslts.errors import LeakageError, LengthError, MissingDependencyError
from sslts.evaluate.loso import FeatureTable, evaluate_fold, evaluate_label_fractions
from sslts.evaluate.metrics import macro_f1
from sslts.evaluate.normalise import apply_setting
from sslts.evaluate.probe import C_GRID, FALLBACK_C, LinearProbe, Standardiser, fit_linear_probe, inner_folds, select_by_inner_folds
from sslts.evaluate.protocol import Protocol, load_protocol

linear_model = pytest.importorskip("sklearn.linear_model")

SUBJECTS = tuple(f"S{index}" for index in range(2, 12))


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return Protocol(
        id="toy",
        version=1,
        title="toy",
        reader="synthetic",
        folder="",
        citation="",
        window_s=10,
        stride_s=10,
        subjects=SUBJECTS,
        classes=("rest", "walk", "run"),
        tasks={"3-class": {"rest": ("rest",), "walk": ("walk",), "run": ("run",)}, "move": {"no": ("rest",), "yes": ("run",)}},
        group_manifest=tuple({"test": SUBJECTS[k::5]} for k in range(5)),
    )


def make_table(seed: int = 0, *, noise: float = 0.3, offset: float = 0.0, seen: frozenset[str] = frozenset()) -> FeatureTable:
    rng = np.random.default_rng(seed)
    subjects = tuple(subject for subject in SUBJECTS for _ in range(18))
    classes = np.tile(np.repeat([0, 1, 2], 6), len(SUBJECTS))
    centres = np.eye(3, 5) * 2
    person = {subject: rng.normal(size=5) * offset for subject in SUBJECTS}
    values = centres[classes] + noise * rng.normal(size=(len(classes), 5)) + np.stack([person[s] for s in subjects])
    return FeatureTable(values, subjects, classes, seen)


def test_separable_classes_are_learnt(protocol):
    for fold in protocol.folds[:3]:
        for outcome in evaluate_fold(protocol, fold, make_table()):
            assert macro_f1(outcome.confusion) == 1.0, (outcome.task, outcome.setting)


def test_no_setting_is_no_setting_and_not_all_of_them(protocol):
    """A model whose pretraining read every label has no label efficiency to speak of: nothing may be computed in its place."""
    fold, task = protocol.folds[0], protocol.main_task
    assert evaluate_label_fractions(protocol, fold, make_table(), task=task, settings=[]) == []
    assert evaluate_fold(protocol, fold, make_table(), settings=[]) == []


def test_subject_normalisation_removes_a_persons_offset(protocol):
    outcomes = evaluate_fold(protocol, protocol.folds[0], make_table(offset=30.0), tasks=["3-class"])
    by_setting = {outcome.setting: macro_f1(outcome.confusion) for outcome in outcomes}
    assert by_setting["subject-normalised"] == 1.0
    assert by_setting["inductive"] < 0.9


def test_test_labels_change_no_prediction(protocol):
    fold, table = protocol.folds[2], make_table(noise=1.5)
    poisoned = table.classes.copy()
    mine = np.asarray(table.subjects) == fold.subject
    poisoned[mine] = np.roll(poisoned[mine], 7)
    honest = evaluate_fold(protocol, fold, table, tasks=["3-class"])
    other = evaluate_fold(protocol, fold, FeatureTable(table.values, table.subjects, poisoned), tasks=["3-class"])
    for first, second in zip(honest, other, strict=True):
        np.testing.assert_array_equal(first.predicted, second.predicted)
        assert first.chosen == second.chosen


def test_test_values_change_no_choice(protocol):
    fold, table = protocol.folds[2], make_table(noise=1.5)
    values = table.values.copy()
    values[np.asarray(table.subjects) == fold.subject] *= 100
    honest = evaluate_fold(protocol, fold, table, tasks=["3-class"], settings=["inductive"])[0]
    other = evaluate_fold(protocol, fold, FeatureTable(values, table.subjects, table.classes), tasks=["3-class"], settings=["inductive"])[0]
    assert honest.chosen == other.chosen


def test_features_that_have_seen_the_test_subject_are_refused(protocol):
    fold = protocol.folds[0]
    with pytest.raises(LeakageError, match=fold.subject):
        evaluate_fold(protocol, fold, make_table(seen=frozenset(SUBJECTS)))
    with pytest.raises(LeakageError, match=fold.subject):
        evaluate_label_fractions(protocol, fold, make_table(seen=frozenset({fold.subject})), task="3-class")


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("features", [6, 200])
def test_the_probe_is_scikit_learns_balanced_logistic_regression(classes, features):
    """Also with more features than windows, where it is solved in the windows' own basis."""
    rng = np.random.default_rng(1)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 60)])
    values = rng.normal(size=(len(labels), features)) * 3 + labels[:, None] + 5
    probe = fit_linear_probe(values, labels, ["S1"] * len(labels), grid=[0.1])
    scaled = (values - values.mean(0)) / values.std(0)
    reference = linear_model.LogisticRegression(C=0.1, class_weight="balanced", tol=1e-10, max_iter=10_000).fit(scaled, labels)
    expected = reference.predict_log_proba(scaled)
    scores = probe.scores(values)
    got = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    np.testing.assert_allclose(got, expected, rtol=1e-2, atol=5e-3)  # the probe stops at a gradient of 1e-4


def test_inner_folds_take_subjects_in_turn():
    assert inner_folds(["S2", "S10", "S3", "S2", "S4", "S11"]).tolist() == [0, 3, 1, 0, 2, 0]


def test_inner_folds_choose_the_best_of_the_grid():
    """A stub whose quality depends on the parameter alone: the middle one is always right."""

    class Stub:
        def __init__(self, right):
            self.right = right
            self.chosen = None

        def predict(self, values):
            return values[:, 0].astype(np.int64) if self.right else np.zeros(len(values), dtype=np.int64)

    labels = np.tile([0, 1], 8)
    subjects = [f"S{index // 2}" for index in range(16)]
    values = labels[:, None].astype(float)
    chosen = select_by_inner_folds(lambda v, y, grid: [Stub(c == 2) for c in grid], values, labels, subjects, grid=[1, 2, 3], fallback=9)
    assert chosen == 2


def test_too_few_labels_for_inner_folds_fall_back_to_the_fixed_c():
    values = np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9]])
    assert fit_linear_probe(values, np.array([0, 1, 0]), ["S2", "S3", "S4"]).chosen == FALLBACK_C
    # Five subjects, but only one of them shows class 1: its fold's training part lacks the class.
    values = np.array([[0.0], [0.1], [0.2], [0.1], [1.0]])
    assert fit_linear_probe(values, np.array([0, 0, 0, 0, 1]), ["S2", "S3", "S4", "S5", "S6"]).chosen == FALLBACK_C


def test_absent_features_count_as_the_training_mean():
    values = np.array([[1.0, np.nan], [3.0, 4.0], [np.nan, 8.0]])
    standardise = Standardiser.fit(values)
    np.testing.assert_allclose(standardise(values), [[-1, 0], [1, -1], [0, 1]])


def test_a_wholly_absent_or_constant_feature_is_harmless():
    values = np.column_stack([np.full(20, np.nan), np.full(20, 0.1), np.r_[np.zeros(10), np.ones(10)]])
    probe = fit_linear_probe(values, np.r_[np.zeros(10), np.ones(10)].astype(np.int64), [f"S{i % 10}" for i in range(20)])
    assert isinstance(probe, LinearProbe)
    assert probe.chosen in C_GRID
    assert np.isfinite(probe.scores(values)).all()
    assert probe.predict(values).tolist() == [0] * 10 + [1] * 10


def test_subject_statistics_use_only_that_subject():
    values = np.array([[1.0], [3.0], [10.0], [30.0]])
    np.testing.assert_allclose(apply_setting(values, ["a", "a", "b", "b"], "subject-normalised"), [[-1], [1], [-1], [1]])


def test_shapes_and_single_classes_are_refused():
    with pytest.raises(LengthError, match="two classes"):
        fit_linear_probe(np.zeros((3, 2)), np.zeros(3, dtype=np.int64), ["S1"] * 3)
    with pytest.raises(LengthError, match=r"\(3, 2\)"):
        fit_linear_probe(np.zeros((3, 2)), np.zeros(4, dtype=np.int64), ["S1"] * 3)


def test_without_scikit_learn_the_message_gives_the_pip_line(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingDependencyError, match=r"sslts\[eval\]"):
        fit_linear_probe(np.eye(4), np.array([0, 1, 0, 1]), ["S1"] * 4, grid=[0.1])


def test_builtin_protocol_has_a_probe_task():
    assert load_protocol("wesad-loso").task("4-class").classes[0] == "baseline"
