"""Aggregators: absent tokens are never read, rows are independent, nothing in gives exactly nothing out."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from sslts import ops
from sslts.aggregators.attention import AttentionAggregator
from sslts.aggregators.concat_mlp import ConcatMLP
from sslts.aggregators.described import DescribedAggregator
from sslts.aggregators.mean import MeanAggregator
from sslts.errors import ConfigError
from sslts.interfaces import Aggregator
from sslts.types import Tokens

KINDS = [ConcatMLP, MeanAggregator, AttentionAggregator, DescribedAggregator]


def tokens(valid: list[list[int]], modality: list[int]) -> Tokens:
    """Random tokens of eight numbers with this validity [B, N] and modality [N], each modality one described channel."""
    made = torch.Generator().manual_seed(5)
    flags = torch.tensor(valid, dtype=torch.bool)
    rows, count = flags.shape
    index = torch.tensor(modality).expand(rows, count)
    return Tokens(
        torch.randn(rows, count, 8, generator=made),
        flags,
        torch.zeros(rows, count),
        index,
        index,
        index[..., None].expand(-1, -1, 3),
        described=torch.eye(6)[:3],
    )


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def aggregator(request: pytest.FixtureRequest) -> Aggregator:
    torch.manual_seed(0)
    return request.param.example().eval()


# Modality 1 has two tokens; row 1 misses a modality, row 2 a token, row 3 everything.
MIXED = ([[1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0]], [0, 1, 1, 2])


def test_a_row_without_valid_tokens_gives_exactly_zero(aggregator):
    embedding = aggregator(tokens(*MIXED))
    assert embedding.shape == (4, aggregator.embed_dim)
    assert torch.equal(embedding[3], torch.zeros(aggregator.embed_dim))
    assert (embedding[:3].abs().sum(1) > 0).all()


@pytest.mark.parametrize("junk", [math.nan, math.inf, 1e9])
def test_absent_values_never_reach_the_output_or_a_gradient(aggregator, junk):
    clean = tokens(*MIXED)
    poisoned = replace(clean, values=clean.values.masked_fill(~clean.valid[..., None], junk).requires_grad_())
    embedding = aggregator(poisoned)
    torch.testing.assert_close(embedding, aggregator(clean), atol=0, rtol=0)
    embedding.pow(2).sum().backward()
    assert torch.equal(poisoned.values.grad[~clean.valid], torch.zeros_like(poisoned.values.grad[~clean.valid]))
    for gradient in (poisoned.values.grad, *(parameter.grad for parameter in aggregator.parameters())):
        assert gradient.isfinite().all()


def test_gradients_stay_finite_when_every_row_is_empty(aggregator):
    empty = tokens([[0, 0], [0, 0]], [0, 2])
    leaf = empty.values.clone().requires_grad_()
    aggregator(replace(empty, values=leaf)).sum().backward()
    for gradient in (leaf.grad, *(parameter.grad for parameter in aggregator.parameters())):
        assert torch.equal(gradient, torch.zeros_like(gradient))


def test_a_row_does_not_depend_on_the_others(aggregator):
    batch = tokens(*MIXED)
    names = ("values", "valid", "time_s", "modality", "channel", "cell")
    rows = [Tokens(**{name: getattr(batch, name)[i : i + 1] for name in names}, described=batch.described) for i in range(4)]
    torch.testing.assert_close(aggregator(batch), torch.cat([aggregator(row) for row in rows]), atol=1e-6, rtol=1e-6)


def test_the_mean_weighs_modalities_alike_however_many_tokens_they_have():
    batch = tokens(*MIXED)
    first, second, third, fourth = batch.values[0]
    got = MeanAggregator.example()(batch)
    torch.testing.assert_close(got[0], (first + (second + third) / 2 + fourth) / 3)
    torch.testing.assert_close(got[1], (batch.values[1, 0] + batch.values[1, 3]) / 2)


def test_concat_mlp_is_the_papers_stack_on_the_modality_means():
    torch.manual_seed(0)
    aggregator = ConcatMLP.create(modalities=2, token_dim=8)
    assert [tuple(p.shape) for p in aggregator.parameters()] == [(64, 16), (64,), (32, 64), (32,), (32, 32), (32,), (32,), (32,)]
    batch = tokens([[1, 1]], [0, 1])
    first, second, third, norm = (layer for layer in aggregator.mlp if list(layer.parameters()))
    hidden = (second(first(batch.values.flatten(1)).relu())).relu()
    expected = functional.layer_norm(third(hidden), (32,), norm.weight, norm.bias, 1e-3)
    torch.testing.assert_close(aggregator(batch), expected)


def test_attention_is_a_softmax_over_the_valid_tokens():
    torch.manual_seed(0)
    aggregator = AttentionAggregator.create(modalities=3, token_dim=8, embed_dim=4, width=6, heads=1, queries=2)
    batch = tokens(*MIXED)
    keys, values = aggregator.key_value(aggregator.norm(batch.values[1, [0, 3]] + aggregator.modality.weight[[0, 2]])).chunk(2, dim=-1)
    weights = (aggregator.query @ keys.T / math.sqrt(6)).softmax(-1)
    expected = aggregator.out((weights @ values).flatten())
    torch.testing.assert_close(aggregator(batch)[1], expected, atol=1e-5, rtol=1e-5)


def test_attention_tells_modalities_apart():
    torch.manual_seed(0)
    aggregator = AttentionAggregator.example()
    batch = tokens([[1, 1]], [0, 1])
    swapped = replace(batch, modality=batch.modality.flip(1))
    assert not torch.allclose(aggregator(batch), aggregator(swapped), atol=1e-3)
    torch.testing.assert_close(
        MeanAggregator.example()(batch), MeanAggregator.example()(swapped), msg="the mean has no learned notion of a modality"
    )


def test_attention_reads_time_tokens_and_pooled_ones_with_the_same_weights():
    aggregator = AttentionAggregator.example()
    batch = tokens([[1] * 6], [0, 0, 0, 1, 1, 2])
    assert aggregator(batch).shape == aggregator(ops.modality_tokens(*ops.modality_means(batch, 3))).shape == (1, 4)


def test_heads_must_divide_the_width():
    with pytest.raises(ConfigError, match="heads must divide width, got 3 heads and a width of 8"):
        AttentionAggregator.create(modalities=1, token_dim=8, width=8, heads=3)
