"""Windows as the batch that methods read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from sslts.config import Modality, SensorSpec
from sslts.data.windows import Cut
from sslts.errors import LengthError, MissingModalityError, UnsupportedError
from sslts.types import ClipClock, RateClock, SensorBatch, Signal


def to_batch(
    cuts: Mapping[str, Cut],
    spec: SensorSpec,
    keys: Mapping[str, Sequence[object]] | None = None,
    *,
    modalities: Sequence[Modality] | None = None,
) -> SensorBatch:
    """A SensorBatch in the spec's order; a modality that is not among the windows is there with `present=False`.

    Args:
        cuts: what `cut` or a store returns, standardised or not.
        keys: ids of each row (subject, session, start).
        modalities: what the windows are; needed only for a spec that accepts any.

    Raises:
        MissingModalityError: no windows at all, or of a modality that the spec does not know.
        LengthError: a modality's shape is not [n, C, T] of the spec.
    """
    expected = tuple(modalities) if modalities is not None else spec.named
    if not expected:
        raise UnsupportedError("This spec accepts any modality: say which these are, to_batch(..., modalities=[...]).")
    unknown = sorted(set(cuts) - {modality.name for modality in expected})
    if unknown or not cuts:
        raise MissingModalityError(
            f"Got windows of {', '.join(sorted(cuts)) or 'nothing'}; the spec's modalities are {', '.join(m.name for m in expected)}."
        )
    count = len(next(iter(cuts.values())).present)
    return SensorBatch({m.name: _signal(cuts.get(m.name), m, count, spec) for m in expected}, dict(keys or {}))


def clock_of(modality: Modality, spec: SensorSpec) -> RateClock | ClipClock:
    """The clock of a modality's windows."""
    return ClipClock() if spec.clock == "clip" else RateClock(modality.rate_hz)


def _signal(part: Cut | None, modality: Modality, count: int, spec: SensorSpec) -> Signal:
    shape = (count, len(modality.channels), spec.samples(modality), *(modality.frame or ()))
    if part is None:
        seen = np.zeros(shape if modality.frame is None else (count, 1, shape[2]), dtype=bool)
        part = Cut(np.zeros(shape, dtype=np.float32), seen, np.zeros(count, dtype=bool))
    if part.values.shape != shape:
        raise LengthError(f"Windows of '{modality.name}' are {part.values.shape}, expected {shape}: [windows, channels, samples].")
    return Signal(
        values=torch.from_numpy(np.ascontiguousarray(part.values, dtype=np.float32)),
        channels=modality.channels,
        clock=clock_of(modality, spec),
        present=torch.from_numpy(np.ascontiguousarray(part.present)),
        observed=torch.from_numpy(np.ascontiguousarray(part.observed)),
    )
