"""Judging pretrained models: each subject by a model that never saw it, on the protocol's own windows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_e4 import tiny_model

from sslts import registry
from sslts.config import SensorSpec
from sslts.data import specs, synthetic
from sslts.errors import ConfigError, LeakageError
from sslts.evaluate.metrics import interval, macro_f1
from sslts.evaluate.pretrained import Judged, evaluate_models, feature_table, seen_by
from sslts.evaluate.probe import Labels, Values
from sslts.evaluate.protocol import Protocol, load_protocol
from sslts.model import Model

SUBJECTS = [f"P{number}" for number in range(1, 7)]
WINDOW_S = 30.0
KINDS = ("gravity", "rotationRate", "userAcceleration")


@pytest.fixture(scope="module")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Protocol:
    """Two classes and two groups of three invented people; each state lasts 180 s: six windows of 30 s."""
    path = tmp_path_factory.mktemp("protocol") / "invented.json"
    manifest = {
        "id": "invented",
        "version": 1,
        "title": "Invented people",
        "reader": "synthetic",
        "folder": "none",
        "citation": "none",
        "window_s": WINDOW_S,
        "stride_s": WINDOW_S,
        "subjects": SUBJECTS,
        "classes": ["baseline", "stress"],
        "tasks": {"stress": {"no-stress": ["baseline"], "stress": ["stress"]}},
        "group_manifest": [{"test": SUBJECTS[0::2]}, {"test": SUBJECTS[1::2]}],
    }
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return load_protocol(path)


def model(*subjects: str, window_s: float = WINDOW_S, name: str = "tiny") -> Model:
    slow = tuple(modality for modality in specs.empatica_e4().named if modality.rate_hz == 4)  # eda and temp: cheap to embed
    return tiny_model(SensorSpec(modalities=slow, window_s=window_s, stride_s=window_s), name=name, subjects=subjects)


class NearestMean:
    """A classifier that needs no search: the tests are about who judges whom."""

    chosen = None

    def __init__(self, values: Values, labels: Labels, subjects: Sequence[str]) -> None:
        self.means = np.stack([values[labels == label].mean(0) for label in (0, 1)])

    def predict(self, values: Values) -> Labels:
        return np.linalg.norm(values[:, None] - self.means, axis=2).argmin(1)


def judge(protocol: Protocol, models: list[Model], *, partial: bool = False) -> Judged:
    return evaluate_models(protocol, models, ".", classifier=NearestMean, partial=partial)


def test_each_subject_is_judged_by_a_model_that_has_not_seen_it(protocol: Protocol) -> None:
    odd, even = model("P1", "P3", "P5", name="saw-odd"), model("P2", "P4", "P6", name="saw-even")
    judged = judge(protocol, [odd, even])
    assert judged.judges == {subject: "saw-even" if subject in SUBJECTS[0::2] else "saw-odd" for subject in SUBJECTS}
    assert list(judged.outcomes) == SUBJECTS


def test_a_subject_that_every_model_has_seen_is_refused(protocol: Protocol) -> None:
    with pytest.raises(LeakageError, match="P2 of invented"):
        evaluate_models(protocol, [model("P1", "P2"), model("P2", "P3")], ".")


def test_statistics_of_a_subject_count_as_having_seen_it(protocol: Protocol) -> None:
    fitted = model("P1")
    preprocessing = fitted.config.preprocessing.model_copy(update={"fitted_on": tuple(SUBJECTS)})
    peeked = replace(fitted, config=fitted.config.model_copy(update={"preprocessing": preprocessing}))
    with pytest.raises(LeakageError, match="every given model was trained on them"):
        judge(protocol, [peeked])


def test_a_model_that_does_not_say_whom_it_saw_is_refused(protocol: Protocol) -> None:
    with pytest.raises(LeakageError, match="does not say on whom it was trained"):
        judge(protocol, [model()])


def test_partial_leaves_seen_subjects_out_but_never_all(protocol: Protocol) -> None:
    assert list(judge(protocol, [model(*SUBJECTS[:4])], partial=True).outcomes) == SUBJECTS[4:]
    with pytest.raises(LeakageError):
        evaluate_models(protocol, [model(*SUBJECTS)], ".", partial=True)


def test_the_table_shows_means_over_subjects_of_the_confusion_matrices(protocol: Protocol) -> None:
    judged = judge(protocol, [model("P9")])
    stored = judged.as_json()["subjects"]
    scores = [macro_f1(task["confusion"]) for entry in stored.values() for task in entry["tasks"] if task["setting"] == "inductive"]
    assert len(scores) == 6
    line = next(line for line in judged.table().splitlines() if line.startswith("stress  inductive"))
    assert str(interval(scores)) in line
    assert line.endswith("6")


def test_features_are_the_embeddings_of_the_protocols_windows(protocol: Protocol) -> None:
    made = model("P9")
    people = {"P1": synthetic.Synthetic.create().read(session="P1")}
    table = feature_table(protocol, made, people)
    assert table.classes.tolist() == [0] * 6 + [1] * 6
    # encode() lays its own grid from the recording's start: pause 20 s, so a stride of 10 s meets the labelled grid from 20 s on.
    whole = made.encode(people["P1"], stride_s=10.0)
    expected = whole.values[[np.flatnonzero(whole.time_s == 20.0 + WINDOW_S * k)[0] for k in range(6)]]
    np.testing.assert_allclose(table.values[:6], expected, rtol=1e-5, atol=1e-6)


def test_a_model_with_other_windows_is_refused(protocol: Protocol) -> None:
    with pytest.raises(ConfigError, match="judges windows of 30 s, but tiny reads 10 s"):
        evaluate_models(protocol, [model("P9", window_s=10.0)], ".")


def test_no_model_is_refused(protocol: Protocol, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one model"):
        evaluate_models(protocol, [], tmp_path)


def test_people_of_another_data_set_are_not_the_protocols(protocol: Protocol) -> None:
    """A model of several data sets names whom it saw with the set; an unknown set may be the protocol's own."""
    other = model("dsads:P1", "motionsense:P2")
    assert seen_by(other, protocol) == frozenset()
    assert seen_by(model("dsads:P1", "synthetic:P2", "mine:P3", "P4"), protocol) == {"P2", "P3", "P4"}
    judged = judge(protocol, [model("dsads:P1", *(f"synthetic:{subject}" for subject in SUBJECTS[:5]))], partial=True)
    assert list(judged.outcomes) == ["P6"]


def test_a_subject_of_several_sessions_is_one_subject(tmp_path: Path) -> None:
    """Three people with two files of 11 s each: two windows of 5 s from each file's start, the rest of a second left over."""
    header = ",".join(["", *(f"attitude.{a}" for a in ("roll", "pitch", "yaw")), *(f"{k}.{a}" for k in KINDS for a in "xyz")])
    random = np.random.default_rng(0)
    for trial in ("wlk_7", "sit_5"):
        for person in (1, 2, 3):
            rows = [f"{index}," + ",".join(f"{x:.3f}" for x in random.normal(size=12)) for index in range(550)]
            path = tmp_path / "A_DeviceMotion_data" / trial / f"sub_{person}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    people = ["sub_1", "sub_2", "sub_3"]
    manifest = {
        **dict.fromkeys(("id", "title", "folder", "citation"), "invented"),
        "version": 1,
        "reader": "motionsense",
        "window_s": 5,
        "stride_s": 5,
        "subjects": people,
        "classes": ["walking", "sitting"],
        "tasks": {"2-class": {"walking": ["walking"], "sitting": ["sitting"]}},
        "settings": ["inductive"],
        "group_manifest": [{"test": [subject]} for subject in people],
        "windows": {subject: {"walking": 2, "sitting": 2} for subject in people},
    }
    path = tmp_path / "invented.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    reader = registry.get("reader", "motionsense").create()
    phone = tiny_model(SensorSpec(modalities=reader.modalities, window_s=5, stride_s=5), subjects=("motionsense:sub_9",))
    judged = evaluate_models(load_protocol(path), [phone], tmp_path, classifier=NearestMean)
    assert list(judged.outcomes) == people
    assert all(outcomes[0].confusion.sum() == 4 and len(outcomes) == 1 for outcomes in judged.outcomes.values())
    assert "subject-normalised" not in judged.table()
