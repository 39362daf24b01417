"""Windows whose fixed front end was computed once: training steps then cost only what is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from tqdm.auto import tqdm

from sslts.interfaces import Method
from sslts.training.source import LabelledSource, WindowSource, read
from sslts.types import SensorBatch, Signal


class FrontedSource:
    """All windows of a source, after `method.front`, in memory. Worth it where a window's front end is small (some hundred numbers)."""

    def __init__(self, source: WindowSource, method: Method, *, batch_size: int = 64, progress: bool = False) -> None:
        self._source = source
        parts = []
        steps = range(0, len(source), batch_size)
        with torch.no_grad():
            for first in tqdm(steps, desc="front end", unit="batch", disable=not progress):
                rows = range(first, min(first + batch_size, len(source)))
                parts.append(method.front(read(source, rows, torch.Generator())))
        self._whole = _joined(parts)

    def __len__(self) -> int:
        return len(self._source)

    def batch(self, indices: Sequence[int], *, generator: torch.Generator) -> SensorBatch:
        """These windows, in this order. Nothing is random here."""
        return self._whole.select(torch.as_tensor(indices, dtype=torch.long))

    def ids(self, indices: Sequence[int]) -> Sequence[str]:
        """The source's names."""
        return self._source.ids(indices)

    def labels(self, indices: Sequence[int]) -> Sequence[int]:
        """The source's labels, for the monitor; -1 where it has none."""
        return self._source.labels(indices) if isinstance(self._source, LabelledSource) else [-1] * len(indices)


def _joined(parts: Sequence[SensorBatch]) -> SensorBatch:
    def cat(name: str) -> Signal:
        signals = [part.signals[name] for part in parts]
        return Signal(
            torch.cat([signal.values for signal in signals]),
            signals[0].channels,
            signals[0].clock,
            torch.cat([signal.present for signal in signals]),
            torch.cat([signal.observed for signal in signals]),
        )

    keys: Mapping[str, Sequence[object]] = {name: [key for part in parts for key in part.keys[name]] for name in parts[0].keys}
    return SensorBatch({name: cat(name) for name in parts[0].signals}, keys)
