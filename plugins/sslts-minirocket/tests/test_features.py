"""MiniRocket inside sslts: the promises of an encoder, and the same numbers as aeon by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from aeon.transformations.collection.convolution_based import MiniRocket

from sslts import registry
from sslts.errors import ChannelError, LengthError
from sslts.testing import conformance_cases
from sslts_minirocket.features import MiniRocketFeatures


@pytest.mark.parametrize("case", conformance_cases(MiniRocketFeatures), ids=str)
def test_conformance(case):
    case()


def test_sslts_finds_it():
    assert registry.get("encoder", "minirocket.features") is MiniRocketFeatures


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_those_of_aeon(channels):
    encoder = MiniRocketFeatures.create(channels=channels, points=64, kernels=336, dilations=8, seed=3)
    windows = encoder.example_signal(20)
    encoder.prepare(windows)
    values = windows.values.numpy()
    standard = ((values - values.mean((0, 2), keepdims=True)) / values.std((0, 2), keepdims=True)).astype(np.float32)
    expected = MiniRocket(336, 8, random_state=3).fit(standard).transform(standard)
    made = encoder.encode(encoder.tokenize(windows)).values[:, 0]
    # Channels of a kernel may be added up in another order, which turns a comparison here and there.
    assert (made - torch.from_numpy(expected)).abs().max() <= 2 / 64
    assert (made - torch.from_numpy(expected)).abs().mean() < 1e-3


def test_fitting_leaves_numpys_generator_alone():
    encoder = MiniRocketFeatures.create(channels=2, points=32, kernels=84)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is what must not change
    encoder.prepare(encoder.example_signal(8))
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002 - as above


def test_torch_keeps_its_threads():
    threads = torch.get_num_threads()
    try:
        for wanted in (1, 2):
            torch.set_num_threads(wanted)
            encoder = MiniRocketFeatures.example()
            assert torch.get_num_threads() == wanted
            encoder.tokenize(encoder.example_signal())
            assert torch.get_num_threads() == wanted
    finally:
        torch.set_num_threads(threads)


def test_other_channels_or_lengths_are_refused():
    encoder = MiniRocketFeatures.example()
    other = MiniRocketFeatures.create(channels=3, points=32)
    longer = MiniRocketFeatures.create(channels=2, points=64)
    with pytest.raises(ChannelError, match="built for 2 channels"):
        encoder.tokenize(other.example_signal())
    with pytest.raises(LengthError, match="built for 32 samples, got 64"):
        encoder.tokenize(longer.example_signal())
