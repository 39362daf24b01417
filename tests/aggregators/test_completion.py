"""The completing aggregate: visible places are copies, hidden ones are inferred from the others, absent values are never read."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sslts.aggregators.completion import Completion
from sslts.errors import ConfigError
from sslts.ops import modality_tokens
from sslts.types import Tokens

MODALITIES, WIDTH, KEEP = 2, 8, 3
BOTH, FIRST, SECOND, NEITHER = [True, True], [True, False], [False, True], [False, False]


@pytest.fixture
def aggregator() -> Completion:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Completion.example()


def latents(*present: list[bool], seed: int = 1) -> Tokens:
    """One random token a modality for each row."""
    values = torch.randn(len(present), MODALITIES, WIDTH, generator=torch.Generator().manual_seed(seed))
    return modality_tokens(values, torch.tensor(present))


def places(embedding: Tensor) -> Tensor:
    """[B, E] -> [B, M, keep]."""
    return embedding[:, : MODALITIES * KEEP].unflatten(1, (MODALITIES, KEEP))


def test_the_width_is_a_place_for_each_modality_and_the_summary(aggregator):
    assert aggregator.embed_dim == 2 * 3 + 4
    assert aggregator(latents(BOTH)).shape == (1, 10)


@pytest.mark.parametrize("junk", [math.nan, math.inf, 1e9])
def test_absent_values_never_reach_the_output_or_a_gradient(aggregator, junk):
    clean = latents(BOTH, FIRST, SECOND, NEITHER)
    values = torch.where(clean.valid[..., None], clean.values, torch.tensor(junk)).requires_grad_()
    embedding = aggregator(replace(clean, values=values))
    assert torch.equal(embedding, aggregator(clean))
    embedding.square().sum().backward()
    assert torch.equal(values.grad[~clean.valid], torch.zeros(4, WIDTH))
    assert all(parameter.grad.isfinite().all() for parameter in aggregator.parameters())


def test_a_row_without_any_modality_is_exactly_zero(aggregator):
    embedding = aggregator(latents(NEITHER, BOTH))
    assert torch.equal(embedding[0], torch.zeros(aggregator.embed_dim))
    assert embedding[1].abs().sum() > 0


def test_visible_places_are_the_leading_numbers_of_the_latents_bit_by_bit(aggregator):
    tokens = latents(BOTH, FIRST, SECOND)
    found = places(aggregator(tokens))
    assert torch.equal(found[tokens.valid], tokens.values[tokens.valid][:, :KEEP])


def test_a_hidden_place_is_a_function_of_the_other_modality_alone(aggregator):
    tokens = latents(FIRST, FIRST, FIRST)
    values = tokens.values.clone()
    values[1, 0] = values[0, 0]
    found = places(aggregator(replace(tokens, values=values)))[:, 1]
    assert torch.equal(found[0], found[1])
    assert not torch.allclose(found[0], found[2])


def test_a_row_does_not_depend_on_the_others(aggregator):
    shown = [BOTH, FIRST, SECOND, NEITHER]
    tokens = latents(*shown)
    alone = [aggregator(modality_tokens(tokens.values[row : row + 1], tokens.valid[row : row + 1])) for row in range(len(shown))]
    torch.testing.assert_close(aggregator(tokens), torch.cat(alone), rtol=1e-6, atol=1e-6)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(aggregator(modality_tokens(tokens.values[order], tokens.valid[order])), aggregator(tokens)[order])


def test_agreement_between_masked_views_teaches_it_to_infer_what_is_hidden(aggregator):
    """The second modality is an orthogonal transform of the first, so that every number of it can be inferred."""
    random = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=random)).Q

    def pair(rows: int) -> Tensor:
        first = torch.randn(rows, WIDTH, generator=random)
        return torch.stack([first, first @ turn], dim=1)

    def inferred(values: Tensor) -> Tensor:
        return places(aggregator(modality_tokens(values, torch.tensor(FIRST).expand(len(values), -1))))[:, 1]

    def correlation(values: Tensor) -> float:
        with torch.no_grad():
            joined = torch.stack([inferred(values).flatten(), values[:, 1, :KEEP].flatten()])
        return torch.corrcoef(joined)[0, 1].item()

    held_out = pair(256)
    before = correlation(held_out)
    optimiser = torch.optim.Adam(aggregator.parameters(), lr=1e-2)
    for _ in range(60):
        values = pair(128)
        hidden = aggregator(modality_tokens(values, torch.tensor(FIRST).expand(128, -1)))
        shown = aggregator(modality_tokens(values, torch.tensor(BOTH).expand(128, -1)))
        optimiser.zero_grad()
        (places(hidden) - places(shown)).square().mean().backward()
        optimiser.step()
    assert abs(before) < 0.5
    assert correlation(held_out) > 0.9


def test_a_place_cannot_be_wider_than_a_latent():
    with pytest.raises(ConfigError, match="keep is 9, but a latent has only 8"):
        Completion.create(modalities=2, token_dim=8, keep=9)
