"""Patches as numbers: what each number says, by hand or computed a second way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from sslts.config import Channel
from sslts.encoders.descriptors.shares import fixed_kernels
from sslts.encoders.patches import describe, patch_tokens, read_at, width
from sslts.types import RateClock, Signal

QUANTILES, SPECTRUM, RHYTHM = slice(3, 10), slice(10, 27), slice(27, 41)
SUMMARIES = 41
DILATIONS = (1, 2, 4)


def described(values: torch.Tensor) -> torch.Tensor:
    return describe(values, torch.ones_like(values, dtype=torch.bool), values.shape[-1])


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_patch_is_level_strength_roughness_quantiles_spectrum_and_rhythm():
    """A patch of 1, 3, 1, 3: level 2, deviation 1, steps of 2; too short for a kernel of nine samples."""
    found = described(torch.tensor([[1.0, 3.0, 1.0, 3.0]]))[0]
    assert found.shape == (width(4),) == (SUMMARIES,)
    assert found[:3].tolist() == pytest.approx([2, math.log(1.01), math.log(2.005)])
    # The shares 0, 0.1, 0.25, 0.5, 0.75, 0.9 and 1 of four sorted numbers.
    assert found[QUANTILES].tolist() == pytest.approx([1, 1, 1, 3, 3, 3, 3])
    # -1 1 -1 1 against itself, moved by 1, 2, 3, 4: sums -3, 2, -1 and nothing, of 4.
    sums = {1: -3, 2: 2, 3: -1, 4: 0}
    lags = [max(1, round(3.6 * (index / 14) ** 1.5)) for index in range(1, 15)]
    assert set(lags) == set(sums)
    assert found[RHYTHM].tolist() == pytest.approx([sums[lag] / 4.0004 for lag in lags], abs=1e-5)


def test_the_spectrum_is_the_power_of_the_windowed_patch_in_bands_that_widen():
    patch = noise(1, 24)
    centred = (patch - patch.mean())[0].numpy() * np.hanning(24)
    # Half the width of a plain transform: 24 frequencies, k / 48 cycles a sample.
    power = [abs(sum(value * np.exp(-2j * np.pi * k * n / 48) for n, value in enumerate(centred))) ** 2 for k in range(1, 25)]
    edges = [0]
    for band in range(1, 17):
        edges.append(min(24, max(edges[-1] + 1, round(24 ** (band / 17)))))
    expected = [math.log(sum(power[low:high]) / 24 + 1e-4) for low, high in zip(edges, [*edges[1:], 24], strict=True)]
    assert described(patch)[0, SPECTRUM].tolist() == pytest.approx(expected, abs=1e-5)


def test_shares_say_how_often_each_kernel_answers_above_its_threshold():
    patch = noise(3, 40, seed=1)
    centred = patch - patch.mean(1, keepdim=True)
    unit = centred / (centred.square().mean(1, keepdim=True).sqrt() + 0.03)
    golden = (math.sqrt(5) - 1) / 2
    expected = []
    for place, dilation in enumerate(DILATIONS):
        answers = functional.conv1d(unit[:, None], fixed_kernels().double(), dilation=dilation)
        for kernel in range(84):
            step = (kernel + 1 + 977 * place) * golden
            threshold = 0.1 * 50 ** (step % 1) * (1 if math.floor(step * 7.13) % 2 == 0 else -1)
            expected.append((answers[:, kernel] > threshold).double().mean(1))
    found = described(patch)[:, SUMMARIES:]
    assert found.shape == (3, 3 * 84)
    torch.testing.assert_close(found, torch.stack(expected, dim=1), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("points", "dilations"), [(8, 0), (9, 1), (16, 1), (17, 2), (33, 3), (62, 3)])
def test_kernels_that_do_not_fit_into_a_patch_are_left_out(points, dilations):
    assert width(points) == SUMMARIES + 84 * dilations == described(noise(1, points)).shape[1]


def test_the_level_moves_the_level_and_the_quantiles_and_nothing_else():
    base = noise(4, 40, seed=2)
    moved = described(base + 5) - described(base)
    with_level = torch.zeros(moved.shape[1], dtype=torch.bool)
    with_level[0] = with_level[QUANTILES] = True
    torch.testing.assert_close(moved[:, with_level], torch.full((4, 8), 5.0, dtype=torch.float64), atol=1e-9, rtol=0)
    assert moved[:, ~with_level].abs().max() < 1e-9


def test_the_strength_hardly_moves_the_shape():
    """Twice as strong: half of the small deviation that shapes are divided by, in proportion."""
    base = noise(4, 40, seed=3)
    weak, strong = described(base), described(2 * base)
    assert (strong[:, 1] - weak[:, 1]).min() > 0.9 * math.log(2)
    assert (strong - weak)[:, SUMMARIES:].abs().mean() < 2e-3
    assert (strong - weak)[:, RHYTHM].abs().max() < 1e-2


def test_a_still_sensor_has_no_shape_made_of_its_noise():
    """A thousandth of noise is a thirtieth of the least deviation: answers stay below almost every threshold of either sign."""
    still, moving = described(1e-3 * noise(1, 40))[0, SUMMARIES:], described(noise(1, 40))[0, SUMMARIES:]
    assert ((still > 0.02) & (still < 0.98)).double().mean() < 0.2 < ((moving > 0.02) & (moving < 0.98)).double().mean()


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0, 64.0])
def test_the_same_movement_reads_the_same_at_any_rate(rate_hz):
    """One swing a second, far below half of the lowest rate. What differs is where in a sample the swing is met."""

    def tokens(rate: float) -> torch.Tensor:
        time = (torch.arange(round(5 * rate)) + 0.5) / rate  # a sample stands for the stretch around it
        channel = (Channel(name="c", kind="accelerometer", unit="g"),)
        values = torch.sin(2 * torch.pi * time)[None, None]
        signal = Signal(values, channel, RateClock(rate), torch.ones(1, dtype=torch.bool), torch.ones_like(values, dtype=torch.bool))
        return patch_tokens(signal, patch_s=2.5, points=60, scales={}).values[0]

    difference = (tokens(rate_hz) - tokens(400.0)).abs()
    assert difference[:, [0, 1, 2]].max() < 0.05
    assert difference[:, QUANTILES].max() < 2 * torch.pi / 25, "a sample of the lowest rate, where the swing is steepest"
    assert difference[:, RHYTHM].max() < 0.05
    # An answer to two and a half swings crosses its threshold at most six times; each crossing may fall one point earlier or later.
    shares = difference[:, SUMMARIES:].unflatten(1, (3, 84))
    for place, dilation in enumerate(DILATIONS):
        assert shares[:, place].max() <= 6 / (60 - 8 * dilation)
    assert shares.mean() < 0.02, "and most fall on the same point"


def test_reading_at_fewer_points_averages():
    assert read_at(torch.tensor([[1.0, 3.0, 5.0, 7.0]]), 2).tolist() == [[2, 6]]
    thirds = read_at(torch.tensor([[3.0, 6.0]]), 3)[0].tolist()  # the middle third is half of the first sample and half of the second
    assert thirds == pytest.approx([3, 4.5, 6])
