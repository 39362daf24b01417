"""What moves in a depth video, by row, column and distance."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sslts.encoders.motion_profiles import MotionProfileEncoder
from sslts.errors import ChannelError, ConfigError, LengthError
from sslts.types import Signal


@pytest.fixture(scope="module")
def made() -> MotionProfileEncoder:
    return MotionProfileEncoder.example()


def scene(made: MotionProfileEncoder, *, away: float = 0.0, row: int = 2, column: int = 7, step: float = 0.2) -> Signal:
    """A wall at 3 m and a block of 4 x 3 pixels a metre before it, of which one pixel moves back and forth."""
    signal = made.example_signal(1)
    values = torch.full_like(signal.values, 3.0)
    values[..., 1:, 2:6, 6:9] = 2.0  # it enters after the first frame
    values[..., 3, row, column] -= step
    return replace(signal, values=values + away)


def test_motion_is_counted_where_it_is(made):
    series = made._profiles(scene(made, row=2, column=7))
    still = made._profiles(scene(made, row=2, column=7, step=0.0))
    there = ((series.values - still.values)[0].abs().amax(1) > 1e-6).reshape(3, 4)
    assert there[0].tolist() == [True, False, False, False], "rows 0 to 2 of 12"
    assert there[1].tolist() == [False, False, True, False], "columns 6 to 8"
    assert there[2].sum() >= 1


def test_it_does_not_matter_how_far_away_somebody_is(made):
    torch.testing.assert_close(made._profiles(scene(made, away=1.5)).values, made._profiles(scene(made)).values)


def test_changes_below_the_threshold_are_noise(made):
    still = made._profiles(scene(made, step=0.0)).values
    assert torch.equal(made._profiles(scene(made, step=0.04)).values, still)
    assert not torch.equal(made._profiles(scene(made, step=0.06)).values, still)


def test_a_lost_frame_is_no_motion(made):
    signal = scene(made)
    observed = signal.observed.clone()
    observed[0, 0, 1] = False  # the block would enter from a frame that nobody saw
    found = made._profiles(replace(signal, observed=observed, values=signal.values.masked_fill(~observed[..., None, None], float("nan"))))
    assert found.values.isfinite().all()
    assert found.values.sum() < made._profiles(signal).values.sum()


def test_a_clip_without_anybody_has_no_motion_and_an_absent_one_no_token(made):
    signal = made.example_signal(2)
    empty = replace(signal, values=torch.full_like(signal.values, 3.0))
    assert made._profiles(empty).values.eq(0).all()
    absent = replace(signal, present=torch.tensor([True, False]))
    assert made.tokenize(absent).valid.tolist() == [[True], [False]]


def test_other_shapes_are_refused(made):
    signal = made.example_signal(1)
    with pytest.raises(ChannelError, match="one channel of distances"):
        made.tokenize(replace(signal, values=signal.values.expand(-1, 3, -1, -1, -1), channels=signal.channels * 3))
    with pytest.raises(LengthError, match="clips of 6 frames, got 5"):
        made.tokenize(replace(signal, values=signal.values[:, :, :5], observed=signal.observed[..., :5]))
    with pytest.raises(ConfigError, match="channels"):
        MotionProfileEncoder.create(channels=3, points=6)
