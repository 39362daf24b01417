"""Augmentation keeps physics: lengths survive rotation, a device turns as a whole, and what was lost stays lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sslts.config import Channel
from sslts.training.augment import any_rotations, augment, random_rotations
from sslts.training.recipe import Augmentation
from sslts.types import RateClock, SensorBatch, Signal


def signal(kind: str, position: str, seed: int, channels: int = 3) -> Signal:
    values = torch.randn(64, channels, 10, generator=torch.Generator().manual_seed(seed))
    described = tuple(Channel(name=axis, kind=kind, unit="g", position=position) for axis in "xyz"[:channels])
    return Signal(values, described, RateClock(10), torch.ones(64, dtype=torch.bool), torch.ones_like(values, dtype=torch.bool))


def batch() -> SensorBatch:
    return SensorBatch(
        {
            "acc": signal("accelerometer", "leg", 0),
            "gyro": signal("gyroscope", "leg", 1),
            "arm": signal("accelerometer", "arm", 2),
            "eda": signal("electrodermal-activity", "arm", 3, channels=1),
        }
    )


def changed(**settings: float) -> SensorBatch:
    return augment(batch(), Augmentation(**settings), generator=torch.Generator().manual_seed(0))


def angles(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """[B] the rotation's matrix from ten vectors, by least squares."""
    return torch.linalg.lstsq(before.transpose(1, 2), after.transpose(1, 2)).solution.transpose(1, 2)


def test_rotations_are_rotations_of_the_stated_spread():
    turns = random_rotations(4000, 20.0, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(turns @ turns.transpose(1, 2), torch.eye(3).expand(4000, 3, 3), atol=1e-5, rtol=0)
    assert torch.linalg.det(turns).sub(1).abs().max() < 1e-5
    angle = torch.rad2deg(torch.arccos(((turns.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2).clamp(-1, 1)))
    # The length of a vector of three normal components of spread s has a root mean square of s sqrt 3.
    assert angle.square().mean().sqrt().item() == pytest.approx(20 * 3**0.5, rel=0.05)


def test_any_rotations_are_rotations_spread_evenly():
    """Uniform: every entry has mean 0 and mean square 1/3, wherever an axis pointed before; five standard deviations of 20000 are 0.02."""
    turns = any_rotations(20_000, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(turns @ turns.transpose(1, 2), torch.eye(3).expand(20_000, 3, 3), atol=1e-5, rtol=0)
    assert torch.linalg.det(turns).sub(1).abs().max() < 1e-5
    assert turns.mean(0).abs().max() < 0.021
    assert (turns.square().mean(0) - 1 / 3).abs().max() < 0.011
    # A uniform rotation's angle has density (1 - cos a) / pi: its trace 1 + 2 cos a has mean 0 and mean square 1.
    trace = turns.diagonal(dim1=1, dim2=2).sum(1)
    assert trace.mean().item() == pytest.approx(0, abs=0.04)
    assert trace.square().mean().item() == pytest.approx(1, abs=0.06)


def test_a_share_of_windows_is_turned_arbitrarily_and_the_others_a_little():
    """Small turns have a spread of half a degree: larger ones are the arbitrary ones. 64 windows of two devices, a half each."""
    before, after = batch(), changed(any_rotation=0.5, rotate_deg=0.5)
    size = []
    for name in ("acc", "arm"):
        turns = angles(before.signals[name].values, after.signals[name].values)
        size.append((turns - torch.eye(3)).flatten(1).norm(dim=1))
    far = torch.cat(size) > 0.2
    assert 0.3 < far.float().mean() < 0.7
    assert (torch.cat(size)[~far] < 0.06).all()
    everything = changed(any_rotation=1.0)
    turns = angles(before.signals["acc"].values, everything.signals["acc"].values)
    torch.testing.assert_close(turns, angles(before.signals["gyro"].values, everything.signals["gyro"].values), atol=1e-3, rtol=1e-3)
    assert ((turns - torch.eye(3)).flatten(1).norm(dim=1) > 0.2).float().mean() > 0.95


@pytest.mark.parametrize(
    ("settings", "active"), [({}, False), ({"rotate_deg": 1}, True), ({"any_rotation": 0.1}, True), ({"scale": 0.1}, True)]
)
def test_settings_say_whether_they_change_anything(settings, active):
    assert Augmentation(**settings).active == active


def test_a_device_turns_as_a_whole_and_devices_apart():
    before, after = batch(), changed(rotate_deg=40)
    turns = {name: angles(before.signals[name].values, after.signals[name].values) for name in ("acc", "gyro", "arm")}
    torch.testing.assert_close(turns["acc"], turns["gyro"], atol=1e-4, rtol=1e-4)
    assert (turns["acc"] - turns["arm"]).abs().max() > 0.5
    assert (turns["acc"][0] - turns["acc"][1]).abs().max() > 0.1, "each window turns by itself"
    assert torch.equal(before.signals["eda"].values, after.signals["eda"].values)


def test_a_gain_is_one_number_a_sensor_and_window():
    before, after = batch(), changed(scale=0.1)
    gain = after.signals["acc"].values / before.signals["acc"].values
    assert (gain - gain[:, :1, :1]).abs().max() < 1e-4
    assert gain[:, 0, 0].log().std().item() == pytest.approx(0.1, rel=0.3)


def test_where_one_axis_was_lost_a_rotation_loses_all_and_junk_stays_out():
    given = batch()
    part = given.signals["acc"]
    observed = part.observed.clone()
    observed[:, 1, 3] = False
    junk = replace(part, values=torch.where(observed, part.values, torch.tensor(float("nan"))), observed=observed)
    after = augment(
        replace(given, signals={**given.signals, "acc": junk}), Augmentation(rotate_deg=30, scale=0.1), generator=torch.Generator()
    )
    turned = after.signals["acc"]
    assert not turned.observed[:, :, 3].any()
    assert turned.observed[:, :, 4:].all()
    assert turned.values[:, :, 4:].isfinite().all()


def test_no_settings_change_nothing_and_the_same_generator_gives_the_same():
    assert torch.equal(changed().signals["acc"].values, batch().signals["acc"].values)
    assert torch.equal(changed(rotate_deg=30).signals["acc"].values, changed(rotate_deg=30).signals["acc"].values)
