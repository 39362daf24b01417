"""Drawing sensors and lining up their tokens: how many, of which window, under which number."""

from __future__ import annotations

import pytest
import torch

from sslts.methods.drawn import draw_sensors, draw_views, line_up
from sslts.types import Tokens


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tokens(values: torch.Tensor, *, channels: int, modality: int) -> Tokens:
    """[b, channels * n, D], patch after patch of each channel; channel c of modality m is described by 10 m + c."""
    rows, count, _ = values.shape
    channel = torch.arange(channels).repeat_interleave(count // channels).expand(rows, count)
    return Tokens(
        values,
        torch.ones(rows, count, dtype=torch.bool),
        torch.arange(count).float().expand(rows, count),
        torch.full((rows, count), modality),
        channel,
        channel[..., None].expand(-1, -1, 3),
        described=(10.0 * modality + torch.arange(channels).float())[:, None],
    )


@pytest.mark.parametrize("count", [1, 2, 4])
def test_so_many_of_a_windows_present_sensors_are_drawn(count):
    present = torch.rand(200, 5, generator=generator()) < 0.6
    present[0] = False
    drawn = draw_sensors(present, count, generator=generator(1))
    assert not (drawn & ~present).any()
    assert torch.equal(drawn.sum(1), present.sum(1).clamp(max=count))


@pytest.mark.parametrize("count", [0, 5, 9])
def test_none_or_as_many_as_there_are_draws_all(count):
    present = torch.rand(20, 5, generator=generator()) < 0.6
    assert torch.equal(draw_sensors(present, count, generator=generator(1)), present)


def test_every_present_sensor_is_drawn_equally_often():
    """2 of 4 present ones, 4000 times: a half each; five standard deviations are 0.04."""
    present = torch.tensor([True, True, False, True, True]).expand(4000, 5)
    share = draw_sensors(present, 2, generator=generator()).float().mean(0)
    assert (share - torch.tensor([0.5, 0.5, 0, 0.5, 0.5])).abs().max() < 0.04


def test_the_same_generator_draws_the_same():
    present = torch.ones(20, 5, dtype=torch.bool)
    first, second = (draw_sensors(present, 2, generator=generator(7)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, draw_sensors(present, 2, generator=generator(8)))


def test_each_row_gets_the_tokens_of_its_own_parts_one_after_another():
    a, b = torch.arange(4.0).view(2, 2, 1), 100 + torch.arange(9.0).view(3, 3, 1)
    joined = line_up(
        4, [(torch.tensor([0, 2]), tokens(a, channels=1, modality=0)), (torch.tensor([1, 2, 3]), tokens(b, channels=3, modality=1))]
    )
    assert joined.values.shape == (4, 5, 1)
    assert joined.valid.tolist() == [[True] * 2 + [False] * 3, [True] * 3 + [False] * 2, [True] * 5, [True] * 3 + [False] * 2]
    rows = [joined.values[row, joined.valid[row], 0].tolist() for row in range(4)]
    assert rows == [[0, 1], [100, 101, 102], [2, 3, 103, 104, 105], [106, 107, 108]]
    assert joined.modality[2].tolist() == [0, 0, 1, 1, 1]
    assert joined.time_s[2].tolist() == [0, 1, 0, 1, 2]
    assert joined.values[~joined.valid].eq(0).all()


def test_channels_of_the_second_part_are_counted_on_from_the_first():
    a, b = torch.zeros(1, 2, 1), torch.ones(1, 3, 1)
    joined = line_up(1, [(torch.tensor([0]), tokens(a, channels=2, modality=0)), (torch.tensor([0]), tokens(b, channels=3, modality=1))])
    assert joined.channel[0].tolist() == [0, 1, 2, 3, 4]
    assert joined.described[joined.channel[0], 0].tolist() == [0, 1, 10, 11, 12]


def test_a_row_that_nobody_has_is_empty_and_no_rows_at_all_have_one_absent_place():
    joined = line_up(3, [(torch.tensor([1]), tokens(torch.ones(1, 2, 1), channels=1, modality=0))])
    assert joined.valid.any(1).tolist() == [False, True, False]
    nobody = line_up(3, [(torch.tensor([], dtype=torch.long), tokens(torch.ones(0, 2, 1), channels=1, modality=0))])
    assert nobody.values.shape == (3, 1, 1)
    assert not nobody.valid.any()


PLACES = ["arm", "arm", "leg", "leg", "trunk", "trunk"]


@pytest.mark.parametrize("seed", range(6))
def test_two_views_share_no_sensor_and_show_none_that_is_absent(seed):
    present = torch.rand(300, 6, generator=generator(seed)) < 0.7
    first, second = draw_views(present, PLACES, generator=generator(seed))
    assert not (first & second).any()
    assert not ((first | second) & ~present).any()
    several = present.sum(1) > 1
    assert bool((first.any(1) & second.any(1))[several].all())
    assert not (first.any(1) & second.any(1))[~several].any()


def test_views_sit_at_different_places_where_there_are_several():
    present = torch.rand(300, 6, generator=generator(9)) < 0.7
    sides = torch.tensor([[place == name for place in PLACES] for name in ("arm", "leg", "trunk")])
    counts = set()
    for seed in range(12):
        views = draw_views(present, PLACES, generator=generator(seed))
        inhabited = (present[:, None] & sides).any(2).sum(1)
        seen = [(view[:, None] & sides).any(2) for view in views]
        assert not (seen[0] & seen[1])[inhabited > 1].any()
        counts.add(int(torch.stack([each.sum(1) for each in seen]).max()))
    assert counts == {1, 2}, "one place each in some steps, half of the places each in others"


def test_the_sensors_of_a_lone_place_are_dealt_out():
    present = torch.tensor([[True, True, False, False, False, False]]).expand(100, -1)
    first, second = draw_views(present, PLACES, generator=generator())
    assert torch.equal(first.sum(1), torch.ones(100, dtype=torch.long))
    assert torch.equal(second.sum(1), torch.ones(100, dtype=torch.long))
    assert 20 < int(first[:, 0].sum()) < 80, "either may be in the first view"


def test_some_sensors_that_could_be_spared_are_left_out():
    whole = torch.ones(400, 6, dtype=torch.bool)
    views = [draw_views(whole, PLACES, generator=generator(seed)) for seed in range(10)]
    kept = torch.cat([(first | second).view(400, 3, 2).sum(2)[(first | second).view(400, 3, 2).any(2)] for first, second in views])
    assert set(kept.tolist()) == {1, 2}
