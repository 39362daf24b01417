"""Several data sets as one source: a batch holds windows of any of them, each with the sensors that its own set has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from sslts.config import SensorSpec
from sslts.data.collate import clock_of
from sslts.errors import ConfigError
from sslts.training.source import LabelledSource, WindowSource, fingerprint
from sslts.types import SensorBatch, Signal

Told = TypeVar("Told")


class Part(WindowSource, LabelledSource, Protocol):
    """One data set's windows: a source that knows subjects as well."""

    def subjects(self) -> Sequence[str]:
        """The subject of each window."""
        ...


class Mixture:
    """Windows of several sources over the union of their sensors, one source after another; what a set does not have is absent.

    Subjects and ids are told with the set's name ("dsads:p1"), because two sets may use one name for two people.
    """

    def __init__(self, parts: Mapping[str, Part], spec: SensorSpec) -> None:
        if not parts or not all(len(part) for part in parts.values()):
            empty = [name for name, part in parts.items() if not len(part)]
            raise ConfigError(f"A mixture needs windows in each of its data sets; there are none in {', '.join(empty) or 'any'}.")
        self._parts = dict(parts)
        self._spec = spec
        self._ends = np.cumsum([len(part) for part in parts.values()])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def batch(self, indices: Sequence[int], *, generator: torch.Generator) -> SensorBatch:
        """These windows, in this order."""
        wanted = np.asarray(indices, dtype=np.int64)
        signals = {modality.name: self._empty(len(wanted), modality.name) for modality in self._spec.named}
        keys: dict[str, list[object]] = {}
        for name, mine, rows in self._split(wanted):
            part = self._parts[name].batch(rows, generator=generator)
            for sensor, signal in part.signals.items():
                if sensor not in signals:
                    raise ConfigError(f"Data set '{name}' has '{sensor}', which the recipe's spec does not name.")
                whole, places = signals[sensor], torch.from_numpy(mine)
                whole.values[places], whole.present[places], whole.observed[places] = signal.values, signal.present, signal.observed
            for key, values in {**part.keys, "set": [name] * len(rows)}.items():
                told = keys.setdefault(key, [None] * len(wanted))
                for place, value in zip(mine.tolist(), values, strict=True):
                    told[place] = f"{name}:{value}" if key == "subject" else value
        return SensorBatch(signals, keys)

    def labels(self, indices: Sequence[int]) -> Sequence[int]:
        """A class for each window, for the monitor."""
        return self._gathered(indices, lambda name, rows: self._parts[name].labels(rows), -1)

    def ids(self, indices: Sequence[int]) -> Sequence[str]:
        """set:session@start for each window."""
        return self._gathered(indices, lambda name, rows: [f"{name}:{told}" for told in self._parts[name].ids(rows)], "")

    def subjects(self) -> Sequence[str]:
        """set:subject of each window."""
        return [f"{name}:{subject}" for name, part in self._parts.items() for subject in part.subjects()]

    def digest(self) -> str:
        """That of all parts."""
        told = " ".join(f"{name} {fingerprint(part)}" for name, part in self._parts.items())
        return hashlib.sha256(told.encode()).hexdigest()

    def _empty(self, rows: int, sensor: str) -> Signal:
        modality = self._spec.modality(sensor)
        values = torch.zeros(rows, len(modality.channels), self._spec.samples(modality))
        absent = torch.zeros(rows, dtype=torch.bool)
        return Signal(values, modality.channels, clock_of(modality, self._spec), absent, torch.zeros_like(values, dtype=torch.bool))

    def _split(self, wanted: NDArray[np.int64]) -> list[tuple[str, NDArray[np.int64], list[int]]]:
        """(set, where in the batch, which of the set's windows) for each set that has some."""
        owner = np.searchsorted(self._ends, wanted, side="right")
        firsts = np.concatenate([[0], self._ends[:-1]])
        found = []
        for number, name in enumerate(self._parts):
            mine = np.flatnonzero(owner == number)
            if len(mine):
                found.append((name, mine, (wanted[mine] - firsts[number]).tolist()))
        return found

    def _gathered(self, indices: Sequence[int], ask: Callable[[str, list[int]], Sequence[Told]], nothing: Told) -> list[Told]:
        wanted = np.asarray(indices, dtype=np.int64)
        told = [nothing] * len(wanted)
        for name, mine, rows in self._split(wanted):
            for place, value in zip(mine.tolist(), ask(name, rows), strict=True):
                told[place] = value
        return told
