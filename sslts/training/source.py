"""Where training windows come from: the interface that a store of windows fills in, and reading it ahead."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from sslts.errors import TrainingError
from sslts.training.order import SampleOrder
from sslts.training.seeding import generator_for
from sslts.types import SensorBatch

_SHOWN = 8
_SAMPLED = 256


class WindowSource(Protocol):
    """Windows by index. Reading must be safe from several threads and draw random numbers from `generator` only."""

    def __len__(self) -> int:
        """How many windows there are."""
        ...

    def batch(self, indices: Sequence[int], *, generator: torch.Generator) -> SensorBatch:
        """These windows, in this order. `generator` serves random augmentation, if there is any."""
        ...

    def ids(self, indices: Sequence[int]) -> Sequence[str]:
        """A name for each window that lets a person find it: subject, session, start."""
        ...


@runtime_checkable
class LabelledSource(Protocol):
    """A source that also knows labels. Training never sees them: they serve the online kNN monitor."""

    def labels(self, indices: Sequence[int]) -> Sequence[int]:
        """A class for each window; negative: unlabelled."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """What one optimiser step reads: this rank's windows."""

    number: int
    indices: tuple[int, ...]
    batch: SensorBatch


def fetch(source: WindowSource, indices: Sequence[int], generator: torch.Generator) -> SensorBatch:
    """One batch; a source that raises is a TrainingError that names the window."""
    try:
        batch = source.batch(indices, generator=generator)
    except Exception as error:  # a reader may fail in any way; what matters is which window it was
        culprit = _culprit(source, indices)
        raise TrainingError(
            f"Window {culprit} cannot be read ({type(error).__name__}: {error}). Repair it or leave it out (data.exclude)."
        ) from error
    if len(batch) != len(indices):
        raise TrainingError(f"The source was asked for {len(indices)} windows and returned {len(batch)}.")
    return batch


def read(source: WindowSource, indices: Sequence[int], generator: torch.Generator) -> SensorBatch:
    """One batch to train on; one without any observed sample is a TrainingError."""
    batch = fetch(source, indices, generator)
    if not any(bool(signal.usable.any()) for signal in batch.signals.values()):
        raise TrainingError(
            f"No window of this batch has any observed sample of any modality: {name_windows(source, indices)}. "
            "Check that the recordings hold the modalities of the recipe's spec, and leave empty ones out (data.exclude)."
        )
    return batch


def steps(source: WindowSource, order: SampleOrder, *, first: int, rank: int, world: int, workers: int) -> Generator[Step, None, None]:
    """The steps from `first` to the end of the run, read by `workers` threads ahead of time (0: read when asked).

    What a step holds does not depend on `workers`.
    """
    epoch, current = -1, list[int]()

    def indices(number: int) -> tuple[int, ...]:
        nonlocal epoch, current
        if order.epoch_of(number) != epoch:
            epoch, current = order.epoch_of(number), order.epoch(order.epoch_of(number))
        begin, end = order.bounds(number)
        return tuple(current[begin:end][rank::world])

    def load(number: int, mine: tuple[int, ...]) -> Step:
        return Step(number, mine, read(source, mine, generator_for(order.seed, "source", number, rank)))

    numbers = iter(range(first, order.total_steps))
    if workers == 0:
        for number in numbers:
            yield load(number, indices(number))
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="sslts-windows")
    waiting: deque[Future[Step]] = deque()
    try:
        for number in numbers:
            waiting.append(pool.submit(load, number, indices(number)))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@runtime_checkable
class DigestedSource(Protocol):
    """A source that knows a digest of what its windows hold, so that changed data are noticed although their names are the same."""

    def digest(self) -> str:
        """sha256 of everything that decides the windows' values."""
        ...


def fingerprint(source: WindowSource) -> str:
    """A digest of the source's size, of up to 256 of its ids, evenly spread, and of its own digest: resuming on others is refused."""
    count = len(source)
    sampled = sorted({count * k // _SAMPLED for k in range(_SAMPLED)}) if count else []
    digest = hashlib.sha256(str(count).encode())
    for name in source.ids(sampled):
        digest.update(b"\0" + str(name).encode())
    if isinstance(source, DigestedSource):
        digest.update(source.digest().encode())
    return digest.hexdigest()


def name_windows(source: WindowSource, indices: Sequence[int]) -> str:
    """The first few ids, for an error message."""
    rest = f" and {len(indices) - _SHOWN} more" if len(indices) > _SHOWN else ""
    return ", ".join(_name(source, index) for index in indices[:_SHOWN]) + rest


def _name(source: WindowSource, index: int) -> str:
    try:
        return f"'{source.ids([index])[0]}'"
    except Exception:  # the id is decoration: the error being reported must not be hidden by another
        return f"number {index}"


def _culprit(source: WindowSource, indices: Sequence[int]) -> str:
    for index in indices:
        try:
            source.batch([index], generator=torch.Generator())
        except Exception:  # the error is being reported already; here it only tells which window it was
            return _name(source, index)
    return f"one of {name_windows(source, indices)}"
