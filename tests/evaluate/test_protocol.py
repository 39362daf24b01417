"""The manifest says exactly what the protocol says, and refuses what would leak."""

import json

import numpy as np
import pytest

from sslts.errors import ConfigError, LeakageError, UnknownNameError
from sslts.evaluate.leakage import check_disjoint
from sslts.evaluate.protocol import Fold, Group, load_protocol, protocols


@pytest.fixture
def manifest():
    return json.loads(load_protocol("wesad-loso").model_dump_json())


def write(tmp_path, manifest):
    path = tmp_path / "protocol.json"
    path.write_text(json.dumps(manifest))
    return path


def test_groups_are_every_fifth_subject():
    groups = load_protocol("wesad-loso").groups
    assert [group.test for group in groups] == [
        ("S2", "S7", "S13"),
        ("S3", "S8", "S14"),
        ("S4", "S9", "S15"),
        ("S5", "S10", "S16"),
        ("S6", "S11", "S17"),
    ]
    for group in groups:
        assert len(group.train) == 12
        assert len(group.fit) == 10
        assert not set(group.train) & set(group.test)
        assert set(group.validation) <= set(group.train)


def test_each_fold_tests_one_subject_and_knows_its_group():
    protocol = load_protocol("wesad-loso")
    assert [fold.subject for fold in protocol.folds] == list(protocol.subjects)
    for fold in protocol.folds:
        assert len(fold.train) == 14
        assert fold.subject not in fold.train
        assert fold.subject in protocol.groups[fold.group].test


def test_expected_windows_sum_to_the_published_counts():
    windows = load_protocol("wesad-loso").windows
    totals = {name: sum(counts[name] for counts in windows.values()) for name in ("baseline", "stress", "amusement", "meditation")}
    assert totals == {"baseline": 566, "stress": 311, "amusement": 165, "meditation": 356}
    assert sum(totals.values()) == 1398


def test_tasks_map_classes():
    protocol = load_protocol("wesad-loso")
    classes = protocol.class_index(["baseline", "stress", "amusement", "meditation"])
    assert protocol.task("4-class").labels(classes).tolist() == [0, 1, 2, 3]
    assert protocol.task("3-class").labels(classes).tolist() == [0, 1, 2, -1]
    assert protocol.task("stress").labels(classes).tolist() == [0, 1, 0, -1]


def test_windows_of_another_grid_are_refused():
    protocol = load_protocol("wesad-loso")
    subjects, labels = [], []
    for subject, counts in protocol.windows.items():
        for name, count in counts.items():
            subjects += [subject] * count
            labels += [name] * count
    classes = protocol.class_index(labels)
    protocol.check_windows(subjects, classes)
    with pytest.raises(ConfigError, match="37 windows of baseline from S2, got 36"):
        protocol.check_windows(subjects[1:], classes[1:])
    with pytest.raises(ConfigError, match="S99"):
        protocol.check_windows([*subjects, "S99"], np.append(classes, 0))


def test_unknown_names_suggest_the_nearest():
    protocol = load_protocol("wesad-loso")
    with pytest.raises(UnknownNameError, match="wesad-loso"):
        load_protocol("wesad-lsoo")
    with pytest.raises(UnknownNameError, match="4-class"):
        protocol.task("4-clas")
    with pytest.raises(UnknownNameError, match="S17"):
        protocol.fold("S18")
    with pytest.raises(ConfigError, match="transient"):
        protocol.class_index(["baseline", "transient"])
    assert "wesad-loso" in protocols()


def test_a_subject_in_two_groups_is_refused(tmp_path, manifest):
    manifest["group_manifest"][1]["test"][0] = "S2"
    with pytest.raises(LeakageError, match="S2"):
        load_protocol(write(tmp_path, manifest))


def test_a_validation_subject_that_is_tested_is_refused(tmp_path, manifest):
    manifest["group_manifest"][0]["validation"] = ["S7"]
    with pytest.raises(LeakageError, match="S7"):
        load_protocol(write(tmp_path, manifest))


def test_groups_out_of_order_are_refused(tmp_path, manifest):
    groups = manifest["group_manifest"]
    groups[0]["test"], groups[1]["test"] = groups[1]["test"], groups[0]["test"]
    groups[0]["validation"] = groups[1]["validation"] = []
    with pytest.raises(ConfigError, match="s_k"):
        load_protocol(write(tmp_path, manifest))


def test_a_task_that_uses_a_class_twice_is_refused(tmp_path, manifest):
    manifest["tasks"]["stress"]["stress"] = ["stress", "baseline"]
    with pytest.raises(ConfigError, match="at most once"):
        load_protocol(write(tmp_path, manifest))


def test_an_unknown_key_is_refused(tmp_path, manifest):
    manifest["extra"] = 1
    with pytest.raises(ConfigError, match="extra"):
        load_protocol(write(tmp_path, manifest))


def test_shared_subjects_are_named():
    with pytest.raises(LeakageError, match="S1, S3"):
        check_disjoint(["S1", "S2", "S3"], ["S3", "S1", "S9"])
    check_disjoint(["S1"], ["S2"])
    with pytest.raises(LeakageError):
        Fold("S1", ("S1", "S2"), 0)
    with pytest.raises(LeakageError):
        Group(0, test=("S1",), train=("S2",), validation=("S1",))


def test_the_activity_protocols_have_the_published_folds():
    dsads, motionsense = load_protocol("dsads-loso"), load_protocol("motionsense-6fold")
    assert [group.test for group in dsads.groups] == [("p1", "p5"), ("p2", "p6"), ("p3", "p7"), ("p4", "p8")]
    assert [group.validation for group in dsads.groups] == [("p2", "p6"), ("p3", "p7"), ("p4", "p8"), ("p1", "p5")]
    assert all(len(fold.train) == 7 for fold in dsads.folds)
    assert [len(group.test) for group in motionsense.groups] == [8, 8, 8]
    fold = motionsense.fold("sub_8")
    assert set(motionsense.subjects) - set(fold.train) == {"sub_2", "sub_8", "sub_14", "sub_20"}
    assert set(motionsense.groups[fold.group].test) == {f"sub_{number}" for number in (2, 5, 8, 11, 14, 17, 20, 23)}
    assert set(motionsense.groups[fold.group].train) < set(fold.train)


def test_the_activity_protocols_count_every_window():
    """DSADS: 8 people x 19 activities x 60 segments. MotionSense: what the published files hold in whole 5 s."""
    counts = {name: load_protocol(name).windows for name in ("dsads-loso", "motionsense-6fold")}
    assert {count for counts in counts["dsads-loso"].values() for count in counts.values()} == {60}
    assert sum(sum(of.values()) for of in counts["dsads-loso"].values()) == 9120
    assert sum(sum(of.values()) for of in counts["motionsense-6fold"].values()) == 5462


def test_the_twin_of_a_tested_signal_is_not_learnt_from():
    protocol = load_protocol("dsads-loso")
    subjects = [subject for subject in protocol.subjects for _ in protocol.classes]
    classes = np.tile(np.arange(19), 8)
    names = np.asarray(subjects)
    for tested, twin in (("p4", "p8"), ("p8", "p4")):
        allowed = protocol.may_learn(protocol.fold(tested), subjects, classes)
        assert not allowed[names == tested].any()
        dropped = classes[(names == twin) & ~allowed]
        assert [protocol.classes[index] for index in dropped] == ["rowing", "jumping"]
        assert allowed[~np.isin(names, ["p4", "p8"])].all()
    assert protocol.may_learn(protocol.fold("p1"), subjects, classes).sum() == 7 * 19


def test_the_protocol_knows_the_readers_doubled_signals():
    from sslts.data.readers.daily_sports import DSADS, LABELS

    pairs = {
        tuple(f"{subject}/a{tuple(LABELS).index(label) + 1:02d}" for subject in twins.subjects)
        for twins in load_protocol("dsads-loso").never_together
        for label in twins.classes
    }
    assert pairs == set(DSADS.same_signal)


def test_who_saw_a_signal_saw_its_twin():
    protocol = load_protocol("dsads-loso")
    assert protocol.with_twins(["p1", "p8"]) == {"p1", "p4", "p8"}
    assert protocol.with_twins(["p1"]) == {"p1"}


def test_twins_in_different_groups_are_refused(tmp_path, manifest):
    manifest["never_together"] = [{"subjects": ["S2", "S3"], "classes": ["stress"], "why": "invented"}]
    with pytest.raises(LeakageError, match="S2, S3 share a signal"):
        load_protocol(write(tmp_path, manifest))
    manifest["never_together"] = [{"subjects": ["S2", "S99"], "classes": ["stress"], "why": "invented"}]
    with pytest.raises(ConfigError, match="never_together"):
        load_protocol(write(tmp_path, manifest))


def test_folds_that_cross_pretrainings_are_refused(tmp_path, manifest):
    manifest["fold_groups"] = 6
    with pytest.raises(ConfigError, match="multiple of its 5 groups"):
        load_protocol(write(tmp_path, manifest))
