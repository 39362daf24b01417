"""Fixed descriptors: numbers by hand or by a second formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sslts.encoders.descriptors import numbers
from sslts.encoders.descriptors.electrodermal import Electrodermal
from sslts.encoders.descriptors.motion import Motion
from sslts.encoders.descriptors.pulse import Pulse
from sslts.encoders.descriptors.reduction import Reduction
from sslts.encoders.descriptors.shares import KernelShares, fixed_kernels, response_range, share_above
from sslts.encoders.descriptors.temperature import Temperature


def sine(hz: float, *, rate_hz: float = 32.0, seconds: float = 60.0, amplitude: float = 1.0) -> torch.Tensor:
    time = torch.arange(round(seconds * rate_hz), dtype=torch.float64) / rate_hz
    return (amplitude * torch.sin(2 * math.pi * hz * time))[None, None].float()


def pulse_wave(bpm: float, *, rate_hz: float = 64.0, seconds: float = 60.0) -> torch.Tensor:
    """Narrow bumps once a beat."""
    time = torch.arange(round(seconds * rate_hz)) / rate_hz
    phase = (time * bpm / 60).remainder(1.0) - 0.5
    return (40 * torch.exp(-((phase / 0.12) ** 2)))[None, None]


def test_shares_are_what_a_plain_convolution_gives():
    made = torch.Generator().manual_seed(0)
    values = torch.randn(3, 2, 70, generator=made)
    low, high = -2.0, 1.0
    module = KernelShares(torch.tensor([low, high]).expand(2, 2, 2), thresholds=3)
    got = module(values).reshape(3, -1)
    expected = []
    for octave, signal in enumerate([values, torch.nn.functional.avg_pool1d(values, 2)]):
        for channel in range(2):
            response = torch.nn.functional.conv1d(signal[:, channel : channel + 1], fixed_kernels())
            for kernel in range(84):
                for k in range(3):
                    place = module.spread[octave, channel, kernel, k]
                    threshold = module.sign[octave, channel, kernel, k] * math.exp(low + (high - low) * place)
                    expected.append((response[:, kernel] > threshold).double().mean(-1))
    torch.testing.assert_close(got, torch.stack(expected, dim=1).float(), atol=1e-6, rtol=0)


def test_counting_by_bytes_never_overflows():
    values = torch.ones(2, 8 * 255 * 3 + 5)
    values[0, ::2] = -1
    expected = (values > 0).double().mean(-1).float()
    torch.testing.assert_close(share_above(values, torch.zeros(2)), expected)


def test_ranges_follow_the_scale_of_the_windows_they_were_made_from():
    values = torch.randn(20, 1, 200, generator=torch.Generator().manual_seed(1))
    small, large = response_range(values, 2), response_range(100 * values, 2)
    torch.testing.assert_close(large - small, torch.full((2, 1, 2), math.log(100)), rtol=0, atol=0.02)
    assert (small[..., 0] < small[..., 1]).all()


def test_reduction_gives_unit_variance_and_uncorrelated_components():
    made = torch.Generator().manual_seed(2)
    values = torch.randn(400, 6, generator=made) @ torch.randn(6, 30, generator=made) + 5
    reduction = Reduction(30, 10, keep=4, clip=50.0, least=1e-6)
    reduction.fit(values)
    quiet, kept = reduction(values)
    torch.testing.assert_close(torch.cov(kept.T, correction=0), torch.eye(4), atol=0.01, rtol=0)
    loudness = quiet.square().mean(0)
    torch.testing.assert_close(loudness[0] / loudness[5], reduction.deviation[0] / reduction.deviation[5], rtol=0.01, atol=0)
    assert reduction.deviation[0] > reduction.deviation[5]


def test_band_power_of_a_sine_is_half_its_squared_amplitude():
    power = numbers.log_band_power(sine(3.0, amplitude=2.0), 32.0, (0.5, 2.5, 3.5, 8.0), 1e-12).exp()[0]
    assert power[1].item() == pytest.approx(2.0, rel=0.01)
    assert power[[0, 2]].max() < 1e-4


def test_autocorrelation_peaks_at_the_period():
    lags = numbers.autocorrelation(sine(2.0))[0, 0]
    assert lags[0].item() == pytest.approx(1.0, abs=1e-4)
    assert lags[16].item() == pytest.approx(1.0, abs=0.01)  # 0.5 s at 32 Hz
    assert lags[8].item() == pytest.approx(-1.0, abs=0.01)


def test_masked_statistics_agree_with_numpy_on_the_valid_part():
    values = torch.tensor([[5.0, 1.0, math.inf, 3.0, 9.0]])
    valid = torch.tensor([[True, True, False, True, False]])
    assert numbers.masked_quantiles(values, valid, (0.0, 0.5, 1.0))[0].tolist() == [1, 3, 5]
    mean, deviation = numbers.masked_moments(values, valid)
    assert mean.item() == pytest.approx(np.mean([5, 1, 3]))
    assert deviation.item() == pytest.approx(np.std([5, 1, 3]), rel=1e-6)
    assert numbers.masked_moments(values, torch.zeros_like(valid))[1].item() == 0


def test_slope_is_the_least_squares_change_over_half_a_window():
    line = 3 * torch.linspace(-1, 1, 101)
    assert numbers.slope(line).item() == pytest.approx(3.0)
    assert numbers.detrended(line[None, None] + 7).abs().max() < 1e-4


@pytest.mark.parametrize("bpm", [54.0, 72.0, 110.0])
def test_pulse_finds_the_beat_interval(bpm):
    descriptor = Pulse(rate_hz=64.0, window_s=60.0)
    described = descriptor._beats(pulse_wave(bpm))[0]
    interval = 60 / bpm
    assert described[0].item() == pytest.approx(interval, rel=0.01)
    assert described[5].item() == pytest.approx(interval, rel=0.02)
    assert described[-2].item() == pytest.approx(1 / interval, rel=0.01)
    assert described[-1].item() == pytest.approx(bpm / 60, abs=0.04)
    assert described[-3].item() == 0  # no interval was taken for an error


def test_a_window_without_a_pulse_says_so():
    flat = Pulse(rate_hz=64.0, window_s=60.0)._beats(torch.zeros(1, 1, 3840))[0]
    assert flat[-3].item() == 1.0
    assert torch.isfinite(flat).all()


def test_more_skin_conductance_responses_are_counted_as_more():
    time = torch.arange(240) / 4.0
    bumps = [torch.exp(-(((time - at) / 1.5) ** 2)) for at in (10, 25, 40, 52)]
    few, many = (2 + 0.8 * sum(bumps[:count])[None, None] for count in (1, 4))
    descriptor = Electrodermal(rate_hz=4.0)
    counts = slice(-12, -6)  # log(1 + number of peaks), six sizes
    assert (descriptor(many)[0, counts] > descriptor(few)[0, counts]).all()
    assert descriptor(few)[0, -12].exp().item() == pytest.approx(2, abs=1e-4)
    assert descriptor(many)[0, -12].exp().item() == pytest.approx(5, abs=1e-4)


@pytest.mark.parametrize(
    ("module", "channels", "rate"),
    [
        (Motion(rate_hz=32.0, window_s=60.0), 3, 32.0),
        (Pulse(rate_hz=64.0, window_s=60.0), 1, 64.0),
        (Electrodermal(rate_hz=4.0), 1, 4.0),
        (Temperature(rate_hz=4.0), 1, 4.0),
        (KernelShares(torch.tensor([-3.0, 0.0]).expand(4, 3, 2), thresholds=2), 3, 32.0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, torch.nn.Module) else None,
)
def test_descriptors_are_finite_and_row_by_row(module, channels, rate):
    made = torch.Generator().manual_seed(5)
    rows = torch.randn(4, channels, round(60 * rate), generator=made)
    extremes = torch.stack([torch.zeros_like(rows[0]), torch.full_like(rows[0], 1e4), rows[0] * 1e-6, rows[0]])
    together = module(extremes)
    assert torch.isfinite(together).all()
    alone = torch.cat([module(row[None]) for row in extremes])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
