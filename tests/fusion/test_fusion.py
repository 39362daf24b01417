"""Fusion of what all modalities share with what each says alone: formulas written out, absence, and what may look at other rows."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sslts.errors import ConfigError, LengthError
from sslts.fusion.concatenation import Concatenation
from sslts.fusion.cross_attention import CrossAttention, EpisodicCrossAttention
from sslts.fusion.whitening import WithinClassWhitening

ALL = (Concatenation, CrossAttention, EpisodicCrossAttention)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def stirred(kind: type) -> torch.nn.Module:
    """An example away from its start, so that every weight matters."""
    made = kind.example()
    with torch.no_grad():
        for number, parameter in enumerate(made.parameters()):
            parameter.add_(0.3 * noise(*parameter.shape, seed=number + 1))
    return made


def given(rows: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    present = torch.ones(rows, 2, dtype=torch.bool)
    present[1, 0] = present[2, 1] = False
    present[3] = False
    return noise(rows, 8), noise(rows, 2, 8, seed=1), present


@pytest.mark.parametrize("kind", ALL)
def test_what_is_absent_takes_no_part_and_nothing_gives_nothing(kind):
    made, (joint, own, present) = stirred(kind), given()
    found = made(joint, own, present)
    assert found.shape == (6, made.embed_dim)
    assert not found[3].any()
    junk = torch.where(present[..., None], own, torch.full_like(own, 1e9))
    assert torch.equal(made(joint, junk, present), found)


@pytest.mark.parametrize("kind", [Concatenation, CrossAttention])
def test_a_rows_result_is_its_own(kind):
    made, (joint, own, present) = stirred(kind), given()
    whole = made(joint, own, present)
    for row in range(6):
        part = slice(row, row + 1)
        torch.testing.assert_close(made(joint[part], own[part], present[part]), whole[part], atol=1e-6, rtol=1e-5)


def test_concatenated_cosines_are_means_over_modalities():
    made, (joint, own, _) = Concatenation.create(embed_dim=8, modalities=2, joint=1.0), given()
    found = made(joint, own, torch.ones(6, 2, dtype=torch.bool))
    parts = [functional.normalize(part, dim=1) for part in (joint, own[:, 0], own[:, 1])]
    expected = sum(part @ part.T for part in parts) / 3
    torch.testing.assert_close(functional.normalize(found, dim=1) @ functional.normalize(found, dim=1).T, expected)


def test_cross_attention_asks_the_modalities_of_its_own_row():
    made, (joint, own, present) = stirred(CrossAttention), given()
    found = made(joint, own, present)
    for row in (0, 1):
        parts = []
        for asking in range(2):
            query, heads = joint[row] @ made.ask[asking], []
            for head in range(2):
                there = [m for m in range(2) if present[row, m]]
                cut = slice(4 * head, 4 * head + 4)
                score = torch.stack([(query[cut] * (own[row, m] @ made.key[m])[cut]).sum() * made.sharpness[head, 0] for m in there])
                share = score.exp() / score.exp().sum()
                heads.append(sum(s * (own[row, m] @ made.value[m])[cut] for s, m in zip(share, there, strict=True)))
            parts.append(made.weight[asking] * torch.cat(heads) * present[row, asking])
        torch.testing.assert_close(found[row, 24:], made.gate * made.join(torch.cat(parts)), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[:, :24], made.places(joint, own, present))


def test_episodic_cross_attention_asks_all_rows_of_its_episode_and_no_other():
    made, (joint, own, _) = stirred(EpisodicCrossAttention), given()
    present, episode = torch.ones(6, 2, dtype=torch.bool), torch.tensor([0, 0, 0, 1, 1, 1])
    found = made(joint, own, present, episode)
    torch.testing.assert_close(made(joint[:3], own[:3], present[:3]), found[:3])
    row, parts = 1, []
    for m in range(2):
        heads = []
        for head in range(2):
            cut = slice(4 * head, 4 * head + 4)
            query = (joint[row] @ made.ask[m])[cut]
            score = torch.stack([(query * (own[other, m] @ made.key[m])[cut]).sum() * made.sharpness[head, 0] for other in range(3)])
            heads.append(torch.softmax(score, 0) @ torch.stack([(own[other, m] @ made.value[m])[cut] for other in range(3)]))
        parts.append(made.weight[m] * torch.cat(heads))
    torch.testing.assert_close(found[row, 24:], made.gate * made.join(torch.cat(parts)), atol=1e-5, rtol=1e-5)


def test_before_training_attention_adds_nothing():
    """So that a trial of it starts where concatenation does."""
    plain, made = Concatenation.create(embed_dim=8, modalities=2), CrossAttention.create(embed_dim=8, modalities=2, heads=2)
    found = made(*given())
    torch.testing.assert_close(found[:, :24], plain(*given()))
    assert found[:, 24:].eq(0).all()


def test_weights_are_those_of_the_mean_over_cosines_and_zero_stays_zero():
    made, (joint, own, _) = Concatenation.create(embed_dim=8, modalities=2), given()
    present = torch.ones(len(joint), 2, dtype=torch.bool)
    made.weigh((0.5, 1.0, 0.0), (True, True))
    found = torch.nn.functional.normalize(made(joint, own, present), dim=1)
    cosines = [torch.cosine_similarity(view[0], view[1], dim=0) for view in (joint, own[:, 0])]
    torch.testing.assert_close(found[0] @ found[1], (0.5 * cosines[0] + cosines[1]) / 1.5)
    optimiser = torch.optim.AdamW(made.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        made(joint, own, present).sum().backward()
        optimiser.step()
    assert made(joint, own, present)[:, 16:].eq(0).all()
    assert made.places.amplitude[1] != 1


def test_the_joint_view_counts_only_where_all_is_there_that_it_was_fitted_with():
    made, (joint, own, _) = Concatenation.create(embed_dim=8, modalities=2), given()
    present = torch.ones(len(joint), 2, dtype=torch.bool)
    present[0, 1] = False
    assert made(joint, own, present)[0, :8].eq(0).all()
    assert made(joint, own, present)[1, :8].ne(0).any()
    made.weigh((1.0, 1.0, 0.0), (True, False))
    assert made(joint, own, present)[0, :8].ne(0).any()


def test_only_the_episodic_variant_looks_at_other_rows():
    assert [kind.episodic for kind in ALL] == [False, False, True]
    made, (joint, own, present) = stirred(EpisodicCrossAttention), given()
    assert not torch.allclose(made(joint[:1], own[:1], present[:1]), made(joint, own, present)[:1])


@pytest.mark.parametrize("kind", [CrossAttention, EpisodicCrossAttention])
def test_gradients_reach_every_parameter_and_heads_must_divide(kind):
    made, (joint, own, present) = stirred(kind), given()
    made(joint, own, present).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in made.parameters())
    with pytest.raises(ConfigError, match="3 heads do not divide embed_dim 8"):
        kind.create(embed_dim=8, modalities=2, heads=3)


@pytest.mark.parametrize("shrink", [0.0, 0.2, 1.0])
def test_whitening_evens_out_what_varies_within_classes(shrink):
    labels = torch.arange(4).repeat_interleave(60)
    mixing = torch.diag(torch.tensor([5.0, 1.0, 0.2])) @ torch.linalg.qr(noise(3, 3, seed=3))[0]
    values = (noise(240, 3) + 3 * noise(4, 3, seed=2)[labels]) @ mixing + 7
    made = WithinClassWhitening(3)
    made.fit(values, labels, shrink=shrink)
    mapped = (values - made.mean) / made.scale @ made.matrix
    torch.testing.assert_close(made(values), functional.normalize(mapped, dim=1))
    within = torch.cat([mapped[labels == k] - mapped[labels == k].mean(0) for k in range(4)])
    covariance = within.T @ within / 240
    standard = (values - values.mean(0)) / values.std(0, correction=0)
    before = torch.cat([standard[labels == k] - standard[labels == k].mean(0) for k in range(4)])
    spread, old = (torch.linalg.eigvalsh(c) for c in (covariance, before.T @ before / 240))
    if shrink == 0:
        torch.testing.assert_close(covariance, torch.eye(3), atol=1e-3, rtol=0)
    elif shrink == 1:
        torch.testing.assert_close(spread / spread[-1], old / old[-1], atol=1e-3, rtol=1e-3)
    else:
        assert spread[-1] / spread[0] < 0.7 * old[-1] / old[0]


def test_whitening_needs_classes_with_two_examples_and_leaves_constants_alone():
    with pytest.raises(LengthError, match="classes with two examples"):
        WithinClassWhitening(3).fit(noise(4, 3), torch.arange(4), shrink=0.1)
    made = WithinClassWhitening(3)
    values = torch.cat([noise(20, 2), torch.full((20, 1), 4.0)], dim=1)
    made.fit(values, torch.arange(2).repeat(10), shrink=0.0)
    assert made(values).isfinite().all()


def test_whitening_is_the_identity_map_until_it_is_fitted():
    torch.testing.assert_close(WithinClassWhitening(3)(noise(5, 3)), functional.normalize(noise(5, 3), dim=1))
