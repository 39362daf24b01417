"""Latent distances and alignment with words: values by hand, minima, and entries that take no part."""

from __future__ import annotations

import math

import pytest
import torch

from sslts.errors import LengthError
from sslts.objectives.latent import LatentDistance, MultiResolutionL1, SmoothL1
from sslts.objectives.semantic import SemanticAlignment, SigLIP, TextContrast
from sslts.objectives.sigreg import SIGReg

LATENT = [LatentDistance.create(), SmoothL1.create(), MultiResolutionL1.create()]
ALIGN = [SemanticAlignment.create(), TextContrast.create(), SigLIP.create()]


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("objective", LATENT)
def test_latent_distances_are_zero_at_the_target_and_positive_elsewhere(objective):
    target = noise(2, 5, 3)
    assert objective(target, target).total.item() == 0
    assert objective(target + 0.1, target).total.item() > 0


@pytest.mark.parametrize("objective", [*LATENT, *ALIGN])
def test_targets_get_no_gradient(objective):
    shape = (4, 5, 3) if objective.compares == "tokens" else (4, 3)
    predicted, target = noise(*shape).requires_grad_(), noise(*shape, seed=1).requires_grad_()
    objective(predicted, target).total.backward()
    assert predicted.grad is not None
    assert predicted.grad.abs().sum() > 0
    assert target.grad is None


@pytest.mark.parametrize("objective", [*LATENT, *ALIGN, SIGReg.create()])
def test_entries_of_weight_zero_take_no_part(objective):
    tokens = objective.compares == "tokens"
    shape = (4, 5, 3) if tokens else (4, 3)
    predicted, target = noise(*shape), noise(*shape, seed=1)
    weight = torch.tensor([[True, True, False, True, False]] * 4) if tokens else torch.tensor([True, False, True, True])
    junk = torch.where(weight[..., None], predicted, torch.tensor(float("nan")))
    other = torch.where(weight[..., None], target, torch.tensor(1e9))
    torch.testing.assert_close(objective(predicted, target, weight).total, objective(junk, other, weight).total)
    assert objective(predicted, target, torch.zeros_like(weight)).total.item() == 0 or isinstance(objective, SIGReg)


@pytest.mark.parametrize("objective", [*LATENT, *ALIGN, SIGReg.create()])
def test_shapes_that_do_not_fit_are_refused(objective):
    with pytest.raises(LengthError):
        objective(noise(4, 3), noise(4, 2))
    if objective.compares == "tokens":
        with pytest.raises(LengthError, match="one entry a token"):
            objective(noise(2, 5, 3), noise(2, 5, 3), torch.ones(2))


def test_the_seeds_first_term_is_the_mean_squared_distance():
    predicted, target = torch.tensor([[[1.0, 2.0], [0.0, 0.0]]]), torch.tensor([[[0.0, 0.0], [3.0, 0.0]]])
    assert LatentDistance.create()(predicted, target).total.item() == pytest.approx(((1 + 4) / 2 + 9 / 2) / 2)
    assert LatentDistance.create()(predicted, target, torch.tensor([[1.0, 0.0]])).total.item() == pytest.approx(2.5)


def test_smooth_l1_is_quadratic_below_beta_and_linear_above():
    predicted = torch.tensor([[[0.5, 3.0]]])
    expected = (0.5 * 0.25 / 2 + (3 - 1)) / 2
    assert SmoothL1.create(beta=2.0)(predicted, torch.zeros(1, 1, 2)).total.item() == pytest.approx(expected)


def test_multi_resolution_l1_agrees_with_numbers_by_hand():
    """Two places of channel 0 differ by +1 and -1, one of channel 1 by +3: places 5/3, channels (0 + 3) / 2, all |1 - 1 + 3| / 3."""
    predicted = torch.tensor([[[1.0], [-1.0], [3.0]]])
    parts = MultiResolutionL1.create()(predicted, torch.zeros(1, 3, 1), None, torch.tensor([[0, 0, 1]])).parts
    assert {name: round(value.item(), 4) for name, value in parts.items()} == {"points": 1.6667, "channels": 1.5, "whole": 1.0}


def test_the_seeds_second_term_is_the_squared_distance_of_unit_vectors():
    """Twice one minus the cosine, whatever the lengths: 0 for the same direction, 2 across, 4 for the opposite."""
    predicted = torch.tensor([[3.0, 0.0], [0.0, 5.0], [-1.0, 0.0]])
    target = torch.tensor([[1.0, 0.0]] * 3)
    losses = [SemanticAlignment.create()(predicted[i : i + 1], target[i : i + 1]).total.item() for i in range(3)]
    assert losses == pytest.approx([0, 2, 4])


def test_text_contrast_is_clips_loss_when_all_texts_differ():
    predicted, target = noise(6, 4), noise(6, 4, seed=1)
    first, second = torch.nn.functional.normalize(predicted, dim=1), torch.nn.functional.normalize(target, dim=1)
    logits, places = first @ second.T / 0.1, torch.arange(6)
    expected = (torch.nn.functional.cross_entropy(logits, places) + torch.nn.functional.cross_entropy(logits.T, places)) / 2
    torch.testing.assert_close(TextContrast.create()(predicted, target).total, expected)


def test_equal_texts_are_positives_of_one_another():
    """Two windows of one activity: the best that they can do is log 2 each, a half for each of two equal texts, and no less is asked."""
    target = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    exact = TextContrast.create(temperature=0.01)(target, target).total.item()
    assert exact == pytest.approx(2 / 3 * math.log(2), abs=1e-5)
    assert TextContrast.create(temperature=0.01)(target.flip(0), target).total.item() > 10


def test_siglip_is_a_sigmoid_for_each_pair():
    predicted, target = noise(3, 4), noise(3, 4, seed=1)
    objective = SigLIP.create(scale=5, bias=-2)
    cosine = torch.nn.functional.normalize(predicted, dim=1) @ torch.nn.functional.normalize(target, dim=1).T
    logits, belongs = 5 * cosine - 2, torch.eye(3)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, belongs, reduction="sum") / 3
    torch.testing.assert_close(objective(predicted, target).total, expected)
    assert {name for name, _ in objective.named_parameters()} == {"log_scale", "bias"}


def test_sigreg_prefers_a_normal_cloud_to_a_collapsed_or_stretched_one():
    cloud = noise(4000, 4)
    objective = SIGReg.create()
    normal, collapsed, stretched = (objective(values, values).total.item() for values in (cloud, 0.01 * cloud, 5 * cloud))
    assert normal < 0.01
    assert collapsed > 20 * normal
    assert stretched > 20 * normal


def test_sigreg_of_a_collapsed_cloud_is_the_integral_by_hand():
    """All at 0: phi is 1 everywhere; the integral of (1 - exp(-t^2 / 2))^2 exp(-t^2 / 2) is sqrt(2 pi) (1 - 2 / sqrt 2 + 1 / sqrt 3)."""
    expected = math.sqrt(2 * math.pi) * (1 - math.sqrt(2) + 1 / math.sqrt(3))
    assert SIGReg.create(knots=129)(torch.zeros(8, 3), torch.zeros(8, 3)).total.item() == pytest.approx(expected, abs=1e-3)
