"""What a method is given after the last step: as many windows as asked for, each as often as that takes, by the seed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from tiny_run import TinyMethod, TinySource, recipe

from sslts.training.augment import Augmented
from sslts.training.loop import conclude
from sslts.training.recipe import Augmentation


class Concluding(TinyMethod):
    """Remembers what it got."""

    def conclude(self, recorded: Any, changed: Any, *, generator: torch.Generator) -> None:
        assert not self.training
        self.drawn = float(torch.rand(1, generator=generator))
        self.recorded = list(recorded)
        self.batches = list(changed)


def concluded(count: int, seed: int = 3) -> tuple[Concluding, TinySource]:
    method, source = Concluding(), TinySource()
    conclude(method, source, recipe(conclude_changed=count, seed=seed))
    return method, source


@pytest.mark.parametrize("count", [1, 6, 22, 23, 50])
def test_windows_are_read_as_often_as_it_takes_and_none_much_more_often(count):
    method, source = concluded(count)
    assert sum(len(batch) for batch in method.batches) == count
    assert max(len(batch) for batch in method.batches) <= 6, "in batches of the recipe's size"
    seen = Counter(index for rows in source.asked for index in rows)
    assert sum(seen.values()) == count
    assert max(seen.values()) - min(seen[index] for index in range(22)) <= 1


def test_the_seed_decides_which_windows_and_what_is_random():
    first, again, other = concluded(30), concluded(30), concluded(30, seed=4)
    assert first[1].asked == again[1].asked != other[1].asked
    assert first[0].drawn == again[0].drawn != other[0].drawn
    for one, two in zip(first[0].batches, again[0].batches, strict=True):
        assert torch.equal(one.signals["acc"].values, two.signals["acc"].values)


def test_each_reading_of_a_window_is_random_anew():
    method, source = concluded(44)
    values: dict[int, list[torch.Tensor]] = {}
    for rows, batch in zip(source.asked, method.batches, strict=True):
        for row, index in enumerate(rows):
            values.setdefault(index, []).append(batch.signals["acc"].values[row])
    assert all(len(pair) == 2 and not torch.equal(*pair) for pair in values.values())


def test_no_windows_conclude_nothing():
    method, source = concluded(0)
    assert source.asked == []
    assert not hasattr(method, "drawn")


def test_the_global_generator_is_untouched():
    method, source, given = Concluding(), TinySource(), recipe(conclude_windows=11, conclude_changed=22)
    before = torch.get_rng_state()
    conclude(method, source, given)
    assert torch.equal(before, torch.get_rng_state())


def test_recorded_windows_come_from_under_the_augmentation():
    method, source = Concluding(), TinySource()
    conclude(method, Augmented(source, Augmentation(scale=0.5)), recipe(conclude_windows=9, conclude_changed=4))
    assert [sum(len(batch) for batch in batches) for batches in (method.recorded, method.batches)] == [9, 4]
    rows = [index for asked in source.asked[: len(method.recorded)] for index in asked]
    assert len(set(rows)) == 9
