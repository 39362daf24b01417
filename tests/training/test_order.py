"""Sample order, generators and reading ahead."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_run import TinySource, recipe

from sslts.errors import TrainingError
from sslts.training import source
from sslts.training.order import SampleOrder
from sslts.training.seeding import derive_seed, deterministic, generator_for, seeded

sizes = {"windows": st.integers(1, 60), "batch_size": st.integers(1, 20), "epochs": st.integers(1, 3), "seed": st.integers(0, 2**31 - 1)}


def order(windows: int, batch_size: int, epochs: int, seed: int, neighbours: int = 1) -> SampleOrder:
    return SampleOrder(seed=seed, windows=windows, per_epoch=windows, batch_size=batch_size, epochs=epochs, neighbours=neighbours)


@given(**sizes, world=st.integers(1, 5), neighbours=st.integers(1, 70))
def test_each_window_is_seen_once_an_epoch_whatever_the_number_of_ranks(windows, batch_size, epochs, seed, world, neighbours):
    sampled = order(windows, batch_size, epochs, seed, neighbours)
    for epoch in range(epochs):
        steps = range(epoch * sampled.steps_per_epoch, (epoch + 1) * sampled.steps_per_epoch)
        seen = [index for step in steps for rank in range(world) for index in sampled.batch(step, rank=rank, world=world)]
        assert sorted(seen) == list(range(windows))


@given(**sizes, world=st.integers(1, 5))
def test_a_step_sees_the_same_windows_whatever_the_number_of_ranks(windows, batch_size, epochs, seed, world):
    sampled = order(windows, batch_size, epochs, seed)
    for step in range(sampled.total_steps):
        together = [index for rank in range(world) for index in sampled.batch(step, rank=rank, world=world)]
        assert sorted(together) == sorted(sampled.batch(step))


@given(**sizes)
def test_batches_differ_in_size_by_at_most_one_and_never_exceed_the_limit(windows, batch_size, epochs, seed):
    sampled = order(windows, batch_size, epochs, seed)
    lengths = [len(sampled.batch(step)) for step in range(sampled.total_steps)]
    assert max(lengths) <= batch_size
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) >= 1


def test_epochs_and_seeds_shuffle_differently():
    one = order(50, 5, 4, 0)
    orders = [tuple(one.epoch(epoch)) for epoch in range(4)] + [tuple(order(50, 5, 4, 1).epoch(0))]
    assert len(set(orders)) == 5


def test_an_epoch_of_fewer_windows_sees_each_at_most_once_and_other_ones_next_time():
    sampled = SampleOrder.of(recipe(windows_per_epoch=10, batch_size=4), 22)
    assert sampled.steps_per_epoch == 3
    first, second = sampled.epoch(0), sampled.epoch(1)
    assert len(set(first)) == len(first) == 10
    assert set(first) != set(second)


def test_an_empty_source_and_too_many_windows_an_epoch_are_refused():
    with pytest.raises(TrainingError, match="no window"):
        SampleOrder.of(recipe(), 0)
    with pytest.raises(TrainingError, match="only 22 windows"):
        SampleOrder.of(recipe(windows_per_epoch=23), 22)


def test_more_ranks_than_windows_in_a_batch_are_refused():
    sampled = SampleOrder.of(recipe(), 22)  # batches of 5 and 6
    sampled.check_world(5)
    with pytest.raises(TrainingError, match="6 processes"):
        sampled.check_world(6)


def test_seeds_differ_by_purpose_and_place_and_fit_torch():
    seeds = [derive_seed(seed, purpose, a, b) for seed in range(3) for purpose in ("step", "order") for a in range(4) for b in range(4)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed(1, "step", 1, 12) != derive_seed(1, "step", 11, 2)


def test_seeded_repeats_inside_and_leaves_every_global_generator_untouched_outside():
    def draw() -> tuple[float, float, float]:
        return torch.rand(1).item(), float(np.random.rand()), random.random()  # noqa: NPY002

    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    with seeded(7):
        first = draw()
    with suppress(ZeroDivisionError), seeded(7):
        again = draw()
        _ = 1 / 0
    assert first == again
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()  # noqa: NPY002
    assert before[2] == random.getstate()


def test_deterministic_kernels_are_asked_for_inside_only():
    before = torch.are_deterministic_algorithms_enabled()
    with deterministic(torch.device("cpu")):
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.are_deterministic_algorithms_enabled() == before


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_reading_ahead_changes_nothing_that_a_step_sees(workers):
    sampled = SampleOrder.of(recipe(), 22)
    plain = list(source.steps(TinySource(), sampled, first=3, rank=0, world=1, workers=0))
    ahead = list(source.steps(TinySource(), sampled, first=3, rank=0, world=1, workers=workers))
    assert [step.number for step in ahead] == list(range(3, 12))
    for one, other in zip(plain, ahead, strict=True):
        assert one.indices == other.indices
        assert torch.equal(one.batch.signals["acc"].values, other.batch.signals["acc"].values)


def test_stopping_early_leaves_no_reading_thread():
    sampled = SampleOrder.of(recipe(), 22)
    feed = source.steps(TinySource(), sampled, first=0, rank=0, world=1, workers=2)
    next(feed)
    feed.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("sslts-windows")]


def test_a_fingerprint_changes_with_the_windows_and_with_nothing_else():
    class Renamed(TinySource):
        def ids(self, indices):
            return [f"P2/{index}" for index in indices]

    prints = [source.fingerprint(windows) for windows in (TinySource(), TinySource(seed=1), TinySource(23), Renamed())]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_generators_start_apart():
    draws = [torch.rand(1, generator=generator_for(0, "step", step)).item() for step in range(20)]
    assert all(a != b for a, b in pairwise(draws))


def test_neighbours_stay_together_in_runs_that_end_elsewhere_in_every_epoch():
    sampled = order(100, 20, 6, 0, neighbours=8)
    ends = set()
    for epoch in range(6):
        seen = sampled.epoch(epoch)
        breaks = [after for before, after in pairwise(seen) if after != before + 1]
        (begin,) = {after % 8 for after in breaks if after}  # all runs but the first begin on one grid
        ends.add(begin)
        assert 10 <= len(breaks) <= 13
    assert len(ends) > 2
    assert sampled.epoch(0) != sampled.epoch(1)


def test_a_recipe_says_how_many_neighbours_stay_together():
    assert SampleOrder.of(recipe(), 100).neighbours == 1
    assert SampleOrder.of(recipe(neighbours=8), 100).neighbours == 8
