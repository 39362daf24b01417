"""A temperature that makes scores probabilities: the one by which synthetic labels were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from sslts.errors import TrainingError
from sslts.training.calibration import fit_temperature


class Scorer:
    """Its score of a window with label k is the k-th number of the window."""

    def __init__(self, labels: int) -> None:
        self.temperature = torch.tensor(0.1)
        self.labels = labels

    def eval(self) -> None:
        pass

    def embed(self, batch: Any) -> Tensor:
        return batch.values

    def in_text_space(self, embeddings: Tensor) -> Tensor:
        return embeddings

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        return torch.eye(self.labels)[[int(text) for text in texts]]


class Values:
    def __init__(self, values: Tensor) -> None:
        self.values = values

    def to(self, device: Any) -> Values:
        return self


class Windows:
    """Scores [n, K], a label and a set for each."""

    def __init__(self, scores: Tensor, labels: Sequence[int], sets: Sequence[str]) -> None:
        self.scores, self._labels, self.sets = scores, list(labels), sets

    def __len__(self) -> int:
        return len(self.scores)

    def labels(self, rows: Sequence[int]) -> list[int]:
        return [self._labels[row] for row in rows]

    def subjects(self) -> list[str]:
        return [f"{name}:p1" for name in self.sets]

    def batch(self, rows: Sequence[int], *, generator: torch.Generator) -> Values:
        return Values(self.scores[list(rows)])


def drawn(count: int, labels: int, temperature: float, seed: int = 0) -> tuple[Tensor, list[int]]:
    made = torch.Generator().manual_seed(seed)
    scores = 0.3 * torch.randn(count, labels, generator=made)
    return scores, torch.multinomial(torch.softmax(scores / temperature, 1), 1, generator=made)[:, 0].tolist()


@pytest.mark.parametrize("temperature", [0.03, 0.1, 0.4])
def test_the_temperature_that_drew_the_labels_is_recovered(temperature):
    scores, labels = drawn(4000, 5, temperature)
    method = Scorer(5)
    found = fit_temperature(method, Windows(scores, labels, ["a"] * 4000), [str(k) for k in range(5)])
    assert found == pytest.approx(temperature, rel=0.12)
    assert float(method.temperature) == pytest.approx(found)


def test_each_window_is_named_among_the_labels_of_its_own_set_only():
    """Set b's label 3 scores absurdly high on set a's windows: whoever asked it there would find no temperature but the largest."""
    scores, labels = drawn(3000, 3, 0.1)
    other, theirs = drawn(3000, 3, 0.1, seed=1)
    both = torch.zeros(6000, 6)
    both[:3000, :3], both[3000:, 3:], both[:3000, 3:] = scores, other, 50.0
    windows = Windows(both, [*labels, *(label + 3 for label in theirs)], ["a"] * 3000 + ["b"] * 3000)
    assert fit_temperature(Scorer(6), windows, [str(k) for k in range(6)]) == pytest.approx(0.1, rel=0.12)


def test_windows_without_a_label_are_left_out():
    scores, labels = drawn(3000, 4, 0.1)
    alone = fit_temperature(Scorer(4), Windows(scores, labels, ["a"] * 3000), list("0123"))
    mixed = torch.cat([scores, torch.full((500, 4), 9.0)])
    assert fit_temperature(Scorer(4), Windows(mixed, [*labels, *[-1] * 500], ["a"] * 3500), list("0123")) == alone


def test_no_labelled_window_is_an_error():
    with pytest.raises(TrainingError, match="No window of the validation subjects has a label"):
        fit_temperature(Scorer(3), Windows(torch.zeros(4, 3), [-1] * 4, ["a"] * 4), list("012"))
