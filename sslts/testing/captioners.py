"""What captioners promise: WINDOWS -> WORDS."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sslts.interfaces import Captioner
from sslts.testing.batches import some_batch
from sslts.testing.case import broken
from sslts.testing.kit import ROWS, Kit, Promise, Subject
from sslts.types import SensorBatch


class CaptionerKit(Kit):
    """Fed with an accelerometer and a gyroscope, of which some are absent; the last window has neither."""

    base = Captioner

    def example(self, component: Any, rows: int = ROWS) -> SensorBatch:
        return some_batch(rows)

    def run(self, component: Any, given: SensorBatch) -> Tensor:
        # Words as numbers, so that the same checks apply: a caption's length and letters.
        return torch.tensor([[len(text), sum(map(ord, text))] for text in component(given)], dtype=torch.float32)

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("captions", "one printable sentence or more for each window", _captions),
            Promise("rows", "a window's caption does not depend on the others", _rows),
        )


def _captions(subject: Subject) -> None:
    component = subject.fresh()
    told = component(subject.kit.example(component))
    if len(told) != ROWS or not all(isinstance(text, str) and text.strip() and text.isprintable() for text in told):
        raise broken(f"it returns {told!r}, expected {ROWS} printable texts.")


def _rows(subject: Subject) -> None:
    component = subject.fresh()
    batch = subject.kit.example(component)
    together = component(batch)
    for row in range(ROWS):
        if component(batch.select(slice(row, row + 1))) != together[row : row + 1]:
            raise broken(f"window {row} alone is told otherwise than in a batch of {ROWS}.")
