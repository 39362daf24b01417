"""Zero-shot naming: scores worked out by hand, stretches, files."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from tiny_text import RATE_HZ, compass, tiny_jepa, walk

from sslts.data.recording import Recording
from sslts.errors import LengthError, MissingModalityError, UnsupportedError
from sslts.retrieval.classification import Classification

pytestmark = pytest.mark.filterwarnings("ignore::sslts.errors.VocabularyWarning")

EAST, NORTH = (1.0, 0.0), (0.0, 1.0)


def test_scores_are_a_softmax_of_cosines_over_the_temperature():
    found = compass().classify(walk((3.0, 4.0)), ["east", "north", "west"])
    weights = [math.exp(cosine / 0.5) for cosine in (0.6, 0.8, -0.6)]
    assert found.labels == ("east", "north", "west")
    np.testing.assert_allclose(found.scores, [[weight / sum(weights) for weight in weights]], rtol=1e-5)
    assert found.predicted == ["north"]
    assert found.confidence[0] == pytest.approx(weights[1] / sum(weights), rel=1e-5)


def test_a_lower_temperature_is_surer_of_the_same_answer():
    model = compass()
    mild = model.classify(walk((3.0, 4.0)), ["east", "north"])
    model.method.temperature.fill_(0.05)
    sure = model.classify(walk((3.0, 4.0)), ["east", "north"])
    assert sure.predicted == mild.predicted
    assert sure.confidence[0] > mild.confidence[0]


def test_a_labels_phrases_and_prompts_are_averaged_as_directions():
    # "east" and "north" average to north-east, at 45 degrees from east and from north; the prompt "to the north {}" pulls further.
    labels = {"upper right": ["east", "north"], "down": ["south"]}
    found = compass().classify(walk(EAST), labels)
    expected = [math.exp(math.sqrt(0.5) / 0.5), math.exp(0)]
    np.testing.assert_allclose(found.scores, [[weight / sum(expected) for weight in expected]], rtol=1e-5)
    assert found.labels == ("upper right", "down")
    prompted = compass().classify(walk(EAST), ["east", "south"], prompts=["going {}", "{} and north"])
    first, second = np.array([1.0, 0.0]), np.array([1.0, 1.0]) / math.sqrt(2)
    mean = (first + second) / np.linalg.norm(first + second)
    # "south and north" points nowhere: what is left of that label is "going south".
    weights = [math.exp(mean[0] / 0.5), math.exp(0)]
    np.testing.assert_allclose(prompted.scores, [[weight / sum(weights) for weight in weights]], rtol=1e-5)


def test_a_window_without_data_has_no_label_and_is_in_no_segment():
    found = compass().classify(walk(EAST, None, EAST), ["east", "north"])
    assert found.usable.tolist() == [True, False, True]
    assert found.predicted == ["east", None, "east"]
    assert np.isnan(found.scores[1]).all()
    assert [(s.label, s.start_s, s.end_s) for s in found.segments()] == [("east", 0, 2), ("east", 4, 6)]
    assert found.to_dict()["scores"][1] is None
    assert "1 of 3 windows hold no data" in repr(found)


def test_neighbours_of_one_label_are_one_segment_with_their_mean_score():
    found = Classification(("a", "b"), np.float32([[0.6, 0.4], [0.8, 0.2], [0.3, 0.7]]), np.array([10.0, 12.0, 14.0]), 2.0, "m")
    assert [(s.label, s.start_s, s.end_s) for s in found.segments()] == [("a", 10, 14), ("b", 14, 16)]
    assert [s.score for s in found.segments()] == pytest.approx([0.7, 0.7])


def test_overlapping_windows_meet_midway_and_gaps_stay_gaps():
    scores = np.float32([[1, 0], [0, 1], [0, 1]])
    overlapping = Classification(("a", "b"), scores, np.array([0.0, 1.0, 2.0]), 4.0, "m")
    assert [(s.label, s.start_s, s.end_s) for s in overlapping.segments()] == [("a", 0, 2.5), ("b", 2.5, 6)]
    apart = Classification(("a", "b"), scores, np.array([0.0, 10.0, 20.0]), 4.0, "m")
    assert [(s.label, s.start_s, s.end_s) for s in apart.segments()] == [("a", 0, 4), ("b", 10, 14), ("b", 20, 24)]
    none = Classification(("a", "b"), np.empty((0, 2), np.float32), np.empty(0), 4.0, "m")
    assert none.segments() == ()


def test_a_file_has_a_row_a_window_and_reads_back_to_the_same_numbers(tmp_path):
    found = compass().classify(walk(EAST, None, (3.0, 4.0)), ["east", "up, north"])
    path = found.to_csv(tmp_path / "c.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["predicted"] for row in rows] == ["east", "", "up, north"]
    assert [row["time_s"] for row in rows] == ["0.0", "2.0", "4.0"]
    assert np.float32(rows[2]["score_up, north"]) == found.scores[2, 1] == np.float32(rows[2]["confidence"])
    assert rows[1]["confidence"] == rows[1]["score_east"] == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.csv"]
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["predicted"] == ["east", None, "up, north"]


def test_it_is_the_same_whatever_the_batch_and_follows_the_stride():
    model, given = tiny_jepa(), worn()
    whole = model.classify(given, ["walking", "sitting"])
    np.testing.assert_allclose(model.classify(given, ["walking", "sitting"], batch_size=1).scores, whole.scores, rtol=1e-4)
    assert model.classify(given, ["walking", "sitting"], stride_s=1.0).time_s.tolist() == [0, 1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(whole.scores.sum(1), 1, rtol=1e-5)


def test_arrays_are_classified_as_the_recording_made_of_them():
    values = np.tile(np.float32([0.0, 2.0]), (40, 1))
    made = Recording.from_arrays({"compass": values}, rate_hz=RATE_HZ, units={"compass": "1"}, channels={"compass": ["e", "n"]})
    from_recording = compass().classify(made, ["east", "north"])
    assert from_recording.predicted == ["north", "north"]
    acc = worn().streams["acc"].values
    found = tiny_jepa().classify({"acc": acc}, ["walking", "sitting"], rate_hz=50, units={"acc": "g"})
    assert np.array_equal(found.scores, tiny_jepa().classify(worn(), ["walking", "sitting"]).scores)


def test_channels_that_the_model_does_not_read_are_asked_for_by_name():
    odd = Recording.from_arrays({"phone": np.zeros((400, 2))}, rate_hz=50, units={"phone": "g"}, channels={"phone": ["a0", "a1"]})
    with pytest.raises(MissingModalityError, match=r"phone\.a0 \(phone\), phone\.a1 \(phone\); this model reads accelerometer.*kinds="):
        tiny_jepa().classify(odd, ["walking", "sitting"])


def test_a_recording_shorter_than_a_window_is_refused():
    with pytest.raises(LengthError, match=r"lasts 2 s, one window needs 4 s"):
        compass(window_s=4.0).classify(walk(EAST), ["east", "north"])


def test_a_model_without_text_is_refused_before_anything_is_read(small_spec):
    from tiny_e4 import tiny_model

    with pytest.raises(UnsupportedError, match="tiny has no text tower, so it cannot classify"):
        tiny_model(small_spec).classify(None, ["a", "b"])


def test_the_models_that_do_know_text_are_named(small_spec):
    from tiny_e4 import tiny_model

    with pytest.raises(UnsupportedError, match=r"Models that can: .*sensor-text-jepa-har"):
        tiny_model(small_spec).classify(None, ["a", "b"])


def worn(seconds: float = 8.0) -> Recording:
    time_s = np.arange(round(50 * seconds)) / 50
    turning = np.stack([np.sin(9 * time_s), 0.5 * np.cos(4 * time_s), 1 + 0.2 * np.sin(2 * time_s)], axis=1)
    return Recording.from_arrays({"acc": turning}, rate_hz=50, units={"acc": "g"})
