"""Token operations: what is invalid never counts, and nothing is lost."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from sslts import ops
from sslts.config import Channel
from sslts.errors import ConfigError, RateError
from sslts.types import ClipClock, RateClock, Signal, Tokens


def tokens(values: torch.Tensor, valid: torch.Tensor, modality: torch.Tensor | None = None) -> Tokens:
    batch, count, _ = values.shape
    index = torch.zeros(batch, count, dtype=torch.long) if modality is None else modality
    return Tokens(
        values, valid, torch.arange(count).float().expand(batch, -1), index, torch.zeros_like(index), torch.zeros(batch, count, 3).long()
    )


def signal(values: torch.Tensor, **changes: object) -> Signal:
    batch, channels, _ = values.shape
    described = tuple(Channel(name=f"c{i}", kind="test", unit="g") for i in range(channels))
    made = Signal(values, described, RateClock(8.0), torch.ones(batch, dtype=torch.bool), torch.ones(values.shape, dtype=torch.bool))
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("junk", [math.nan, math.inf, -1e9])
def test_filled_hides_whatever_stands_in_absent_and_lost_slots(junk):
    values = torch.tensor([[[1.0, junk, 3.0]], [[junk, junk, junk]]])
    observed = torch.tensor([[[True, False, True]], [[True, True, True]]])
    got = ops.filled(signal(values, observed=observed, present=torch.tensor([True, False])))
    assert got.tolist() == [[[1, 0, 3]], [[0, 0, 0]]]


def test_pooled_mean_counts_valid_tokens_only():
    values = torch.tensor([[[1.0], [3.0], [100.0]], [[5.0], [5.0], [5.0]]])
    valid = torch.tensor([[True, True, False], [False, False, False]])
    assert ops.pooled_mean(tokens(values, valid)).tolist() == [[2.0], [0.0]]


def test_modality_means_separate_modalities_and_report_absence():
    values = torch.tensor([[[1.0], [3.0], [10.0], [math.nan]]])
    valid = torch.tensor([[True, True, True, False]])
    means, present = ops.modality_means(tokens(values, valid, torch.tensor([[0, 0, 1, 2]])), 3)
    assert means.tolist() == [[[2.0], [10.0], [0.0]]]
    assert present.tolist() == [[True, True, False]]


def test_pack_keeps_order_and_pads_unequal_rows():
    values = torch.arange(8.0).reshape(2, 4, 1)
    keep = torch.tensor([[True, False, True, True], [False, False, True, False]])
    packed = ops.pack_tokens(tokens(values, torch.ones(2, 4, dtype=torch.bool)), keep)
    assert packed.values[..., 0].tolist() == [[0, 2, 3], [6, 0, 0]]
    assert packed.valid.tolist() == [[True, True, True], [True, False, False]]
    assert packed.time_s[0].tolist() == [0, 2, 3]


def test_token_times_are_slot_centres():
    assert ops.token_times(signal(torch.zeros(1, 1, 16)), 4)[0].tolist() == [0.25, 0.75, 1.25, 1.75]
    clip = signal(torch.zeros(1, 1, 16), clock=ClipClock())
    assert ops.token_times(clip, 2)[0].tolist() == [0.25, 0.75]


def test_patches_are_contiguous_and_must_divide_the_window():
    assert ops.patchify(torch.arange(6.0).reshape(1, 1, 6), 3).tolist() == [[[[0, 1, 2], [3, 4, 5]]]]
    with pytest.raises(ConfigError, match="patches of 4"):
        ops.patchify(torch.zeros(1, 1, 6), 4)


def test_different_widths_cannot_be_joined():
    wide, narrow = (tokens(torch.zeros(1, 2, d), torch.ones(1, 2, dtype=torch.bool)) for d in (4, 3))
    with pytest.raises(ConfigError, match=r"\[3, 4\]"):
        ops.concat_tokens([wide, narrow])


def test_a_clock_needs_a_positive_rate():
    with pytest.raises(RateError, match="positive"):
        RateClock(0)
