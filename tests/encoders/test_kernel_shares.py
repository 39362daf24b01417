"""The fixed description of a whole clip: its formula, what it does not depend on, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sslts.encoders.descriptors.shares import fixed_kernels
from sslts.encoders.kernel_shares import KernelShareEncoder
from sslts.errors import ChannelError, ConfigError, LengthError


@pytest.fixture
def encoder() -> KernelShareEncoder:
    return KernelShareEncoder.example()


def test_numbers_are_shares_of_responses_above_thresholds_then_deviation_then_course(encoder):
    signal = encoder.example_signal(3)
    values = encoder._channels(signal)
    found = encoder._described(values).numpy()
    standard = ((values - encoder.mean[:, None]) / encoder.scale[:, None]).numpy()
    assert standard.shape == (3, 4, 32), "three axes and their length"
    np.testing.assert_allclose(
        standard[:, 3] * float(encoder.scale[3]) + float(encoder.mean[3]), np.linalg.norm(values[:, :3], axis=1), rtol=1e-4
    )
    kernels, shares = fixed_kernels()[:, 0].numpy(), encoder.shares
    low, high = encoder.ranges[..., 0], encoder.ranges[..., 1]
    for octave in range(2):
        halved = standard if octave == 0 else standard.reshape(3, 4, 16, 2).mean(-1)
        for channel, kernel in ((0, 0), (3, 50)):
            response = np.correlate(halved[1, channel], kernels[kernel], mode="valid")
            edge = low[octave, channel] + (high[octave, channel] - low[octave, channel]) * shares.spread[octave, channel, kernel, 0]
            threshold = float(shares.sign[octave, channel, kernel, 0] * edge.exp())
            place = (octave * 4 + channel) * 84 + kernel
            assert found[1, place] == pytest.approx((response > threshold).mean(), abs=1e-6)
    np.testing.assert_allclose(found[:, 672:676], standard.std(-1), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[:, 676:], standard.reshape(3, 4, 2, 16).mean(-1).reshape(3, 8), rtol=1e-3, atol=1e-5)


def test_kept_components_have_unit_variance_over_the_windows_that_fitted_them(encoder):
    tokens = encoder.tokenize(encoder.example_signal(24))
    assert tokens.values.shape == (24, 1, 16)
    torch.testing.assert_close(tokens.values[:, 0].std(0, correction=0), torch.ones(16), atol=2e-2, rtol=0)


def test_what_was_not_observed_is_never_read_and_absence_leaves_no_token(encoder):
    signal = encoder.example_signal(4)
    observed = signal.observed.clone()
    observed[1, :, 5:9] = False
    given = replace(signal, observed=observed, present=torch.tensor([True, True, False, True]))
    poisoned = replace(given, values=torch.where(given.usable, given.values, torch.full_like(given.values, float("nan"))))
    one, two = encoder.tokenize(given), encoder.tokenize(poisoned)
    assert torch.equal(one.values[[0, 1, 3]], two.values[[0, 1, 3]])
    assert one.valid[:, 0].tolist() == [True, True, False, True]


def test_a_fitted_encoder_survives_its_state_dict(encoder):
    other = KernelShareEncoder.create(channels=3, points=32, octaves=2, thresholds=1, stretches=2, embed_dim=16)
    other.load_state_dict(encoder.state_dict())
    signal = encoder.example_signal(3)
    assert torch.equal(other.tokenize(signal).values, encoder.tokenize(signal).values)


def test_other_shapes_are_refused(encoder):
    signal = encoder.example_signal(2)
    with pytest.raises(LengthError, match="built for 32 samples, got 31"):
        encoder.tokenize(replace(signal, values=signal.values[..., 1:], observed=signal.observed[..., 1:]))
    with pytest.raises(ChannelError, match="built for 3 channels"):
        encoder.tokenize(replace(signal, values=signal.values[:, :2], observed=signal.observed[:, :2], channels=signal.channels[:2]))
    with pytest.raises(ConfigError, match="use fewer octaves"):
        KernelShareEncoder.create(channels=3, points=32, octaves=3)
