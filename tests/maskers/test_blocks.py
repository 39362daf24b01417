"""Maskers of JEPA-style prediction: targets are stretches of a channel or a sensor, and the context never holds a part of one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sslts.errors import ConfigError
from sslts.maskers.blocks import BlockMasker, CausalMasker, CrossModalMasker, SmoothingMasker
from sslts.types import Tokens

SENSORS, CHANNELS, STEPS = 2, 3, 8
ALL = [BlockMasker.create(), CrossModalMasker.create(targets=2), CausalMasker.create(), SmoothingMasker.create()]
IDS = ["block", "cross-modal", "causal", "smoothing"]


def tokens(rows: int = 400, sensors: int = SENSORS) -> Tokens:
    """Each sensor has three channels of eight one-second tokens; channels are counted over all sensors."""
    time = (torch.arange(STEPS) + 0.5).repeat(sensors * CHANNELS)[None].expand(rows, -1)
    channel = torch.arange(sensors * CHANNELS).repeat_interleave(STEPS)[None].expand(rows, -1)
    return Tokens(
        values=torch.zeros(rows, sensors * CHANNELS * STEPS, 1),
        valid=torch.ones(rows, sensors * CHANNELS * STEPS, dtype=torch.bool),
        time_s=time,
        modality=channel // CHANNELS,
        channel=channel,
        cell=torch.zeros(rows, sensors * CHANNELS * STEPS, 3, dtype=torch.long),
    )


@pytest.mark.parametrize("masker", ALL, ids=IDS)
def test_targets_are_hidden_and_something_stays_visible(masker, generator):
    given = tokens()
    for share in (1.0, 0.3, 0.02, 0.0):
        valid = torch.rand(given.valid.shape, generator=generator) < share
        plan = masker.plan(replace(given, valid=valid), generator=generator)
        visible, targets = plan.visible[0], plan.targets.any(0)
        assert not (visible & targets).any()
        assert not ((visible | targets) & ~valid).any()
        assert torch.equal(visible.any(1), valid.any(1))
    assert plan.features is None


@pytest.mark.parametrize("masker", ALL, ids=IDS)
def test_the_same_generator_gives_the_same_plan_and_the_global_one_is_untouched(masker):
    before = torch.get_rng_state()
    first, second = (masker.plan(tokens(20), generator=torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first.visible, second.visible)
    assert torch.equal(first.targets, second.targets)
    assert torch.equal(before, torch.get_rng_state())


def test_a_block_is_one_stretch_of_time_the_same_in_each_of_its_channels(generator):
    plan = BlockMasker.create(targets=1, length=(0.4, 0.4), channels=0.5, keep=1.0).plan(tokens(), generator=generator)
    hit = plan.targets[0].unflatten(1, (SENSORS * CHANNELS, STEPS))
    for row in hit:
        patterns = {tuple(channel.tolist()) for channel in row if channel.any()}
        assert len(patterns) == 1
        (pattern,) = patterns
        first, last = pattern.index(True), STEPS - 1 - pattern[::-1].index(True)
        assert all(pattern[first : last + 1])
        assert last - first + 1 <= 4, "0.4 of a span of seven seconds covers at most four of the tokens' centres"
    assert torch.equal(plan.visible[0], ~plan.targets[0]), "with keep 1 the context is everything else"


def test_blocks_cover_ends_and_middle_alike(generator):
    plan = BlockMasker.create(targets=1, length=(0.5, 0.5), channels=1.0).plan(tokens(4000), generator=generator)
    share = plan.targets[0].unflatten(1, (-1, STEPS)).float().mean((0, 1))
    assert share.max() - share.min() < 0.05


def test_a_sensor_is_predicted_from_the_others(generator):
    given = tokens(sensors=3)
    plan = CrossModalMasker.create(targets=2, keep=1.0).plan(given, generator=generator)
    for row in range(50):
        hidden = [set(given.modality[row, plan.targets[k, row]].tolist()) for k in range(2)]
        assert [len(sensors) for sensors in hidden] == [1, 1]
        seen = set(given.modality[row, plan.visible[0, row]].tolist())
        assert seen == {0, 1, 2} - hidden[0] - hidden[1]
        assert seen


def test_every_sensor_is_a_target_equally_often(generator):
    plan = CrossModalMasker.create().plan(tokens(3000, sensors=3), generator=generator)
    share = plan.targets[0].unflatten(1, (3, -1)).all(2).float().mean(0)
    assert share.tolist() == pytest.approx([1 / 3] * 3, abs=0.04)


def test_a_single_sensor_hides_its_own_later_part(generator):
    given = tokens(50, sensors=1)
    plan = CrossModalMasker.create(keep=1.0).plan(given, generator=generator)
    assert plan.targets[0].any(1).all()
    latest_seen = torch.where(plan.visible[0], given.time_s, torch.zeros_like(given.time_s)).amax(1)
    earliest_hidden = torch.where(plan.targets[0], given.time_s, torch.full_like(given.time_s, 99.0)).amin(1)
    assert (latest_seen < earliest_hidden).all()


def test_causal_predicts_the_future_from_the_past(generator):
    given = tokens()
    plan = CausalMasker.create(past=(0.5, 0.5)).plan(given, generator=generator)
    assert torch.equal(plan.targets[0], given.time_s > 4)
    assert torch.equal(plan.visible[0], given.time_s < 4)


def test_smoothing_predicts_the_inside_from_both_sides(generator):
    given = tokens()
    plan = SmoothingMasker.create(inside=(0.3, 0.3)).plan(given, generator=generator)
    hidden = plan.targets[0].unflatten(1, (-1, STEPS))
    assert (hidden == hidden[:, :1]).all(), "the same stretch of all channels"
    assert hidden.any(2).all()
    assert torch.equal(plan.visible[0], ~plan.targets[0])


@pytest.mark.parametrize("length", [(0.0, 0.5), (0.6, 0.5), (0.5, 1.5)])
def test_a_length_that_is_no_share_is_refused(length):
    with pytest.raises(ConfigError, match="length"):
        BlockMasker.create(length=length)
