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
