"""The section that names what a recording shows, finds what texts describe, and compares every text with every window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sslts.data.recording import Recording
from sslts.errors import LengthError
from sslts.report.page import Section
from sslts.report.tracks import clock, signals

#: Kinds of activities that the style sheet has a colour for; more of them share.
COLOURS = 6
#: Shades of the matrix.
_LEVELS = 12
#: A stretch narrower than this share of the page does not hold its name.
_ROOM = 0.075


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch [start_s, end_s) in which one label was recognised; score: how sure, 0 to 1."""

    label: str
    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """A moment [start_s, end_s) that a text found; score: its cosine; truth: what was done then, if that is known."""

    start_s: float
    end_s: float
    score: float
    truth: str | None


@dataclass(frozen=True, slots=True, eq=False)
class TextRow:
    """A text, its cosine with each window [n], and the moments that it found, best first; a text that was not searched for has none."""

    text: str
    cosine: NDArray[np.float32]
    found: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class WordsSection(Section):
    """Signals with the true and the recognised activities below, the hits of each text, and the matrix of texts and windows.

    recording:  what is drawn, with its true labels
    stretches:  what was recognised, in time order
    spans:      float64 [n, 2], the stretch of time that each window of the matrix owns, in time order, without overlaps
    rows:       the texts; those with hits can be chosen
    """

    kind: ClassVar[str] = "words"
    recording: Recording
    stretches: tuple[Stretch, ...]
    spans: NDArray[np.float64]
    rows: tuple[TextRow, ...]
    lead: str
    title: str = "Named and searched in words"

    def __post_init__(self) -> None:
        for row in self.rows:
            if row.cosine.shape != (len(self.spans),):
                raise LengthError(f"The text '{row.text}' needs one cosine a window [{len(self.spans)}], got {row.cosine.shape}.")
        if not any(row.found for row in self.rows):
            raise LengthError("The section needs at least one text that found a moment, got none.")

    def context(self) -> Mapping[str, Any]:
        """Tracks, strips of activities, hits and marks of each text, and the matrix as paths, one a shade."""
        low, high = self._range
        asked = [row for row in self.rows if row.found]
        return {
            **signals(self.recording),
            "lead": self.lead,
            "truth": [self._block(i.label, i.start_s, i.end_s) for i in self._truth],
            "recognised": [self._block(s.label, s.start_s, s.end_s, s.score) for s in self.stretches],
            "activities": [{"label": name, "colour": number % COLOURS} for number, name in enumerate(self._names)],
            "asked": [{"text": row.text, "found": [self._found(n, f) for n, f in enumerate(row.found, 1)]} for row in asked],
            "matrix": [
                {"text": row.text, "asked": asked.index(row) if row.found else None, "shades": self._shades(row.cosine)}
                for row in self.rows
            ],
            "levels": _LEVELS,
            "low": f"{low:.2f}",
            "high": f"{high:.2f}",
        }

    def data(self) -> Mapping[str, Any]:
        """What the pointer reads out: spans and cosines."""
        start_s = self.recording.start_s
        return {
            "durationS": self.recording.duration_s,
            "spans": (self.spans - start_s).round(2).tolist(),
            "cosines": [row.cosine.astype(float).round(2).tolist() for row in self.rows],
        }

    @property
    def _truth(self) -> tuple[Any, ...]:
        return self.recording.labels.intervals if self.recording.labels else ()

    @property
    def _names(self) -> list[str]:
        return list(dict.fromkeys([*(i.label for i in self._truth), *(s.label for s in self.stretches)]))

    @property
    def _range(self) -> tuple[float, float]:
        cosines = np.concatenate([row.cosine for row in self.rows])
        return float(cosines.min()), float(cosines.max())

    def _share(self, start_s: float, end_s: float) -> tuple[float, float]:
        duration_s = self.recording.duration_s
        return (start_s - self.recording.start_s) / duration_s, (end_s - start_s) / duration_s

    def _block(self, label: str, start_s: float, end_s: float, score: float | None = None) -> dict[str, Any]:
        left, width = self._share(start_s, end_s)
        begin = self.recording.start_s
        when = f"{label}, {clock(start_s - begin)} to {clock(end_s - begin)}"
        return {
            "label": label,
            "left": 100 * left,
            "width": 100 * width,
            "colour": self._names.index(label) % COLOURS,
            "named": width >= _ROOM,
            "told": when if score is None else f"{when}, score {score:.2f}",
        }

    def _found(self, rank: int, found: Found) -> dict[str, Any]:
        left, width = self._share(found.start_s, found.end_s)
        begin = self.recording.start_s
        return {
            "rank": rank,
            "left": 100 * left,
            "width": 100 * width,
            "when": f"{clock(found.start_s - begin)} – {clock(found.end_s - begin)}",
            "score": f"{found.score:.2f}",
            "bar": 100 * max(0.0, found.score),
            "truth": found.truth or "not known",
            "colour": self._names.index(found.truth) % COLOURS if found.truth in self._names else None,
        }

    def _shades(self, cosine: NDArray[np.float32]) -> list[dict[str, Any]]:
        """A row of the matrix: for each shade the windows that have it, as one path of rectangles, 1000 wide and 1 high."""
        low, high = self._range
        level = np.rint((cosine - low) / max(high - low, 1e-6) * _LEVELS).astype(int)
        boxes = [tuple(1000 * part for part in self._share(start_s, end_s)) for start_s, end_s in self.spans]
        return [
            {
                "opacity": f"{shade / _LEVELS:.2f}",
                "path": "".join(
                    f"M{left:.1f} 0h{width:.2f}v1h-{width:.2f}z" for (left, width), own in zip(boxes, level, strict=True) if own == shade
                ),
            }
            for shade in range(1, _LEVELS + 1)
            if (level == shade).any()
        ]
