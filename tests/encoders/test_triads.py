"""What three axes say together, by hand: sizes, and what lies along and across gravity."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sslts.config import Channel
from sslts.encoders.triads import is_triad, with_derived
from sslts.training.augment import any_rotations
from sslts.types import RateClock, Signal


def signal(values: torch.Tensor, kind: str = "accelerometer", axes: str = "xyz", position: str = "wrist") -> Signal:
    channels = tuple(Channel(name=axis, kind=kind, unit="g", position=position) for axis in axes)
    return Signal(values, channels, RateClock(10), torch.ones(len(values), dtype=torch.bool), torch.ones_like(values, dtype=torch.bool))


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_size_vertical_and_horizontal_by_hand():
    """Gravity points along y on average: (3, 4, 0) has size 5, 4 along it and 3 across; (-3, 4, 0) as well; (0, 4, 0) lies along it."""
    values = torch.tensor([[3.0, -3.0, 0.0], [4.0, 4.0, 4.0], [0.0, 0.0, 0.0]])[None]
    made = with_derived(signal(values))
    assert [channel.name for channel in made.channels] == ["x", "y", "z", "size", "vertical", "horizontal"]
    assert torch.equal(made.values[:, :3], values)
    torch.testing.assert_close(made.values[0, 3:], torch.tensor([[5.0, 5, 4], [4, 4, 4], [3, 3, 0]]), atol=1e-4, rtol=0)
    assert made.observed.all()


def test_what_hangs_upside_down_reads_the_same():
    """Down is where the mean points, whichever way the device hangs."""
    values = noise(2, 3, 20) + torch.tensor([0.0, 0.0, 9.8])[:, None]
    torch.testing.assert_close(with_derived(signal(values)).values[:, 3:], with_derived(signal(-values)).values[:, 3:])


def test_derived_channels_do_not_depend_on_how_the_device_sits():
    values = noise(8, 3, 20) + torch.tensor([1.0, 2.0, 9.0])[:, None]
    turns = any_rotations(8, generator=torch.Generator().manual_seed(1))
    turned = torch.einsum("bij,bjt->bit", turns, values)
    before, after = with_derived(signal(values)).values, with_derived(signal(turned)).values
    torch.testing.assert_close(before[:, 3:], after[:, 3:], atol=1e-4, rtol=1e-4)
    assert (before[:, :3] - after[:, :3]).abs().max() > 1, "the axes themselves do"


def test_where_an_axis_was_lost_nothing_is_derived_and_junk_there_changes_nothing():
    values = noise(1, 3, 20)
    observed = torch.ones_like(values, dtype=torch.bool)
    observed[0, 1, 4:7] = False
    clean, soiled = (
        with_derived(replace(signal(torch.where(observed, values, torch.tensor(junk))), observed=observed)) for junk in (0.0, float("nan"))
    )
    assert clean.observed[0, 3:].tolist() == [[not 4 <= t < 7 for t in range(20)]] * 3
    assert torch.equal(clean.observed[:, :3], observed)
    seen = clean.observed[:, 3:]
    assert torch.equal(clean.values[:, 3:][seen], soiled.values[:, 3:][seen])
    # Down is the mean over the seventeen samples that have all three axes.
    whole = values[0][:, observed[0].all(0)]
    down = whole.mean(1) / whole.mean(1).norm()
    torch.testing.assert_close(clean.values[0, 4, observed[0].all(0)], down @ whole, atol=1e-5, rtol=1e-5)


def test_a_sensor_that_feels_no_gravity_tells_its_size_only():
    made = with_derived(signal(torch.tensor([[[2.0], [3.0], [6.0]]]), kind="gyroscope"))
    assert [channel.name for channel in made.channels] == ["x", "y", "z", "size"]
    assert made.values[0, 3].tolist() == [7.0]


@pytest.mark.parametrize(
    "given",
    [
        signal(noise(1, 2, 5), axes="xy"),
        signal(noise(1, 3, 5), axes="xzy"),
        signal(noise(1, 3, 5), axes="abc"),
        replace(
            signal(noise(1, 3, 5)),
            channels=(*signal(noise(1, 2, 5), axes="xy").channels, signal(noise(1, 1, 5), position="arm", axes="z").channels[0]),
        ),
    ],
    ids=["two axes", "another order", "other names", "two places"],
)
def test_anything_but_the_three_axes_of_one_sensor_is_returned_as_it_is(given):
    assert not is_triad(given.channels)
    assert with_derived(given) is given


def test_nothing_is_derived_twice():
    once = with_derived(signal(noise(1, 3, 5)))
    assert with_derived(once) is once


def test_derived_channels_say_what_they_measure_and_where():
    placed = {channel.name: channel.description for channel in with_derived(signal(noise(1, 3, 5))).channels[3:]}
    assert placed == {
        "size": "size of the acceleration of the wrist in all directions",
        "vertical": "vertical acceleration of the wrist, along gravity",
        "horizontal": "size of the horizontal acceleration of the wrist, across gravity",
    }
    (size,) = with_derived(signal(noise(1, 3, 5), kind="gyroscope", position="")).channels[3:]
    assert size.description == "size of the angular velocity in all directions"
    assert (size.kind, size.unit) == ("gyroscope", "g")


def test_a_window_without_anything_observed_derives_nothing_and_stays_finite():
    given = signal(noise(1, 3, 5))
    made = with_derived(replace(given, observed=torch.zeros_like(given.observed)))
    assert not made.observed.any()
    assert made.values.isfinite().all()
