"""Objectives: values by hand, symmetry, minima, and rows that take no part."""

from __future__ import annotations

import math

import pytest
import torch

from sslts.errors import ConfigError, LengthError
from sslts.objectives.barlow_twins import BarlowTwins
from sslts.objectives.cocoa import COCOA
from sslts.objectives.info_nce import InfoNCE
from sslts.objectives.vicreg import VICReg

PAIRS = [VICReg.create(), VICReg.create(invariance=10, variance=10, covariance=100, correction=0), BarlowTwins.create(), InfoNCE.create()]


def two_views(rows: int = 32, width: int = 6, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    made = torch.Generator().manual_seed(seed)
    first = torch.randn(rows, width, generator=made, dtype=torch.float64)
    return first, first + 0.3 * torch.randn(rows, width, generator=made, dtype=torch.float64)


def test_vicreg_agrees_with_numbers_by_hand():
    # Two rows, two dimensions. Means (1, 0) and (1, 1); population variances (1, 0) and (1, 1).
    first = torch.tensor([[0.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
    second = torch.tensor([[0.0, 0.0], [2.0, 2.0]], dtype=torch.float64)
    parts = VICReg.create(invariance=10, variance=10, covariance=100, correction=0).forward(first, second).parts
    assert parts["invariance"].item() == pytest.approx(10 * (4 / 4))
    still, moving = math.sqrt(1e-4), math.sqrt(1 + 1e-4)
    hinge = ((0 if moving > 1 else 1 - moving) + (1 - still)) / 2 / 2  # first view; the second has both at deviation 1
    assert parts["variance"].item() == pytest.approx(10 * hinge)
    # Covariance with B - 1 = 1: first view has none; second C_12 = C_21 = (-1)(-1) + (1)(1) = 2, so (1/2) (4 + 4) = 4.
    assert parts["covariance"].item() == pytest.approx(100 * 4)


def test_vicreg_is_the_crossl_loss_written_a_second_way():
    first, second = two_views()
    rows, width = first.shape
    variance = sum(torch.clamp(1 - torch.sqrt(view.var(0, correction=0) + 1e-4), min=0).mean() for view in (first, second)) / 2
    covariance = 0.0
    for view in (first, second):
        matrix = torch.cov(view.T)
        covariance += sum(matrix[i, j] ** 2 for i in range(width) for j in range(width) if i != j) / width
    expected = 10 * torch.nn.functional.mse_loss(first, second) + 10 * variance + 100 * covariance
    ours = VICReg.create(invariance=10, variance=10, covariance=100, correction=0).forward(first, second).total
    torch.testing.assert_close(ours, expected)


def test_barlow_twins_is_zero_for_independent_equal_views():
    basis = torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], dtype=torch.float64)[:, 1:]
    assert BarlowTwins.create().forward(basis, basis).total.item() == pytest.approx(0, abs=1e-12)
    # Swapped dimensions: the diagonal is 0 for the two, their cross terms are 1.
    swapped = basis[:, [1, 0, 2]]
    assert BarlowTwins.create(off_diagonal=0.5).forward(basis, swapped).total.item() == pytest.approx(2 + 0.5 * 2, abs=1e-6)


def test_info_nce_of_orthogonal_pairs_by_hand():
    views = torch.eye(3, dtype=torch.float64)
    expected = -math.log(math.exp(2) / (math.exp(2) + 2))  # cosine 1 against two of cosine 0, temperature 0.5
    assert InfoNCE.create(temperature=0.5).forward(views, views).total.item() == pytest.approx(expected)


def test_cocoa_by_hand():
    # Two rows, two modalities that agree perfectly; the rows are orthogonal: agreement exp(0), discrimination exp(0).
    values = torch.eye(2, dtype=torch.float64)[:, None, :].expand(2, 2, 2)
    parts = COCOA.create(temperature=0.5).forward(values, values).parts
    assert parts["agreement"].item() == pytest.approx(1.0)
    assert parts["discrimination"].item() == pytest.approx(1.0)
    # Opposite modalities have cosine -1: exp((1 + 1) / 0.5).
    opposite = torch.stack([values[:, 0], -values[:, 0]], dim=1)
    assert COCOA.create(temperature=0.5).forward(opposite, opposite).parts["agreement"].item() == pytest.approx(math.exp(4))


@pytest.mark.parametrize("objective", PAIRS, ids=lambda o: type(o).__name__)
def test_swapping_the_views_changes_nothing(objective):
    first, second = two_views()
    torch.testing.assert_close(objective(first, second).total, objective(second, first).total)


@pytest.mark.parametrize("objective", PAIRS, ids=lambda o: type(o).__name__)
def test_agreeing_views_cost_less_than_unrelated_ones(objective):
    first, near = two_views()
    far = torch.randn(first.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    assert objective(first, near).total < objective(first, far).total


@pytest.mark.parametrize("junk", [math.nan, math.inf, 1e9])
@pytest.mark.parametrize("objective", PAIRS, ids=lambda o: type(o).__name__)
def test_rows_of_weight_zero_take_no_part_in_loss_or_gradient(objective, junk):
    first, second = two_views()
    weight = torch.ones(32)
    weight[20:] = 0
    poisoned = first.clone()
    poisoned[20:] = junk
    poisoned.requires_grad_()
    total = objective(poisoned, second, weight).total
    torch.testing.assert_close(total, objective(first[:20], second[:20]).total, rtol=1e-9, atol=1e-9)
    total.backward()
    assert torch.isfinite(poisoned.grad).all()
    assert (poisoned.grad[20:] == 0).all()


@pytest.mark.parametrize("junk", [math.nan, math.inf, 1e9])
def test_cocoa_ignores_absent_modalities(junk):
    values = torch.randn(8, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    weight = torch.ones(8, 3)
    weight[:, 2] = 0
    poisoned = values.clone()
    poisoned[:, 2] = junk
    objective = COCOA.create()
    torch.testing.assert_close(objective(poisoned, poisoned, weight).total, objective(values[:, :2], values[:, :2]).total)


@pytest.mark.parametrize("objective", PAIRS, ids=lambda o: type(o).__name__)
def test_different_shapes_are_named(objective):
    with pytest.raises(LengthError, match=r"\(4, 3\).*\(4, 2\)"):
        objective(torch.zeros(4, 3), torch.zeros(4, 2))


def test_a_constant_batch_has_finite_gradients():
    for objective in PAIRS:
        values = torch.ones(8, 4, requires_grad=True)
        objective(values, values * 1).total.backward()
        assert torch.isfinite(values.grad).all(), type(objective).__name__


def test_blocks_may_repeat_each_other_but_not_themselves():
    first, second = two_views(64, 3)
    doubled = [torch.cat([view, view], dim=1) for view in (first, second)]
    within = VICReg.create(blocks=[3, 3]).forward(*doubled).parts["covariance"]
    torch.testing.assert_close(within, 2 * VICReg.create().forward(first, second).parts["covariance"])
    assert VICReg.create().forward(*doubled).parts["covariance"] > 2 * within
    with pytest.raises(ConfigError, match="add up to 5"):
        VICReg.create(blocks=[2, 3]).forward(*doubled)
