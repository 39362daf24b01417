"""Maskers of Mu-MAE: what is hidden together, how much of it, and that nothing else decides."""

from __future__ import annotations

import pytest
import torch

from sslts import ops
from sslts.encoders.sensor_patches import SensorPatches
from sslts.encoders.video_vit import VideoViT
from sslts.interfaces import Masker
from sslts.maskers.tube import IndependentMasker, SynchronisedMasker, TubeMasker
from sslts.types import Tokens


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def video(rows: int = 6) -> Tokens:
    """3 slots of 5 x 4 places."""
    made = VideoViT.create(channels=1, frames=6, height=10, width=8, tubelet=2, patch=2, embed_dim=4, heads=1)
    return made.tokenize(made.example_signal(rows))


def sensors(rows: int = 6, count: int = 3) -> Tokens:
    """Sensors of 10 slots."""
    made = SensorPatches.create(channels=3, points=20, slots=10, embed_dim=4, heads=1)
    return ops.concat_tokens([ops.with_modality(made.tokenize(made.example_signal(rows)), index) for index in range(count)])


def test_a_tube_hides_the_same_places_in_every_slot_another_set_in_every_row():
    plan = TubeMasker.create(ratio=0.9).plan(video(), generator=generator())
    hidden = plan.targets[0].view(6, 3, 20)
    assert torch.equal(hidden, hidden[:, :1].expand(-1, 3, -1))
    assert hidden[:, 0].sum(1).tolist() == [18] * 6
    assert len({tuple(row.tolist()) for row in hidden[:, 0]}) > 1


def test_some_of_the_hidden_tubes_are_asked_for_and_what_is_visible_stays_the_same():
    whole, some = (TubeMasker.create(ratio=0.9, asked=asked).plan(video(), generator=generator()) for asked in (1.0, 0.25))
    assert torch.equal(whole.visible, some.visible)
    asked = some.targets[0].view(6, 3, 20)
    assert torch.equal(asked, asked[:, :1].expand(-1, 3, -1))
    assert asked[:, 0].sum(1).tolist() == [round(0.25 * 18)] * 6
    assert not (some.targets[0] & ~whole.targets[0]).any()
    over = torch.stack([TubeMasker.create(ratio=0.9, asked=0.25).plan(video(), generator=generator(seed)).targets[0] for seed in range(60)])
    assert over.float().mean((0, 1)).sub(0.9 * 0.25).abs().max() < 0.08, "every place is asked for as often"


def test_synchronised_hides_the_same_slots_in_every_sensor():
    plan = SynchronisedMasker.create(ratio=0.9).plan(sensors(), generator=generator())
    hidden = plan.targets[0].view(6, 3, 10)
    assert torch.equal(hidden, hidden[:, :1].expand(-1, 3, -1))
    assert hidden[:, 0].sum(1).tolist() == [9] * 6
    assert len({tuple(row.tolist()) for row in hidden[:, 0]}) > 1


def test_independent_hides_as_many_slots_but_not_the_same():
    plan = IndependentMasker.create(ratio=0.9).plan(sensors(), generator=generator())
    hidden = plan.targets[0].view(6, 3, 10)
    assert hidden.sum(2).tolist() == [[9] * 3] * 6
    assert not torch.equal(hidden, hidden[:, :1].expand(-1, 3, -1))


@pytest.mark.parametrize(("ratio", "expected"), [(0.0, 0), (0.5, 98), (0.9, 176), (0.999, 195)])
def test_of_196_places_as_many_are_hidden_as_in_the_released_code(ratio, expected):
    made = VideoViT.create(channels=1, frames=2, height=28, width=28, tubelet=2, patch=2, embed_dim=4, heads=1)
    plan = TubeMasker.create(ratio=ratio).plan(made.tokenize(made.example_signal(2)), generator=generator())
    assert plan.targets[0].sum(1).tolist() == [expected] * 2
    assert plan.visible[0].sum(1).tolist() == [196 - expected] * 2


@pytest.mark.parametrize(("masker", "tokens"), [(TubeMasker, video), (SynchronisedMasker, sensors), (IndependentMasker, sensors)])
def test_a_plan_parts_what_is_valid_and_depends_on_the_generator_alone(masker: type[Masker], tokens):
    given = tokens()
    valid = given.valid & (torch.rand(given.valid.shape, generator=generator(5)) < 0.4)
    valid[0], valid[1] = False, False
    valid[1, 3] = True
    given = Tokens(given.values, valid, given.time_s, given.modality, given.channel, given.cell)
    before = torch.get_rng_state()
    first, second = (masker.create(ratio=0.8).plan(given, generator=generator(3)) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first.visible, second.visible)
    assert torch.equal(first.targets, second.targets)
    assert torch.equal(first.visible[0] | first.targets[0], valid)
    assert not (first.visible[0] & first.targets[0]).any()
    assert torch.equal(first.visible[0].any(1), valid.any(1))
    assert not torch.equal(first.visible, masker.create(ratio=0.8).plan(given, generator=generator(4)).visible)
