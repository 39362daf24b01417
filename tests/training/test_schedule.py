"""Learning rate and parameter groups."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sslts.training.recipe import Optimiser
from sslts.training.schedule import learning_rate, parameter_groups


def rates(total: int = 10, steps_per_epoch: int = 2, **options: object) -> list[float]:
    optimiser = Optimiser.model_validate({"lr": 0.8, **options})
    return [learning_rate(step, optimiser, steps_per_epoch=steps_per_epoch, total_steps=total) for step in range(total)]


def test_warm_up_rises_in_equal_steps_to_the_peak():
    assert rates(warm_up_epochs=2, schedule="constant") == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8])


def test_the_cosine_starts_at_the_peak_is_half_in_the_middle_and_ends_near_zero():
    values = rates(total=9, steps_per_epoch=1, warm_up_epochs=1)
    assert values[1] == pytest.approx(0.8)
    assert values[5] == pytest.approx(0.4)  # 4 of the 8 steps after warm-up
    assert values[8] == pytest.approx(0.8 * (1 - 0.9238795325112867) / 2)  # cos(7/8 pi) = -0.92388


def test_the_cosine_equals_torchs_own_schedule():
    parameter = nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=0.8)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=10)
    expected = []
    for _ in range(10):
        expected.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert rates() == pytest.approx(expected)


def test_warm_up_longer_than_the_run_only_rises():
    values = rates(total=4, steps_per_epoch=1, warm_up_epochs=100)
    assert values == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_biases_norms_and_scales_do_not_decay_and_frozen_parameters_are_left_out():
    module = nn.Module()
    module.conv = nn.Conv1d(2, 3, 5)
    module.norm = nn.LayerNorm([3, 4])  # its weight has two axes and still must not decay
    module.scale = nn.Parameter(torch.ones(()))
    module.frozen = nn.Linear(2, 2).requires_grad_(False)
    module.tied = module.conv
    groups = {group["weight_decay"]: group for group in parameter_groups(module, 0.3)}
    assert groups[0.3]["names"] == ["conv.weight"]
    assert sorted(groups[0.0]["names"]) == ["conv.bias", "norm.bias", "norm.weight", "scale"]
    for group in groups.values():
        named = dict(module.named_parameters())
        assert all(named[name] is parameter for name, parameter in zip(group["names"], group["params"], strict=True))


def test_nothing_to_train_gives_no_group():
    assert parameter_groups(nn.Linear(2, 2).requires_grad_(False), 0.1) == []
