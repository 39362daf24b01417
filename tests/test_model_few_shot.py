"""A model's `few_shot` with every built-in head: who is told apart, what is refused, and that what was not seen takes no part."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_recordings import RATES, UNITS, arrays, recording
from tiny_e4 import tiny_model

from sslts._builtins import BUILTINS
from sslts.config import Preprocessing, SensorSpec
from sslts.data import specs, synthetic
from sslts.data.normalise import fit_statistics
from sslts.data.recording import Recording
from sslts.errors import LengthError, UnknownComponentError, UnsupportedError
from sslts.heads.label_propagation import LabelPropagationHead
from sslts.heads.relation import RelationHead
from sslts.model import Model


@pytest.fixture
def model(small_spec: SensorSpec) -> Model:
    return tiny_model(small_spec)


@pytest.mark.parametrize("head", sorted(set(BUILTINS["head"]) - {"relation"}))
def test_few_shot_tells_states_of_invented_people_apart(head):
    spec = specs.empatica_e4(window_s=20, stride_s=10)
    states = ("meditation", "stress")
    support = [synthetic.recording(seed=1, duration_s=120, state=state) for state in states]
    plain = tiny_model(spec)
    fitted_statistics = Preprocessing(statistics=fit_statistics(support, spec, None))
    model = Model(plain.config.model_copy(update={"preprocessing": fitted_statistics}), plain.method)
    fitted = model.few_shot(support, states, head=head)
    assert fitted.classes == states
    queries = [synthetic.recording(seed=1, duration_s=90, state=state) for state in states]
    right = [
        np.mean([label == state for label in row])
        for row, state in zip((each.predicted for each in fitted.predict(queries)), states, strict=True)
    ]
    assert np.mean(right) > 0.7
    scores = fitted.scores(queries[0])
    assert scores.shape == (8, 2)
    assert fitted.predict(queries[0]).predicted == [states[index] for index in scores.argmax(1)]


def test_few_shot_names_no_class_where_nothing_was_seen(model):
    fitted = model.few_shot([recording(), recording(eda=9 - arrays()["eda"])], ["a", "b"])
    given = arrays()
    given["acc"][:80], given["eda"][:40] = np.nan, np.nan
    broken = Recording.from_arrays(given, rate_hz=RATES, units=UNITS)
    assert np.isnan(fitted.scores(broken)).all(1).tolist() == [True] * 4 + [False] * 5  # 10 s without samples hold four windows
    named = fitted.predict(broken).predicted
    assert named[:4] == [None] * 4
    assert set(named[4:]) <= {"a", "b"}


def test_few_shot_needs_a_label_a_recording_and_a_known_head(model):
    with pytest.raises(LengthError, match="one label a recording, got 1 recordings and 2 labels"):
        model.few_shot([recording()], ["a", "b"])
    with pytest.raises(LengthError, match="two classes or more, got no recording"):
        model.few_shot([], [])
    with pytest.raises(UnknownComponentError, match="prototypes"):
        model.few_shot([recording()], ["a"], head="prototype")


def test_few_shot_takes_a_head_whose_weights_must_be_trained_but_not_its_name(model):
    support, labels = [recording(), recording(eda=9 - arrays()["eda"])], ["a", "b"]
    with pytest.raises(UnsupportedError, match="'relation' compares by weights that must be trained first"):
        model.few_shot(support, labels, head="relation")
    trained = RelationHead.create(embed_dim=model.embed_dim)
    fitted = model.few_shot(support, labels, head=trained)
    parts = [torch.from_numpy(model.encode(one).values) for one in support]
    expected = trained(torch.cat(parts), torch.arange(2).repeat_interleave(9), parts[0])
    np.testing.assert_allclose(fitted.scores(support[0]), expected.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_windows_that_nothing_saw_take_no_part_in_what_a_transductive_head_says_of_others(model):
    # Every node a neighbour of every other, by distance: an unseen window's zeros would be one of them.
    head = LabelPropagationHead.create(affinity="gaussian", neighbours=1000, alpha=0.9)
    fitted = model.few_shot([recording(), recording(eda=9 - arrays()["eda"])], ["a", "b"], head=head)
    given = arrays()
    given["acc"][:80], given["eda"][:40] = np.nan, np.nan
    broken = Recording.from_arrays(given, rate_hz=RATES, units=UNITS)
    found = model.encode(broken)
    assert found.usable.tolist() == [False] * 4 + [True] * 5
    expected = fitted.head.scores(torch.from_numpy(found.values[4:])).numpy()
    np.testing.assert_allclose(fitted.scores(broken)[4:], expected, rtol=1e-5)
    everything = fitted.head.scores(torch.from_numpy(found.values)).numpy()[4:]
    assert np.abs(everything - expected).max() > 1e-3
