"""The latent predictor: reads positions and descriptions of targets, never their values, and each query by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sslts.errors import ConfigError
from sslts.predictors.latent import LatentPredictor
from sslts.types import Tokens


def tokens(count: int, width: int = 16, seed: int = 0, rows: int = 2) -> Tokens:
    made = torch.Generator().manual_seed(seed)
    index = torch.randint(0, 3, (rows, count), generator=made)
    return Tokens(
        values=torch.randn(rows, count, width, generator=made),
        valid=torch.ones(rows, count, dtype=torch.bool),
        time_s=5 * torch.rand(rows, count, generator=made),
        modality=torch.zeros_like(index),
        channel=index,
        cell=torch.zeros(rows, count, 3, dtype=torch.long),
        described=torch.randn(3, 4, generator=made),
    )


@pytest.fixture
def predictor():
    torch.manual_seed(1)
    made = LatentPredictor.create(token_dim=16, text_dim=4, dim=8, depth=2, heads=2)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.eval()


def test_the_targets_values_are_never_read(predictor):
    context, targets = tokens(5), tokens(4, seed=1)
    junk = replace(targets, values=torch.full_like(targets.values, float("nan")))
    assert torch.equal(predictor(context, targets).values, predictor(context, junk).values)


def test_a_query_does_not_depend_on_what_else_is_asked(predictor):
    context, targets = tokens(5), tokens(4, seed=1)
    one = Tokens(
        *(getattr(targets, name)[:, 1:2] for name in ("values", "valid", "time_s", "modality", "channel", "cell")), targets.described
    )
    torch.testing.assert_close(predictor(context, targets).values[:, 1:2], predictor(context, one).values, atol=1e-6, rtol=1e-5)


def test_time_and_description_of_a_target_matter(predictor):
    context, targets = tokens(5), tokens(4, seed=1)
    base = predictor(context, targets).values
    assert (predictor(context, replace(targets, time_s=targets.time_s + 1)).values - base).abs().max() > 1e-3
    assert (predictor(context, replace(targets, described=targets.described.flip(0))).values - base).abs().max() > 1e-3


def test_hidden_context_is_not_read_and_an_empty_row_stays_finite(predictor):
    context, targets = tokens(5), tokens(4, seed=1)
    hidden = context.keep(torch.tensor([[True, True, False, False, False], [False] * 5]))
    junk = replace(hidden, values=torch.where(hidden.valid[..., None], hidden.values, torch.tensor(1e6)))
    assert torch.equal(predictor(hidden, targets).values[0], predictor(junk, targets).values[0])
    assert torch.equal(predictor.summarise(hidden)[0], predictor.summarise(junk)[0])
    assert predictor.summarise(hidden)[1].eq(0).all()
    assert predictor(hidden, targets).values.isfinite().all()


def test_targets_that_are_not_valid_are_zero(predictor):
    targets = tokens(4, seed=1).keep(torch.tensor([[True, False, True, False]] * 2))
    assert predictor(tokens(5), targets).values[:, 1::2].eq(0).all()


def test_targets_without_descriptions_are_refused(predictor):
    with pytest.raises(ConfigError, match="carry no descriptions"):
        predictor(tokens(5), replace(tokens(4), described=None))
