"""Recognition from a few labelled recordings: what is compared, what is refused, and how a recording is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

import sslts
from sslts.data.recording import Recording
from sslts.embeddings import Embeddings
from sslts.errors import ConfigError, DTypeError, FrameSizeError, LengthError, MissingModalityError, RateError
from sslts.few_shot import FewShotClassifier, built_head, fitted_classifier

NAN = float("nan")


@dataclass
class Places:
    """A model of two modalities, each with two places of its own; NaN stands for a modality that is absent."""

    rows: dict[str, list[list[float]]] = field(default_factory=dict)

    def clip(self, *rows: list[float]) -> Recording:
        """A recording of one window a row."""
        name = f"clip-{len(self.rows)}"
        self.rows[name] = list(rows)
        return Recording({}, subject="s1", session=name)

    def encode(self, recording: Recording, *, normalise: object) -> Embeddings:
        if recording.session not in self.rows:
            raise FrameSizeError("frames of 64 x 64 pixels")
        values = np.asarray(self.rows[recording.session], dtype=np.float32)
        present = ~np.isnan(values).reshape(len(values), 2, 2).any(2)
        times = np.arange(len(values), dtype=np.float64)
        return Embeddings(np.nan_to_num(values), times, present, ("a", "b"), 1.0, "artefact", "places")


@pytest.fixture
def model() -> Places:
    return Places()


def fitted(model: Places, support: list[Recording], labels: list[str], head: str = "prototypes") -> FewShotClassifier:
    return fitted_classifier(model, support, labels, built_head(head, 4), None)


@pytest.mark.parametrize("labels", [["still", "moving"], ["moving", "still"]])
def test_a_class_of_which_nothing_was_seen_is_named_with_its_recordings(model, labels):
    support = [model.clip([1, 0, 1, 0]), model.clip([NAN] * 4)]
    with pytest.raises(LengthError, match=rf"Nothing was seen of any example of '{labels[1]}' \(Recording 1 \(s1 clip-1\)\)"):
        fitted(model, support, labels)


def test_a_lost_example_beside_others_is_left_out_and_told(model, caplog):
    support = [model.clip([1, 0, 1, 0]), model.clip([NAN] * 4), model.clip([0, 1, 0, 1])]
    found = fitted(model, support, ["x", "x", "y"])
    assert "Recording 1 (s1 clip-1), an example of 'x', is left out: nothing was seen of it." in caplog.text
    assert found.predict(model.clip([1, 0.1, 1, 0])).predicted == ["x"]


@pytest.mark.parametrize("head", ["prototypes", "ridge", "linear", "logistic", "label-propagation"])
def test_without_a_modality_in_common_with_every_class_nothing_is_named(model, head):
    support = [model.clip([1, 0, NAN, NAN]), model.clip([0, 1, NAN, NAN])]
    found = fitted(model, support, ["x", "y"], head).predict(model.clip([NAN, NAN, 1, 0], [0.9, 0.1, 1, 0], [NAN] * 4))
    assert found.predicted == [None, "x", None]
    assert np.isnan(found.scores[0]).all()
    assert found.ranked(0) == []
    assert "0 s: nothing to compare" in repr(found)


def test_one_class_seen_otherwise_leaves_nothing_to_compare_with(model):
    support = [model.clip([1, 0, NAN, NAN]), model.clip([NAN, NAN, 0, 1])]
    found = fitted(model, support, ["x", "y"])
    assert found.predict(model.clip([1, 0, NAN, NAN])).predicted == [None]
    assert found.predict(model.clip([1, 0.1, 0.1, 0.2])).predicted == ["x"]


def test_a_list_is_scored_together_by_a_transductive_head_alone(model):
    support, asked = [model.clip([1, 0, 1, 0]), model.clip([0, 1, 0, 1])], [model.clip([1, 0.5, 1, 0.2]), model.clip([0.2, 1, 0.9, 1])]
    values = torch.tensor([model.rows[clip.session][0] for clip in asked])
    for head, joint in (("label-propagation", True), ("prototypes", False)):
        found = fitted(model, support, ["x", "y"], head)
        told = np.concatenate([each.scores for each in found.predict(asked)])
        np.testing.assert_allclose(told, found.head.scores(values).numpy(), rtol=1e-5)
        alone = np.concatenate([found.predict(each).scores for each in asked])
        assert np.allclose(told, alone, rtol=1e-4) != joint
        assert [len(each) for each in found.predict([*asked, model.clip([1, 0, 1, 0], [NAN] * 4)])] == [1, 1, 2]
        assert found.predict([]) == []


def test_which_recording_does_not_fit_is_named(model):
    support = [model.clip([1, 0, 1, 0]), Recording({}, session="strange")]
    with pytest.raises(FrameSizeError, match=r"Recording 1 \(strange\): frames of 64 x 64"):
        fitted(model, support, ["x", "y"])
    found = fitted(model, [support[0], model.clip([0, 1, 0, 1])], ["x", "y"])
    with pytest.raises(FrameSizeError, match=r"Recording 0 \(strange\)"):
        found.predict([support[1]])
    with pytest.raises(FrameSizeError, match="^frames of 64 x 64"):
        found.predict(support[1])


def test_examples_whose_embeddings_are_0_are_refused(model):
    support = [model.clip([1, 0, 1, 0]), model.clip([0, 0, 0, 0])]
    with pytest.raises(LengthError, match="Every example of 'y' has an embedding of 0, which nothing can be compared with"):
        fitted(model, support, ["x", "y"])


def test_what_is_no_recording_is_refused_as_encode_refuses_it():
    loaded = sslts.load("crossl-wesad")
    with pytest.raises(RateError, match=r"Recording 0: 'acc' has no rate"):
        loaded.few_shot([{"acc": np.zeros((640, 3))}] * 2, ["x", "y"])
    found = FewShotClassifier(
        loaded, built_head("prototypes", 4).fit(torch.eye(2), torch.arange(2)), ("x", "y"), np.ones((2, 2), dtype=bool)
    )
    for asked in ({"acc": np.zeros((640, 3))}, [{"acc": np.zeros((640, 3))}]):
        with pytest.raises(RateError, match="'acc' has no rate.*Recording.from_arrays"):
            found.predict(asked)
    for asked in ("S01.zip", Path("S01.zip"), None, 3, loaded):
        with pytest.raises(MissingModalityError, match=rf"got {type(asked).__name__}\..*Recording.from_arrays"):
            found.predict(asked)
        with pytest.raises(MissingModalityError, match=rf"got {type(asked).__name__}\."):
            found.scores(asked)
    with pytest.raises(MissingModalityError, match="got list"):
        found.scores([Recording({})])


@pytest.mark.parametrize("wrong", [("clip", ["x"]), (["clip"], "x"), (["clip"], None), (None, ["x"]), ({"clip": 1}, ["x"])])
def test_one_recording_or_one_label_that_is_no_list_is_refused(model, wrong):
    clip = model.clip([1, 0, 1, 0])
    support, labels = {"clip": clip, "['clip']": [clip]}.get(str(wrong[0]), wrong[0]), wrong[1]
    with pytest.raises(LengthError, match="needs a list of recordings and a list of labels"):
        fitted_classifier(model, support, labels, built_head("prototypes", 4), None)


def test_examples_may_come_from_generators_and_classes_be_numbers(model):
    clips = [model.clip([1, 0.1, 1, 0.1]), model.clip([0.1, 1, 0.1, 1])]
    assert fitted(model, clips, [1.5, 0.5]).classes == (0.5, 1.5)
    assert fitted(model, clips, np.array([True, False])).classes == (False, True)
    found = fitted(model, (clip for clip in clips), np.array([4, 7]))
    assert found.predict(model.clip([1, 0.1, 1, 0])).predicted == [4]
    assert [each.predicted for each in found.predict(clip for clip in clips)] == [[4], [7]]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["x", None], "label 1 is None"),
        ([NAN, "x"], "label 0 is nan"),
        (["x", 1], "all of one kind, got int and str"),
        ([["x"], "y"], r"label 0 is \['x'\]"),
        ([(["x"],), "y"], "all of one kind, got str and tuple"),
    ],
)
def test_labels_that_are_no_names_are_refused_before_anything_is_encoded(model, labels, told):
    with pytest.raises(DTypeError, match=told):
        fitted(model, [Recording({}), Recording({})], labels)


@pytest.mark.parametrize("labels", [["x"], ["x", "x"]])
def test_one_class_alone_is_refused(model, labels):
    with pytest.raises(LengthError, match="two classes or more, got 'x' alone"):
        fitted(model, [model.clip([1, 0, 1, 0])] * len(labels), labels)


@pytest.mark.parametrize(("head", "told"), [(3, "got int"), (["ridge"], "got list"), (torch.nn.Linear, "got Linear"), (len, "got builtin")])
def test_a_head_that_is_none_is_refused_with_those_that_are(head, told):
    with pytest.raises(ConfigError, match=rf"the name of a head \(.*prototypes.*\) or one that was built, {told}"):
        built_head(head, 4)


def test_a_window_says_which_modalities_it_was_named_by(model):
    support = [model.clip([1, 0, 1, 0]), model.clip([0, 1, 0, 1])]
    found = fitted(model, support, ["x", "y"]).predict(model.clip([1, 0.1, 1, 0], [NAN, NAN, 1, 0], [NAN] * 4))
    assert [found.used(window) for window in range(3)] == [("a", "b"), ("b",), ()]
    assert "(from a, b)" in repr(found)
    assert "2 s: nothing to compare (from nothing)" in repr(found)
