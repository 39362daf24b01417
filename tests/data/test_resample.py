import numpy as np
import pytest

from sslts.data import Recording, resample
from sslts.data import resample as function_not_module
from sslts.errors import RateError


def sine(rate_hz, seconds=100.0, frequency_hz=1.3):
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz).astype(np.float32)


@pytest.mark.parametrize(("from_hz", "rate_hz"), [(64, 32), (32, 64), (700, 64), (50, 32), (100, 30), (31.98, 32), (4, 64)])
def test_a_slow_sine_is_the_same_sine_at_another_rate(from_hz, rate_hz):
    frequency_hz = 0.1
    result = resample(sine(from_hz, frequency_hz=frequency_hz), from_hz=from_hz, rate_hz=rate_hz)
    expected = np.sin(2 * np.pi * frequency_hz * np.arange(len(result)) / rate_hz)
    assert np.abs(result - expected).max() < 0.01
    assert abs(len(result) / rate_hz - 100) <= 1 / rate_hz


def test_what_the_new_rate_cannot_carry_is_removed_not_folded():
    # 14 Hz at 20 Hz would fold to 6 Hz with full amplitude.
    result = resample(sine(100, frequency_hz=14), from_hz=100, rate_hz=20)
    assert np.sqrt(np.mean(result[20:-20] ** 2)) < 0.005


@pytest.mark.parametrize(("from_hz", "rate_hz"), [(64, 25), (7, 5), (4, 64), (700, 4)])
def test_a_constant_stays_exactly_constant_up_to_the_ends(from_hz, rate_hz):
    result = resample(np.full(2000, 34.2), from_hz=from_hz, rate_hz=rate_hz)
    np.testing.assert_allclose(result, 34.2, rtol=1e-6)


def test_a_ramp_stays_a_ramp_at_the_start():
    result = resample(np.arange(1000.0), from_hz=100, rate_hz=50)
    np.testing.assert_allclose(result, np.arange(0, 1000, 2), atol=0.05)


def test_chunks_do_not_show(monkeypatch):
    import sys

    module = sys.modules["sslts.data.resample"]
    values = np.random.default_rng(0).standard_normal((5000, 2)).astype(np.float32)
    whole = resample(values, from_hz=64, rate_hz=50)
    monkeypatch.setattr(module, "_CHUNK", 700)
    np.testing.assert_allclose(resample(values, from_hz=64, rate_hz=50), whole, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [25, 64 / 2, 100])
def test_a_gap_stays_local(rate_hz):
    values = np.random.default_rng(0).standard_normal(6400)
    gappy = values.copy()
    gappy[3000:3064] = np.nan  # one second, from 46.875 s
    whole, result = (resample(v, from_hz=64, rate_hz=rate_hz) for v in (values, gappy))
    lost = np.flatnonzero(np.isnan(result)) / rate_hz
    assert len(lost) == pytest.approx(rate_hz, abs=2)
    assert lost.min() > 46.8
    assert lost.max() < 47.95
    far = np.abs(np.arange(len(result)) / rate_hz - 47.375) > 1.5
    np.testing.assert_array_equal(result[far], whole[far])


def test_sparse_losses_do_not_take_a_slow_signal_with_them():
    values = np.ones(70_000)
    values[::100] = np.nan
    assert np.isfinite(resample(values, from_hz=700, rate_hz=4)).all()


def test_what_stands_in_a_lost_sample_is_never_read():
    values = np.random.default_rng(0).standard_normal((640, 1))
    results = []
    for junk in (np.nan, np.inf):
        poisoned = values.copy()
        poisoned[100:140] = junk
        recording = Recording.from_arrays({"bvp": poisoned}, rate_hz=64, units={"bvp": "a.u."})
        results.append(resample(recording.streams["bvp"], rate_hz=25))
    np.testing.assert_array_equal(results[0].values, results[1].values)
    assert (results[0].values[~results[0].observed] == 0).all()


def test_a_wholly_lost_channel_stays_lost_and_its_neighbour_intact():
    values = np.stack([np.full(640, np.nan), np.ones(640)], axis=1)
    result = resample(values, from_hz=64, rate_hz=32)
    assert np.isnan(result[:, 0]).all()
    np.testing.assert_allclose(result[:, 1], 1, rtol=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 2, 5])
def test_tiny_inputs_keep_their_length_rule(samples):
    result = resample(np.full(samples, 3.0), from_hz=64, rate_hz=48)
    assert len(result) == -(-samples * 3 // 4)
    np.testing.assert_allclose(result, 3, rtol=1e-6)


def test_the_same_rate_changes_nothing_and_the_start_stays():
    stream = Recording.from_arrays({"bvp": np.ones(640)}, rate_hz=64, units={"bvp": "a.u."}, start_s={"bvp": 3.5}).streams["bvp"]
    assert resample(stream, rate_hz=64) is stream
    assert resample(stream, rate_hz=32).start_s == 3.5


def test_rates_are_required_and_bounded():
    with pytest.raises(RateError, match="from_hz"):
        resample(np.ones(10), rate_hz=4)
    with pytest.raises(RateError):
        resample(np.ones(10), rate_hz=-4, from_hz=4)
    with pytest.raises(RateError, match="beyond"):
        resample(np.ones(10), rate_hz=1e6, from_hz=1e-3)


def test_the_package_name_is_the_function():
    assert callable(function_not_module)
