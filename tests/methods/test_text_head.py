"""The head of sensor-text JEPA, and ridge regression from sums: the solution of all rows at once."""

from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import Ridge

from sslts.methods.text_head import LeastSquares, TextHead, TextSpace, richness
from sslts.types import Tokens


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def head() -> TextHead:
    torch.manual_seed(0)
    return TextHead(6, 5, keep=4)


@pytest.mark.parametrize("ridge", [1e-3, 0.1, 10.0])
def test_sums_over_batches_give_the_ridge_regression_of_all_rows_stacked(ridge):
    features, targets = noise(90, 6) * torch.arange(1, 7) + 3, noise(90, 4, seed=1)
    targets = targets + features[:, :4]
    solver = LeastSquares(6, 4)
    for part in (slice(0, 7), slice(7, 7), slice(7, 60), slice(60, 90)):
        solver.add(features[part], targets[part])
    weight, bias = solver.solve(ridge)
    # Theirs is the sum of squares + alpha |w|^2, ours the mean + ridge |w|^2; neither holds the bias back.
    theirs = Ridge(alpha=ridge * 90).fit(features.double().numpy(), targets.double().numpy())
    torch.testing.assert_close(weight, torch.from_numpy(theirs.coef_.T).float(), atol=2e-4, rtol=2e-4)
    torch.testing.assert_close(bias, torch.from_numpy(theirs.intercept_).float(), atol=2e-3, rtol=2e-4)


def test_fewer_rows_than_features_have_a_solution_too():
    solver = LeastSquares(6, 2)
    features, targets = noise(3, 6), noise(3, 2, seed=1)
    solver.add(features, targets)
    weight, bias = solver.solve(1e-4)
    assert (features @ weight + bias - targets).abs().max() < 0.05


def test_no_rows_give_a_map_to_nothing():
    weight, bias = LeastSquares(6, 2).solve(0.1)
    assert weight.shape == (6, 2)
    assert not weight.any()
    assert not bias.any()


def test_many_rows_are_added_in_pieces_and_none_is_lost():
    solver, features, targets = LeastSquares(6, 2), noise(3000, 6), noise(3000, 2, seed=1)
    for part in torch.arange(3000).split(700):
        solver.add(features[part], targets[part])
    weight, _ = solver.solve(0.1)
    theirs = Ridge(alpha=0.1 * 3000).fit(features.numpy(), targets.numpy())
    torch.testing.assert_close(weight, torch.from_numpy(theirs.coef_.T).float(), atol=1e-4, rtol=1e-3)


def test_regressions_weigh_the_same_however_many_rows_they_have():
    parts, rows = (
        [LeastSquares(6, 2) for _ in range(3)],
        ((noise(10, 6), noise(10, 2, seed=1)), (noise(50, 6, seed=2) + 1, noise(50, 2, seed=3))),
    )
    for part, (features, targets) in zip(parts, rows, strict=False):
        part.add(features, targets)
    weight, bias = LeastSquares.evenly(parts).solve(0.1)
    weights = [1 / 10] * 10 + [1 / 50] * 50
    theirs = Ridge(alpha=0.2).fit(torch.cat([rows[0][0], rows[1][0]]).numpy(), torch.cat([rows[0][1], rows[1][1]]).numpy(), weights)
    torch.testing.assert_close(weight, torch.from_numpy(theirs.coef_.T).float(), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(bias, torch.from_numpy(theirs.intercept_).float(), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("evenness", [0.0, 0.5, 1.0])
def test_the_text_space_has_no_common_direction_and_evens_variances_out(evenness):
    vectors = noise(400, 5) * torch.tensor([4.0, 2, 1, 1, 1]) + 3
    space = TextSpace(5, evenness=evenness)
    space.fit(vectors)
    made = space(vectors)
    torch.testing.assert_close(made.norm(dim=1), torch.ones(400))
    assert made.mean(0).abs().max() < 0.1
    before = torch.linalg.eigvalsh(torch.nn.functional.normalize(vectors - vectors.mean(0), dim=1).T.cov())
    after = torch.linalg.eigvalsh(made.T.cov())
    spread = float(after[-1] / after[0]) / float(before[-1] / before[0])
    assert spread == pytest.approx(1.0, abs=1e-3) if evenness == 0 else spread < (0.8 if evenness == 0.5 else 0.6)


def test_one_text_alone_gives_a_space_all_the_same():
    space = TextSpace(5, evenness=0.5)
    space.fit(noise(1, 5))
    assert space(noise(3, 5, seed=1)).isfinite().all()


def test_the_meaning_has_unit_length_and_mixes_a_map_for_few_and_one_for_many(head):
    features, rich = noise(7, 6), torch.linspace(0, 1, 7)
    meaning = head(features, rich)
    torch.testing.assert_close(meaning.norm(dim=1), torch.ones(7))
    weight = head.meaning.weight
    few, more, step = weight[:, :6], weight[:, 6:12], weight[:, 12]
    expected = torch.stack(
        [((1 - share) * few + share * more) @ row + share * step + head.meaning.bias for row, share in zip(features, rich, strict=True)]
    )
    torch.testing.assert_close(meaning, expected / expected.norm(dim=1, keepdim=True))
    assert meaning.shape == (7, 5)


def test_richness_counts_the_channels_that_are_there():
    """Two patches a channel; the second row has lost one patch of channel 0 and all of channel 2."""
    channel = torch.tensor([[0, 0, 1, 1, 2, 2]]).expand(2, -1)
    valid = torch.tensor([[True] * 6, [True, False, True, True, False, False]])
    tokens = Tokens(
        torch.zeros(2, 6, 1), valid, torch.zeros(2, 6), torch.zeros_like(channel), channel, torch.zeros(2, 6, 3, dtype=torch.long)
    )
    assert richness(tokens).tolist() == pytest.approx([3**4 / (3**4 + 40**4), 2**4 / (2**4 + 40**4)])


def test_few_and_many_sensors_have_a_scale_of_their_own_and_no_outlier(head):
    few = noise(500, 6) * torch.tensor([1, 10, 100, 0.5, 1, 1e-5]) + 7
    whole = 0.1 * noise(400, 6, seed=1) - 2
    head.scale(few, whole, torch.cat([torch.zeros(500), torch.ones(400)]))
    scaled, other = head.scaled(few)[0], head.scaled(whole)[1]
    for found in (scaled[:, :5], other):
        assert found.mean(0).abs().max() < 2e-2
        torch.testing.assert_close(found.std(0, correction=0), torch.ones(found.shape[1]), atol=3e-2, rtol=0)
    assert scaled[:, 5].abs().max() < 1e-3, "what hardly varies is only centred"
    assert head.scaled(few + 1e6)[0].eq(3)[:, :5].all()


def test_what_is_kept_are_the_leading_components_with_unit_variance(head):
    mixing = torch.diag(torch.tensor([3.0, 2, 1, 0.5, 0.2, 0.1])) @ torch.linalg.qr(noise(6, 6, seed=3))[0]
    few, whole = noise(700, 6) @ mixing, noise(700, 6, seed=1) @ mixing
    rich = torch.cat([torch.zeros(700), torch.ones(700)])
    head.scale(few, whole, rich)
    kept = head.kept(torch.cat([few, whole]), rich)
    assert kept.shape == (1400, 4)
    torch.testing.assert_close((kept - kept.mean(0)).T @ (kept - kept.mean(0)) / 1400, torch.eye(4), atol=1e-3, rtol=0)
    blended = torch.cat([head.scaled(few)[0], head.scaled(whole)[1]])
    strengths = torch.linalg.eigvalsh(torch.cov(blended.T, correction=0)).flip(0)[:4]
    lengths = torch.linalg.vector_norm(head.components, dim=0)
    torch.testing.assert_close(lengths, strengths.rsqrt(), atol=1e-3, rtol=1e-3)
    assert (head.components.gather(0, head.components.abs().argmax(0, keepdim=True)) > 0).all()


def test_fewer_windows_than_components_leave_the_rest_at_zero(head):
    head.scale(noise(2, 6), noise(2, 6, seed=1), torch.tensor([0.0, 0, 1, 1]))
    kept = head.kept(noise(5, 6, seed=2), torch.zeros(5))
    assert kept.isfinite().all()
    assert not kept[:, 3:].any()


def test_a_map_that_is_set_is_the_map_that_is_used(head):
    weight, bias = noise(13, 5), noise(5, seed=1)
    head.set_linear(weight, bias, richest=1.0)
    features = noise(7, 6, seed=2)
    made = head(features, torch.zeros(7))
    torch.testing.assert_close(made, torch.nn.functional.normalize(features @ weight[:6] + bias, dim=1))


def test_windows_richer_than_any_in_training_are_mapped_as_its_richest(head):
    head.set_linear(noise(13, 5), noise(5, seed=1), richest=0.4)
    features = noise(3, 6, seed=2)
    assert torch.equal(head(features, torch.tensor([0.4, 0.9, 1.0])), head(features, torch.full((3,), 0.4)))
    assert not torch.equal(head(features, torch.full((3,), 0.3)), head(features, torch.full((3,), 0.4)))
    head.mean[1] += 1.0
    assert torch.equal(head.kept(features, torch.tensor([0.4, 0.9, 1.0])), head.kept(features, torch.full((3,), 0.4)))
