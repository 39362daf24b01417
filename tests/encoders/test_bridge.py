"""Bridging: straight lines over gaps, and nothing else changes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sslts.config import Channel
from sslts.encoders.bridge import bridged
from sslts.types import RateClock, Signal


def signal(values: torch.Tensor, observed: torch.Tensor, present: bool = True) -> Signal:
    channels = tuple(Channel(name=f"c{i}", kind="test", unit="g") for i in range(values.shape[1]))
    return Signal(values, channels, RateClock(4.0), torch.full((len(values),), present), observed)


def test_gaps_are_straight_lines_and_ends_are_held():
    made = np.random.default_rng(0)
    values = made.normal(size=(3, 2, 50)).astype(np.float32)
    observed = made.random((3, 2, 50)) > 0.4
    got = bridged(signal(torch.from_numpy(values), torch.from_numpy(observed))).numpy()
    at = np.arange(50)
    for row in range(3):
        for channel in range(2):
            seen = observed[row, channel]
            np.testing.assert_allclose(got[row, channel], np.interp(at, at[seen], values[row, channel, seen]), atol=1e-5)


@pytest.mark.parametrize("junk", [math.nan, math.inf, 1e9])
def test_what_stands_in_a_gap_is_never_read(junk):
    values = torch.randn(2, 1, 20, generator=torch.Generator().manual_seed(0))
    observed = torch.ones(2, 1, 20, dtype=torch.bool)
    observed[:, :, 5:9] = False
    poisoned = values.masked_fill(~observed, junk)
    assert torch.equal(bridged(signal(poisoned, observed)), bridged(signal(values, observed)))
    assert torch.equal(bridged(signal(poisoned, observed, present=False)), torch.zeros(2, 1, 20))


def test_a_channel_that_was_never_observed_is_zero():
    observed = torch.tensor([[[True, True], [False, False]]])
    assert bridged(signal(torch.full((1, 2, 2), math.nan).masked_fill(observed, 3.0), observed)).tolist() == [[[3, 3], [0, 0]]]
