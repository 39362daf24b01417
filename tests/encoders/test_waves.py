"""The encoder of waves: kernels from descriptions, a sum over channels, and nothing from what is hidden or absent."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from sslts.config import Channel
from sslts.encoders.waves import DescribedWaves
from sslts.errors import ConfigError
from sslts.types import RateClock, Signal, Tokens


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def signal(values: torch.Tensor, rate_hz: float = 32.0, kind: str = "accelerometer") -> Signal:
    channels = tuple(Channel(name=f"c{i}", kind=kind, unit="g", description=f"axis {i}") for i in range(values.shape[1]))
    present, observed = torch.ones(len(values), dtype=torch.bool), torch.ones_like(values, dtype=torch.bool)
    return Signal(values, channels, RateClock(rate_hz), present, observed)


@pytest.fixture
def encoder() -> DescribedWaves:
    torch.manual_seed(0)
    made = DescribedWaves.example()
    made.prepare_descriptions(noise(6, 8, seed=3) + 2)
    return made


def test_it_is_a_sum_of_channels_each_read_by_the_kernels_that_its_description_makes(encoder):
    given, described = signal(noise(2, 3, 32)), noise(3, 8, seed=1)
    made = encoder.encode(encoder.tokenize(given, described))
    told = (described - encoder.centre) / encoder.spread
    summed = torch.zeros(2, 8, 16)
    for channel in range(3):
        kernels = encoder.kernels(told[channel]).view(8, 9)
        wave = given.values[:, channel] - given.values[:, channel].mean(1, keepdim=True)
        padded = functional.pad(wave / (wave.std(1, keepdim=True, correction=0) + 0.05), (4, 4))
        for place in range(16):
            summed[:, :, place] += padded[:, 2 * place : 2 * place + 9] @ kernels.T
    values = summed / 3**0.5 + encoder.where(told).mean(0)[None, :, None]
    for layer in encoder.later:
        values = layer(functional.gelu(values))
    expected = encoder.leave(functional.gelu(values).reshape(2, -1))
    torch.testing.assert_close(made.values[:, 0], expected, atol=1e-5, rtol=1e-5)
    assert made.valid.tolist() == [[True], [True]]


def test_the_order_of_channels_does_not_matter_and_what_they_are_called_does(encoder):
    given, described = signal(noise(2, 3, 32)), noise(3, 8, seed=1)
    order = [2, 0, 1]
    first = encoder.encode(encoder.tokenize(given, described)).values
    moved = replace(given, values=given.values[:, order], channels=tuple(given.channels[i] for i in order))
    torch.testing.assert_close(encoder.encode(encoder.tokenize(moved, described[order])).values, first, atol=1e-5, rtol=1e-5)
    other = encoder.encode(encoder.tokenize(moved, described)).values
    assert (other - first).abs().max() > 1e-3


def test_what_is_hidden_or_lost_adds_nothing(encoder):
    given, described = signal(noise(2, 3, 32)), noise(3, 8, seed=1)
    two = replace(given, values=given.values[:, :2], channels=given.channels[:2], observed=given.observed[:, :2])
    expected = encoder.encode(encoder.tokenize(two, described[:2])).values
    visible = torch.tensor([[True, True, False]]).expand(2, -1)
    torch.testing.assert_close(encoder.encode(encoder.tokenize(given, described), visible).values, expected)
    observed = given.observed.clone()
    observed[:, 2, 3:20] = False
    lost = encoder.tokenize(replace(given, observed=observed), described)
    assert lost.valid.tolist() == [[True, True, False]] * 2
    torch.testing.assert_close(encoder.encode(lost).values, expected)


def test_a_window_with_nothing_to_see_is_zeros_and_not_valid(encoder):
    tokens = encoder.tokenize(signal(noise(2, 3, 32)), noise(3, 8, seed=1))
    nothing = torch.tensor([[True, True, True], [False, False, False]])
    made = encoder.encode(tokens, nothing)
    assert made.valid.tolist() == [[True], [False]]
    assert not made.values[1].any()
    assert made.values[0].any()


def test_a_level_is_left_out_and_lost_samples_stand_at_it(encoder):
    given = signal(noise(1, 1, 32) + 5)
    observed = given.observed.clone()
    observed[..., 10:14] = False
    wave = encoder.tokenize(replace(given, observed=observed, values=given.values.masked_fill(~observed, 99.0)), noise(1, 8)).values[0, 0]
    level = given.values[observed].mean()
    torch.testing.assert_close(wave[10:14], torch.zeros(4))
    strength = given.values[observed].std(correction=0)
    torch.testing.assert_close(wave[:10], (given.values[0, 0, :10] - level) / (strength + 0.05))


def test_one_wave_at_two_rates_is_read_alike(encoder):
    def sampled(rate_hz: float) -> Tokens:
        time_s = (torch.arange(int(rate_hz * 2)) + 0.5) / rate_hz
        return encoder.tokenize(signal(torch.sin(2 * torch.pi * time_s)[None, None], rate_hz), noise(1, 8))

    torch.testing.assert_close(sampled(64.0).values, sampled(160.0).values, atol=5e-3, rtol=0)


def test_a_wave_has_unit_strength_unless_it_is_next_to_nothing_for_its_kind(encoder):
    values = noise(1, 1, 32)
    loud, faint, faint_turn = (
        encoder.tokenize(signal(size * values, kind=kind), noise(1, 8)).values
        for size, kind in ((10.0, "accelerometer"), (0.01, "accelerometer"), (0.03, "gyroscope"))
    )
    assert 0.98 < float(loud.std(correction=0)) < 1
    assert float(faint.std()) < 0.2
    torch.testing.assert_close(faint, faint_turn)


def test_descriptions_are_centred_and_brought_to_unit_variance(encoder):
    described = 0.01 * noise(40, 8, seed=5) + 4
    encoder.prepare_descriptions(described)
    told = (described - encoder.centre) / encoder.spread
    torch.testing.assert_close(told.mean(0), torch.zeros(8), atol=1e-3, rtol=0)
    torch.testing.assert_close(told.square().mean(), torch.tensor(1.0), atol=1e-3, rtol=0)


def test_gradients_reach_every_parameter(encoder):
    encoder.encode(encoder.tokenize(encoder.example_signal(), noise(3, 8))).values.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in encoder.parameters())


def test_wrong_descriptions_and_foreign_tokens_are_refused(encoder):
    with pytest.raises(ConfigError, match=r"must be \[3, 8\], got \(2, 8\). Give one vector a channel"):
        encoder.tokenize(encoder.example_signal(), noise(2, 8))
    with pytest.raises(ConfigError, match="Tokenise with descriptions"):
        encoder.encode(replace(encoder.tokenize(encoder.example_signal()), described=None))
