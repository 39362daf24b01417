"""The section that shows a recording, its embedding over time, the nearest moments to a chosen one, and the same without one modality."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sslts.data.recording import Recording
from sslts.embeddings import Embeddings, cosine_similarity
from sslts.errors import LengthError
from sslts.report.colours import time_colours
from sslts.report.page import Section
from sslts.report.projection import fit_projection, unit_square
from sslts.report.tracks import clock, signals

#: More windows than this are thinned: the page holds a similarity for each pair.
MAX_WINDOWS = 300
ALL = "all"


@dataclass(frozen=True, slots=True)
class MomentsSection(Section):
    """Signals, strip of windows, projection and nearest moments.

    full:    embeddings of the whole recording
    without: {modality: embeddings of the same windows without it}; may be empty
    chosen_s: the moment that is chosen when the page opens; the middle if None
    """

    kind: ClassVar[str] = "moments"
    recording: Recording
    full: Embeddings
    without: Mapping[str, Embeddings]
    chosen_s: float | None = None
    title: str = "Moments that resemble each other"

    def __post_init__(self) -> None:
        if not self.full.usable.any():
            raise LengthError("A report needs at least one window with a modality in it, got none.")
        for name, part in self.without.items():
            if not np.array_equal(part.time_s, self.full.time_s):
                raise LengthError(f"The embeddings without '{name}' must be of the same windows as the full ones.")

    def context(self) -> Mapping[str, Any]:
        """Tracks with their paths, the variants of the selector, the time axis and what the text quotes."""
        projection = fit_projection(self.full.values[self.full.usable])
        return {
            **signals(self.recording),
            "events": [{"left": self._percent(event), "time": clock(event - self._start_s)} for event in self.recording.events_s],
            "variants": [{"key": key, "label": "all signals" if key == ALL else f"no {key}"} for key in self._variants],
            "window_s": f"{self.full.window_s:g}",
            "share": f"{100 * projection.share:.0f}",
            "ramp": ", ".join(time_colours(7)),
            "start": clock(0),
            "end": clock(self._duration_s),
            "thinned": len(self._rows) < len(self.full),
            "count": len(self._rows),
        }

    def data(self) -> Mapping[str, Any]:
        """Windows, colours, and for each variant its points, similarities and agreement with the full embedding."""
        rows, full = self._rows, self.full
        projection = fit_projection(full.values[full.usable])
        variants = self._variants
        points = unit_square([projection(variant.values[rows]) for variant in variants.values()])
        reference = full.values[rows]
        return {
            "times": (full.time_s[rows] - self._start_s).round(3).tolist(),
            "windowS": full.window_s,
            "durationS": self._duration_s,
            "colours": time_colours(len(rows)),
            "chosen": self._chosen(rows),
            "variants": [
                {
                    "key": key,
                    "points": placed.round(4).tolist(),
                    "usable": variant.usable[rows].astype(int).tolist(),
                    "toFull": _row_cosine(variant.values[rows], reference).round(4).tolist(),
                    "similarity": _pack(cosine_similarity(variant.values[rows], variant.values[rows])),
                }
                for (key, variant), placed in zip(variants.items(), points, strict=True)
            ],
        }

    @property
    def _variants(self) -> dict[str, Embeddings]:
        return {ALL: self.full, **{name: part for name, part in self.without.items() if part.usable.any()}}

    @property
    def _start_s(self) -> float:
        return self.recording.start_s

    @property
    def _duration_s(self) -> float:
        return self.recording.duration_s

    @property
    def _rows(self) -> NDArray[np.int64]:
        step = -(-len(self.full) // MAX_WINDOWS)
        return np.arange(0, len(self.full), step)

    def _chosen(self, rows: NDArray[np.int64]) -> int:
        usable = np.flatnonzero(self.full.usable[rows])
        if not len(usable):
            return 0
        moment = self._start_s + self._duration_s / 2 if self.chosen_s is None else self.chosen_s
        centres = self.full.time_s[rows][usable] + self.full.window_s / 2
        return int(usable[np.abs(centres - moment).argmin()])

    def _percent(self, time_s: float) -> float:
        return 100 * (time_s - self._start_s) / self._duration_s


def _row_cosine(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    left, right = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (first, second))
    return np.asarray((left * right).sum(axis=1), dtype=np.float64)


def _pack(similarity: NDArray[Any]) -> str:
    """A matrix in -1..1 as base64 of little-endian int16, in steps of 1/32767."""
    return base64.b64encode(np.round(np.clip(similarity, -1, 1) * 32767).astype("<i2").tobytes()).decode("ascii")
