"""Zero-shot: how well each of several texts describes each window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from sslts.errors import LengthError
from sslts.few_shot import Normalise
from sslts.retrieval.encodes import Encodes, Given
from sslts.retrieval.tables import aligned, write_csv
from sslts.retrieval.words import Labels, label_vectors, text_method

_TOLERANCE_S = 1e-6


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch in which one label wins. `score` is the mean of its score over the stretch's windows."""

    label: str
    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """scores: float32 [n, L], each row a distribution over `labels`; time_s: float64 [n], starts of the windows.

    A window in which no sensor is present has a row of NaN: nothing was seen.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float32]
    time_s: NDArray[np.float64]
    window_s: float
    model: str

    def __post_init__(self) -> None:
        count = len(self.time_s)
        if self.time_s.shape != (count,) or self.scores.shape != (count, len(self.labels)):
            raise LengthError(
                f"A classification needs scores [n, {len(self.labels)}] and time_s [n], got {self.scores.shape} and {self.time_s.shape}."
            )

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """bool [n]: windows in which at least one sensor was present."""
        return np.asarray(~np.isnan(self.scores).any(axis=1))

    @property
    def predicted(self) -> list[str | None]:
        """The likeliest label of each window; None where nothing was present."""
        return [self.labels[int(row.argmax())] if there else None for row, there in zip(self.scores, self.usable, strict=True)]

    @property
    def confidence(self) -> NDArray[np.float32]:
        """float32 [n]: the score of the likeliest label; NaN where nothing was present."""
        return self.scores.max(axis=1)

    def segments(self) -> tuple[Segment, ...]:
        """Windows in a row with the same label, as one stretch each.

        Where the label changes between windows that touch or overlap, the border lies midway between their middles. Windows with a gap
        between them are never joined, and what nothing was seen of is in no segment.
        """
        names, starts, found = self.predicted, self.time_s, []
        changes = [row for row in range(1, len(self)) if names[row] != names[row - 1] or self._apart(row)]
        for first, last in zip([0, *changes], [*changes, len(self)], strict=True) if len(self) else ():
            name = names[first]
            if name is not None:
                end_s = starts[last - 1] + self.window_s if last == len(self) or self._apart(last) else self._border(last)
                start_s = starts[first] if first == 0 or self._apart(first) else self._border(first)
                found.append(Segment(name, float(start_s), float(end_s), float(self.confidence[first:last].mean())))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON; None where nothing was present."""
        return {
            "model": self.model,
            "labels": list(self.labels),
            "window_s": self.window_s,
            "time_s": self.time_s.tolist(),
            "predicted": self.predicted,
            "scores": [row.tolist() if there else None for row, there in zip(self.scores, self.usable, strict=True)],
        }

    def table(self) -> tuple[tuple[str, ...], list[list[Any]]]:
        """Column names and a row a window: time_s, predicted, confidence, one score_* a label; None where nothing was present."""
        blank = [None] * (len(self.labels) + 1)
        rows = [
            [time_s, name, *(blank if name is None else (row.max(), *row))]
            for time_s, name, row in zip(self.time_s, self.predicted, self.scores, strict=True)
        ]
        return ("time_s", "predicted", "confidence", *(f"score_{label}" for label in self.labels)), rows

    def to_csv(self, path: str | Path) -> Path:
        """Write `table`; cells are empty where nothing was present."""
        return write_csv(Path(path), *self.table())

    def __repr__(self) -> str:
        segments = self.segments()
        lost = int((~self.usable).sum())
        rows = [(f"{s.start_s:.1f}", f"{s.end_s:.1f}", s.label, f"{s.score:.2f}") for s in segments]
        note = f"\n{lost} of {len(self)} windows hold no data" if lost else ""
        return aligned(("start_s", "end_s", "label", "score"), rows) + note

    def _apart(self, row: int) -> bool:
        return bool(self.time_s[row] - self.time_s[row - 1] > self.window_s + _TOLERANCE_S)

    def _border(self, row: int) -> float:
        return float(self.time_s[row - 1] + self.time_s[row] + self.window_s) / 2


def classify(
    model: Encodes,
    recording: Given,
    labels: Labels,
    *,
    prompts: Sequence[str] | None,
    rate_hz: float | Mapping[str, float] | None,
    units: Mapping[str, str] | None,
    normalise: Normalise | None,
    stride_s: float | None,
    batch_size: int,
    progress: bool,
    stacklevel: int = 1,
) -> Classification:
    """See `Model.classify`: softmax over labels of cosine similarity / temperature."""
    method = text_method(model.method, model.name, "classify")
    names, vectors = label_vectors(method, labels, prompts, stacklevel=stacklevel + 1)
    temperature = float(method.temperature)
    scores, times = [], []
    for piece in model.iter_encode(
        recording, rate_hz=rate_hz, units=units, normalise=normalise, stride_s=stride_s, batch_size=batch_size, progress=progress
    ):
        with torch.inference_mode():
            meaning = method.in_text_space(torch.from_numpy(piece.values).to(model.device)).float().cpu()
            row = torch.softmax(functional.normalize(meaning, dim=1) @ vectors.T / temperature, dim=1).numpy()
        scores.append(np.where(piece.usable[:, None], row, np.float32(np.nan)))
        times.append(piece.time_s)
    return Classification(names, np.concatenate(scores), np.concatenate(times), model.config.spec.window_s, model.name)
