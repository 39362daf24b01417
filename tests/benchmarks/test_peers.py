"""The peers compute what they say."""

import numpy as np
import pytest
import torch

pytest.importorskip("sklearn")
from sklearn.linear_model import RidgeClassifier

from benchmarks.peers.classifiers import _ridge_path, fit_balanced_ridge, fit_extra_trees
from benchmarks.peers.handmade import SIZES, bvp_features, eda_features, handmade_features, temp_features
from benchmarks.peers.handmade_motion import motion_features
from benchmarks.rows.motion_peers import mirrored
from benchmarks.rows.shared import SharedFits

RATES = {"acc": 32.0, "bvp": 64.0, "eda": 4.0, "temp": 4.0}


def wrist(windows: int = 2, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "acc": rng.normal(size=(windows, 3, 1920)) * 0.1 + np.array([0.0, 0.0, 1.0])[:, None],
        "bvp": rng.normal(size=(windows, 1, 3840)) * 20,
        "eda": 2 + 0.01 * rng.normal(size=(windows, 1, 240)).cumsum(-1),
        "temp": 33 + 0.01 * rng.normal(size=(windows, 1, 240)).cumsum(-1),
    }


def test_there_are_as_many_features_as_the_blocks_say():
    values, names = handmade_features(wrist(), RATES)
    assert values.shape == (2, 141)
    assert len(set(names)) == 141
    assert {block: sum(name.startswith(f"{block}.") for name in names) for block in SIZES} == SIZES


def test_features_of_dead_sensors_are_finite():
    dead = {name: np.zeros_like(values) for name, values in wrist().items()}
    assert np.isfinite(handmade_features(dead, RATES)[0]).all()


def test_a_windows_features_do_not_depend_on_other_windows():
    both = wrist(3)
    alone = {name: values[1:2] for name, values in both.items()}
    np.testing.assert_array_equal(handmade_features(both, RATES)[0][1], handmade_features(alone, RATES)[0][0])


@pytest.mark.parametrize("rate", [54, 72, 96])
def test_the_heart_rate_of_a_clean_pulse_is_found(rate):
    time = np.arange(3840) / 64
    pulse = np.sin(2 * np.pi * rate / 60 * time) + 0.3 * np.sin(4 * np.pi * rate / 60 * time)
    block = bvp_features(50 * pulse[None], 64.0)
    assert block["rate_mean"] == pytest.approx(rate, abs=0.5)
    assert block["peak_frequency"] == pytest.approx(rate / 60, abs=0.05)
    assert block["log_sdnn"] < np.log(0.02)


def test_skin_conductance_responses_are_counted():
    time = np.arange(240) / 4
    responses = sum(0.3 * np.where(time > at, (time - at) * np.exp(-(time - at) / 1.5), 0) for at in (8, 22, 40))
    block = eda_features((2 + responses)[None], 4.0)
    assert block["strong_responses"] == 3


def test_a_temperature_ramp_has_its_slope_and_no_curvature():
    block = temp_features((33 + 0.002 * np.arange(240) / 4)[None], 4.0)
    assert block["slope"] == pytest.approx(0.002)
    assert block["curvature"] == pytest.approx(0, abs=1e-9)
    assert block["rising"] == 1


@pytest.mark.parametrize("features", [5, 120])
def test_ridge_equals_scikit_learns_weighted_ridge(features):
    rng = np.random.default_rng(0)
    labels = np.r_[0, 1, 2, rng.integers(0, 3, 60), np.zeros(30)].astype(np.int64)
    values = rng.normal(size=(len(labels), features)) * 2 + 3 + labels[:, None]
    for alpha, fitted in zip((0.1, 100.0), _ridge_path(values, labels, (0.1, 100.0)), strict=True):
        scaled = (values - values.mean(0)) / values.std(0)
        reference = RidgeClassifier(alpha=alpha, class_weight="balanced").fit(scaled, labels)
        np.testing.assert_allclose(values @ fitted.weight.T + fitted.bias, reference.decision_function(scaled), atol=1e-8)


@pytest.mark.parametrize("fit", [fit_balanced_ridge, fit_extra_trees])
def test_peers_learn_separable_classes(fit):
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1, 2], 20)
    values = 4 * np.eye(3, 10)[labels] + rng.normal(size=(60, 10)) * 0.3
    fitted = fit(values[:45], labels[:45], [f"S{i // 5}" for i in range(45)])
    assert (fitted.predict(values[45:]) == labels[45:]).all()


def test_motion_features_of_a_known_wave():
    """Two periods a second for 5 s at 25 Hz around 3: dominant frequency 2 Hz, deviation 1/sqrt(2), 20 crossings among 124 neighbours."""
    time = np.arange(125) / 25
    wave = 3 + np.sin(2 * np.pi * 2 * time + 0.1)
    values, names = motion_features({"acc": np.stack([wave, np.full(125, 7.0)])[None]}, {"acc": 25.0})
    assert values.shape == (1, 22)
    told = dict(zip(names, values[0], strict=True))
    assert told["acc.0.mean"] == pytest.approx(3)
    assert told["acc.0.std"] == pytest.approx(np.sqrt(0.5))
    assert told["acc.0.dominant_hz"] == pytest.approx(2)
    assert told["acc.0.kurtosis"] == pytest.approx(1.5)
    assert told["acc.0.skew"] == pytest.approx(0, abs=1e-9)
    assert round(told["acc.0.crossings"] * 124) in (19, 20)
    constant = [told[f"acc.1.{name}"] for name in ("mean", "std", "min", "max", "median", "iqr", "change", "skew", "kurtosis", "crossings")]
    assert constant == [7, 0, 7, 7, 7, 0, 0, 0, 0, 0]


def test_a_lost_end_is_mirrored():
    window = np.array([[1.0, 2.0, 3.0, 0.0, 0.0]], dtype=np.float32)
    np.testing.assert_array_equal(mirrored(window, np.array([True, True, True, False, False])), [[1, 2, 3, 2, 1]])


def test_the_same_training_windows_are_fitted_once():
    fitted = []

    def fit(values, labels, subjects):
        fitted.append(len(values))
        return object()

    values, labels, subjects = np.arange(6.0)[:, None], np.array([0, 1, 0, 1, 0, 1]), list("aabbcc")
    shared = SharedFits().of(fit)
    first = shared(values, labels, subjects)
    assert shared(values.copy(), labels.copy(), subjects) is first
    assert shared(values + 1, labels, subjects) is not first
    assert shared(values, 1 - labels, subjects) is not first
    assert shared(values, labels, list("aabbcd")) is not first
    assert len(fitted) == 4


def test_kernels_leave_torch_as_many_threads_as_it_had():
    pytest.importorskip("aeon", reason="an extra of the benchmarks")
    from benchmarks.peers.minirocket import minirocket_features

    threads = torch.get_num_threads()
    windows = np.random.default_rng(0).normal(size=(4, 1, 32)).astype(np.float32)
    try:
        for wanted in (1, 2):
            torch.set_num_threads(wanted)
            assert len(minirocket_features(windows, np.array([True, True, False, False]), kernels=84)) == 4
            assert torch.get_num_threads() == wanted
    finally:
        torch.set_num_threads(threads)
