"""Collapse monitors: their numbers by hand, and that watching changes nothing."""

from __future__ import annotations

import logging
import math

import pytest
import torch
from tiny_run import LabelledTinySource, TinySource, method

from sslts.errors import TrainingError
from sslts.training import monitor
from sslts.training.monitor import Health, knn_accuracy, rankme, spread


def test_rankme_counts_equal_directions():
    assert rankme(torch.eye(7)) == pytest.approx(7, rel=1e-4)
    assert rankme(3 * torch.eye(7)[:4]) == pytest.approx(4, rel=1e-4)


def test_rankme_of_unequal_directions_is_the_entropy_by_hand():
    by_hand = math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert rankme(torch.diag(torch.tensor([3.0, 1.0]))) == pytest.approx(by_hand, rel=1e-4)


def test_rankme_of_a_collapsed_embedding_is_one_and_of_zeros_zero():
    assert rankme(torch.ones(50, 8)) == pytest.approx(1, abs=1e-3)
    assert rankme(torch.zeros(50, 8)) == 0


def test_spread_ignores_length_and_is_zero_for_equal_directions():
    assert spread(torch.ones(5, 3) * torch.arange(1, 6)[:, None]) == pytest.approx(0, abs=1e-9)
    corners = torch.tensor([[1.0, 0], [-2.0, 0], [0, 3.0], [0, -4.0]])
    assert spread(corners) == pytest.approx(1 / math.sqrt(2))  # each axis takes 1, -1, 0, 0


def test_knn_votes_by_cosine():
    bank = torch.tensor([[1.0, 0], [5.0, 0.1], [0, 1.0], [0.1, 9.0], [-1.0, 0]])
    labels = torch.tensor([0, 0, 1, 1, 2])
    queries = torch.tensor([[100.0, 1.0], [0.01, 0.1], [1.0, 0.2]])
    assert knn_accuracy(bank, labels, queries, torch.tensor([0, 1, 1]), k=2) == pytest.approx(2 / 3)
    assert knn_accuracy(bank, labels, queries, torch.tensor([0, 0, 0]), k=50) == 1.0  # the whole bank: a tie of 0 and 1 goes to 0


@pytest.mark.parametrize(
    ("health", "word"),
    [
        (Health(rankme=4.9, std=0.1, knn=None, width=100), "4.9 of 100"),
        (Health(rankme=50, std=0.0049, knn=None, width=100), "same embedding"),
        (Health(rankme=5.1, std=0.0051, knn=None, width=100), None),
    ],
)
def test_collapse_is_said_in_the_log_while_it_happens(caplog, health, word):
    with caplog.at_level(logging.WARNING):
        monitor.warn(health, 12)
    assert ("step 12" in caplog.text and word in caplog.text) if word else caplog.text == ""


def check(model, source, held_out=None):
    return monitor.check(model, source, held_out, windows=16, knn_k=3, seed=0)


def test_watching_leaves_modes_weights_buffers_and_random_state_alone():
    model = method()
    model.train()
    model.predictor.eval()
    modes = [module.training for module in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    global_state = torch.get_rng_state()
    check(model, LabelledTinySource(), LabelledTinySource(seed=1))
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(global_state, torch.get_rng_state())


def test_watching_twice_gives_the_same_numbers():
    model = method()
    assert check(model, LabelledTinySource(), LabelledTinySource(seed=1)) == check(model, LabelledTinySource(), LabelledTinySource(seed=1))


def test_knn_needs_labels_on_both_sides():
    model = method()
    assert check(model, TinySource()).knn is None
    assert check(model, LabelledTinySource()).knn is None
    assert check(model, LabelledTinySource(), TinySource(seed=1)).knn is None
    assert 0 <= check(model, LabelledTinySource(), LabelledTinySource(seed=1)).knn <= 1


def test_unlabelled_windows_take_no_part_in_knn():
    class Unlabelled(LabelledTinySource):
        def labels(self, indices):
            return [-1] * len(indices)

    assert check(method(), LabelledTinySource(), Unlabelled(seed=1)).knn is None


def test_windows_with_nothing_present_take_no_part():
    class MostlyGone(TinySource):
        def batch(self, indices, *, generator):
            whole = super().batch(indices, generator=generator)
            return whole.with_present(torch.tensor([[index == 0] * 2 for index in indices]))

    with pytest.raises(TrainingError, match="fewer than two"):
        monitor.check(method(), MostlyGone(), None, windows=100, knn_k=3, seed=0)


def test_an_embedding_that_is_not_finite_is_an_error():
    model = method()
    torch.nn.init.constant_(model.encoder[4].bias, math.nan)
    with pytest.raises(TrainingError, match="not finite"):
        check(model, TinySource())


def test_a_held_out_window_that_cannot_be_read_is_named():
    class Broken(TinySource):
        def batch(self, indices, *, generator):
            if 5 in indices:
                raise OSError("bad sector")
            return super().batch(indices, generator=generator)

    with pytest.raises(TrainingError, match=r"'P1/5'.*bad sector"):
        monitor.check(method(), TinySource(), Broken(), windows=100, knn_k=3, seed=0)
