"""Maskers: what they hide, and that they never hide everything."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sslts import ops
from sslts.maskers.modality import RandomMasker, SpatialMasker
from sslts.maskers.temporal import TemporalMasker
from sslts.types import Tokens


def modality_tokens(rows: int = 2000, modalities: int = 4) -> Tokens:
    return ops.modality_tokens(torch.ones(rows, modalities, 3), torch.ones(rows, modalities, dtype=torch.bool))


def time_tokens(rows: int = 64, steps: int = 40, seconds: float = 10.0) -> Tokens:
    """Two modalities of `steps` tokens each over the same seconds."""
    time = (torch.arange(steps) + 0.5) * seconds / steps
    both = torch.cat([time, time])[None].expand(rows, -1)
    index = torch.cat([torch.zeros(steps), torch.ones(steps)]).long()[None].expand(rows, -1)
    return Tokens(
        values=torch.ones(rows, 2 * steps, 3),
        valid=torch.ones(rows, 2 * steps, dtype=torch.bool),
        time_s=both,
        modality=index,
        channel=torch.zeros_like(index),
        cell=torch.zeros(rows, 2 * steps, 3, dtype=torch.long),
    )


def test_spatial_keeps_the_stated_share_of_modalities(generator):
    plan = SpatialMasker.create(keep=0.7).plan(modality_tokens(20_000), generator=generator)
    # P(kept) = keep + P(all four drawn hidden) / 4, since one of them is shown again: 0.7 + 0.3^4 / 4.
    assert plan.visible.float().mean().item() == pytest.approx(0.7 + 0.3**4 / 4, abs=0.006)


def test_the_two_views_are_independent(generator):
    first, second = SpatialMasker.create(keep=0.5).plan(modality_tokens(20_000), generator=generator).visible.float()
    assert torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1].abs() < 0.02


@pytest.mark.parametrize("masker", [SpatialMasker.create(keep=0.01), RandomMasker.create(keep=0.5), TemporalMasker.create(keep=0.01)])
def test_something_stays_visible_wherever_anything_is_valid(masker, generator):
    tokens = modality_tokens(500) if masker.level == "modality" else time_tokens(500)
    valid = torch.rand(tokens.valid.shape, generator=generator) < 0.3
    plan = masker.plan(replace(tokens, valid=valid), generator=generator)
    assert torch.equal(plan.visible.any(-1), valid.any(-1).expand(2, -1))
    assert not (plan.visible & ~valid).any()


@pytest.mark.parametrize("masker", [SpatialMasker.create(keep=0.6), RandomMasker.create(), TemporalMasker.create(keep=0.5)])
def test_the_same_generator_gives_the_same_plan_and_the_global_one_is_untouched(masker):
    tokens = modality_tokens(50) if masker.level == "modality" else time_tokens(50)
    before = torch.get_rng_state()
    plans = [masker.plan(tokens, generator=torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(plans[0].visible, plans[1].visible)
    assert torch.equal(torch.get_rng_state(), before)
    other = masker.plan(tokens, generator=torch.Generator().manual_seed(4))
    name = "visible" if other.features is None else "features"
    assert not torch.equal(getattr(plans[0], name), getattr(other, name))


def test_random_hides_elements_not_modalities(generator):
    plan = RandomMasker.create(keep=0.9).plan(modality_tokens(20_000), generator=generator)
    assert plan.visible.all()
    assert plan.features.float().mean().item() == pytest.approx(0.9, abs=0.005)


def test_temporal_hides_the_same_seconds_in_every_modality(generator):
    tokens = time_tokens()
    plan = TemporalMasker.create(keep=0.5, block_s=1.0).plan(tokens, generator=generator)
    acc, eda = plan.visible[..., :40], plan.visible[..., 40:]
    rescued = (acc != eda).any(-1)  # only a row whose blocks were all hidden shows a single token
    assert rescued.float().mean() < 0.01
    blocks = acc[~rescued].unflatten(-1, (10, 4))
    assert torch.equal(blocks.all(-1), blocks.any(-1)), "a block of one second is hidden as a whole"
    assert blocks.float().mean().item() == pytest.approx(0.5, abs=0.06)
