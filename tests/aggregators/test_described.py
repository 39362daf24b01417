"""Places by description: shares by hand, kin for the unknown, and nothing that depends on the order of channels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from sslts.aggregators.described import DescribedAggregator
from sslts.errors import ConfigError
from sslts.types import Tokens


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tokens(values: Tensor, channel: list[int], described: Tensor | None, valid: Tensor | None = None) -> Tokens:
    rows, count, _ = values.shape
    index = torch.tensor(channel).expand(rows, count)
    seen = torch.ones(rows, count, dtype=torch.bool) if valid is None else valid
    return Tokens(values, seen, torch.zeros(rows, count), index * 0, index, index[..., None].expand(-1, -1, 3), described=described)


def fitted(described: Tensor, *, slots: int = 6, keep: int = 3, dim: int = 5) -> DescribedAggregator:
    made = DescribedAggregator.create(token_dim=dim, text_dim=described.shape[1], slots=slots, keep=keep)
    made.fit(described)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * noise(*parameter.shape, seed=9))
    return made.eval()


def test_what_each_channel_says_goes_to_the_places_of_its_kin_by_two_softmaxes():
    """The whole formula again, one token at a time, in numpy."""
    known, given = noise(4, 8), noise(3, 8, seed=1)
    aggregator = fitted(known)
    values, channel = noise(2, 5, 5, seed=2), [0, 0, 1, 2, 2]
    valid = torch.tensor([[True] * 5, [True, False, True, False, True]])
    found = aggregator(tokens(values, channel, given, valid)).detach().view(2, 7, 3).numpy()
    centre = known.mean(0).numpy()
    weight, bias = (parameter.detach().numpy() for parameter in (aggregator.keep.weight, aggregator.keep.bias))
    places = aggregator.places[:4].numpy()
    expected = np.zeros((2, 7, 3))
    for row in range(2):
        seen = valid[row].nonzero()[:, 0].tolist()
        for place in seen:
            mine = given[channel[place]].numpy() - centre
            alike = np.array([mine @ (other - centre) / np.linalg.norm(mine) / np.linalg.norm(other - centre) for other in places])
            said = weight @ values[row, place].numpy() + bias
            for temperature in (0.005, 0.2):
                share = np.exp((alike - alike.max()) / temperature)
                expected[row, :4] += 0.5 * (share / share.sum())[:, None] * said / len(seen)
            expected[row, 6] += said / len(seen)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not found[:, 4:6].any(), "a place without a description stays 0"


def test_the_order_of_channels_changes_nothing():
    described = noise(6, 8, seed=1)
    aggregator = fitted(noise(6, 8))
    values, channel = noise(2, 12, 5, seed=2), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    order = torch.randperm(12, generator=torch.Generator().manual_seed(3))
    renamed = torch.tensor([4, 0, 5, 2, 1, 3])  # channel i is now number renamed[i]
    table = torch.empty_like(described)
    table[renamed] = described
    mixed = tokens(values[:, order], renamed[torch.tensor(channel)[order]].tolist(), table)
    first, second = aggregator(tokens(values, channel, described)), aggregator(mixed)
    assert (first - second).abs().max() < 1e-4
    swapped = aggregator(tokens(values, channel, described.flip(0)))
    assert (first - swapped).abs().max() > 1e-2, "the test would see a difference"


def test_a_known_channel_keeps_its_own_place_and_an_unknown_one_borrows_from_its_nearest_kin():
    known = torch.eye(6)[:4]
    aggregator = fitted(known)
    of_known, of_new = aggregator.shares(known), aggregator.shares(torch.tensor([[0.1, 0.2, 1.0, 0.0, 0.4, 0.0]]))
    where = [int((aggregator.places == one).all(1).nonzero()) for one in known]
    assert [int(share[:-1].argmax()) for share in of_known] == where
    assert all(float(share[place]) > 0.5 for share, place in zip(of_known, where, strict=True))
    assert int(of_new[0, :-1].argmax()) == where[2]
    torch.testing.assert_close(of_known[:, :-1].sum(1), torch.ones(4))
    assert of_known[:, -1].tolist() == [1] * 4


def test_where_descriptions_are_too_many_those_that_differ_most_get_a_place():
    """Three directions, each with a near copy: one of each kind is chosen, the first description among them."""
    kinds = torch.eye(6)[:3]
    described = torch.cat([kinds, kinds + 0.05 * noise(3, 6)])
    aggregator = fitted(described, slots=3)
    assert aggregator.used.all()
    assert torch.equal(aggregator.places[0], described[0])
    nearest = functional.cosine_similarity(aggregator.places[:, None], kinds[None], dim=2).argmax(1)
    assert sorted(nearest.tolist()) == [0, 1, 2]


def test_all_descriptions_have_a_place_where_they_are_few():
    described = noise(4, 8)
    aggregator = fitted(described)
    assert aggregator.used.tolist() == [True] * 4 + [False] * 2
    assert {tuple(row) for row in aggregator.places[:4].tolist()} == {tuple(row) for row in described.tolist()}
    torch.testing.assert_close(aggregator.centre, described.mean(0))


def test_a_second_fit_forgets_the_first():
    aggregator = fitted(noise(6, 8))
    aggregator.fit(noise(2, 8, seed=4))
    assert aggregator.used.tolist() == [True] * 2 + [False] * 4
    assert not aggregator.places[2:].any()


def test_before_it_is_fitted_only_the_mean_has_a_place():
    aggregator = DescribedAggregator.create(token_dim=5, text_dim=8, slots=4, keep=3)
    values = noise(2, 6, 5)
    found = aggregator(tokens(values, [0, 0, 1, 1, 2, 2], noise(3, 8, seed=1))).view(2, 5, 3)
    assert not found[:, :-1].any()
    torch.testing.assert_close(found[:, -1], values[..., :3].mean(1), msg="the leading numbers of a token, as they are")


def test_one_description_alone_has_the_one_place():
    aggregator = fitted(noise(1, 8))
    torch.testing.assert_close(aggregator.shares(noise(2, 8, seed=1)), torch.tensor([[1.0, 0, 0, 0, 0, 0, 1]]).expand(2, -1))


@pytest.mark.parametrize("junk", [float("nan"), float("inf"), 1e9])
def test_absent_tokens_are_never_read_and_nothing_present_gives_zero(junk):
    described = noise(3, 8, seed=1)
    aggregator = fitted(noise(4, 8))
    valid = torch.tensor([[True, False, True], [False] * 3])
    values = noise(2, 3, 5)
    clean = aggregator(tokens(values, [0, 1, 2], described, valid))
    soiled = aggregator(tokens(torch.where(valid[..., None], values, torch.tensor(junk)), [0, 1, 2], described, valid))
    assert torch.equal(clean, soiled)
    assert clean[1].eq(0).all()
    assert clean[0].any()


def test_channels_without_descriptions_are_refused():
    given = tokens(noise(1, 3, 5), [0, 1, 2], noise(3, 8))
    with pytest.raises(ConfigError, match="needs tokens whose channels are described"):
        fitted(noise(4, 8))(replace(given, described=None))
