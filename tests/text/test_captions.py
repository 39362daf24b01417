"""Captions say what a signal does, by thresholds that can be checked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from sslts.config import Channel
from sslts.text.captions import MotionCaptioner, dominant_rhythm
from sslts.types import RateClock, SensorBatch, Signal

RATE = 25.0
TIME = torch.arange(125) / RATE


def sensor(values: torch.Tensor, kind: str = "accelerometer", unit: str = "g", present: bool = True) -> SensorBatch:
    channels = tuple(Channel(name=axis, kind=kind, unit=unit, position="right leg") for axis in "xyz"[: len(values)])
    rows = values[None].float()
    signal = Signal(rows, channels, RateClock(RATE), torch.tensor([present]), torch.ones_like(rows, dtype=torch.bool))
    return SensorBatch({"s": signal})


def upright(swing: torch.Tensor) -> torch.Tensor:
    return torch.stack([1 + swing, torch.zeros(125), torch.zeros(125)])


def caption(batch: SensorBatch) -> str:
    (text,) = MotionCaptioner.create()(batch)
    return text


def test_a_still_leg_is_still_and_vertical():
    assert caption(sensor(upright(torch.zeros(125)))) == "right leg: no movement; held still, the vertical direction lies along x"


def test_a_tilted_sensor_is_tilted():
    assert "the sensor is tilted" in caption(sensor(torch.full((3, 125), 1 / math.sqrt(3))))


@pytest.mark.parametrize(("hertz", "called"), [(0.8, "slow rhythm"), (1.25, "steady rhythm"), (1.92, "brisk rhythm"), (2.5, "fast rhythm")])
def test_rhythm_is_told_with_its_frequency(hertz, called):
    text = caption(sensor(upright(0.5 * torch.sin(2 * torch.pi * hertz * TIME))))
    assert called in text
    told = float(text.split(" times a second")[0].split()[-1])
    assert told == pytest.approx(hertz, abs=0.11)


def test_noise_has_no_rhythm():
    noise = 0.5 * torch.randn(125, generator=torch.Generator().manual_seed(1))
    assert "without a rhythm" in caption(sensor(upright(noise)))


@pytest.mark.parametrize(
    ("amplitude", "called"), [(0.05, "slight"), (0.2, "gentle"), (0.5, "moderate"), (0.9, "strong"), (3.0, "very strong")]
)
def test_strength_follows_the_spread_of_the_magnitude(amplitude, called):
    """A sine of amplitude A has a standard deviation of A / sqrt 2: 0.035, 0.14, 0.35, 0.64 g; |1 + 3 sin| spreads by about 1.2 g."""
    assert caption(sensor(upright(amplitude * torch.sin(2 * torch.pi * TIME)))).startswith(f"right leg: {called} movement")


def test_turning_and_trends_are_told_in_their_own_words():
    assert caption(sensor(torch.full((3, 125), 2.0), "gyroscope", "rad/s")) == "right leg: quick turning"  # |w| = 2 sqrt 3 = 3.46
    assert caption(sensor(torch.linspace(30, 31, 125)[None], "skin-temperature", "degC")) == "right leg: skin temperature rises"
    assert caption(sensor(torch.full((1, 125), 30.0), "skin-temperature", "degC")) == "right leg: skin temperature hardly changes"


def test_an_absent_sensor_is_not_told_and_junk_in_it_neither():
    junk = torch.full((3, 125), float("nan"))
    assert caption(sensor(junk, present=False)) == "no sensor is present"


def test_a_row_does_not_depend_on_the_others():
    one, two = sensor(upright(0.5 * torch.sin(2 * torch.pi * TIME))).signals["s"], sensor(upright(torch.zeros(125))).signals["s"]
    both = Signal(
        torch.cat([one.values, two.values]),
        one.channels,
        one.clock,
        torch.cat([one.present, two.present]),
        torch.cat([one.observed, two.observed]),
    )
    assert MotionCaptioner.create()(SensorBatch({"s": both})) == [caption(SensorBatch({"s": one})), caption(SensorBatch({"s": two}))]


def test_the_period_is_found_not_its_multiple():
    assert dominant_rhythm(torch.sin(2 * torch.pi * 2.5 * TIME), RATE, least=0.5) == pytest.approx(2.5)
    assert dominant_rhythm(torch.zeros(125), RATE, least=0.5) is None
