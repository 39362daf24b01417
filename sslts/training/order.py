"""Which windows a step sees: a pure function of (seed, epoch, step).

Nothing is dropped. An epoch of n windows has ceil(n / batch_size) steps whose batches differ in size by at most one, so there is
no tiny last batch (a batch of one has no variance, which VICReg and batch normalisation need). `batch_size` counts all ranks together;
rank r takes every world-th window of the step's batch, so the steps, the learning rate and what an epoch sees do not depend on the
number of processes, and a run may be resumed with another number.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sslts.errors import TrainingError
from sslts.training.recipe import Recipe
from sslts.training.seeding import generator_for


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """windows: how many there are; per_epoch: how many of them an epoch sees (each at most once); neighbours: how many windows that follow
    one another in the source stay together."""

    seed: int
    windows: int
    per_epoch: int
    batch_size: int
    epochs: int
    neighbours: int = 1

    @classmethod
    def of(cls, recipe: Recipe, windows: int) -> SampleOrder:
        """The order that a recipe gives over a source of `windows` windows.

        Raises:
            TrainingError: the source is empty, or holds fewer windows than an epoch should see.
        """
        if windows < 1:
            raise TrainingError(
                f"Recipe '{recipe.name}' found no window to train on. Check data.root, data.subjects and data.exclude, "
                f"and that the recordings are longer than one window ({recipe.spec.window_s:g} s)."
            )
        per_epoch = recipe.windows_per_epoch or windows
        if per_epoch > windows:
            raise TrainingError(f"windows_per_epoch is {per_epoch}, but there are only {windows} windows. Lower it or leave it out.")
        return cls(recipe.seed, windows, per_epoch, recipe.batch_size, recipe.epochs, recipe.neighbours)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in one epoch."""
        return -(-self.per_epoch // self.batch_size)

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.steps_per_epoch * self.epochs

    def epoch_of(self, step: int) -> int:
        """The epoch, from 0, that a step belongs to."""
        return step // self.steps_per_epoch

    def epoch(self, epoch: int) -> list[int]:
        """The windows of one epoch in the order they are seen."""
        drawn = generator_for(self.seed, "order", epoch)
        if self.neighbours == 1:
            return torch.randperm(self.windows, generator=drawn)[: self.per_epoch].tolist()
        # Where the first run ends is drawn as well, so that every epoch puts other windows together.
        begin = int(torch.randint(self.neighbours, (1,), generator=drawn))
        starts = torch.arange(begin - self.neighbours, self.windows, self.neighbours)[torch.randperm(self._runs(begin), generator=drawn)]
        seen = (starts[:, None] + torch.arange(self.neighbours)).flatten()
        return seen[(seen >= 0) & (seen < self.windows)][: self.per_epoch].tolist()

    def _runs(self, begin: int) -> int:
        return -(-(self.windows - begin) // self.neighbours) + 1

    def bounds(self, step: int) -> tuple[int, int]:
        """Where in its epoch's order the batch of a step begins and ends."""
        position, steps = step % self.steps_per_epoch, self.steps_per_epoch
        return self.per_epoch * position // steps, self.per_epoch * (position + 1) // steps

    def batch(self, step: int, *, rank: int = 0, world: int = 1) -> list[int]:
        """The windows of one step, or one rank's share of them."""
        begin, end = self.bounds(step)
        return self.epoch(self.epoch_of(step))[begin:end][rank::world]

    def check_world(self, world: int) -> None:
        """Refuse more processes than the smallest batch has windows (TrainingError)."""
        smallest = self.per_epoch // self.steps_per_epoch
        if world > smallest:
            raise TrainingError(
                f"{world} processes cannot share a batch of {smallest} windows. Use fewer processes or a larger batch_size."
            )
