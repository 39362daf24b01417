"""The section that shows a recording, its embedding over time, the nearest moments to a chosen one, and the same without one modality."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sslts.data.recording import Recording, Stream
from sslts.embeddings import Embeddings, cosine_similarity
from sslts.errors import LengthError
from sslts.report.colours import time_colours
from sslts.report.envelope import HEIGHT, WIDTH, envelope, svg_path, vertical_range
from sslts.report.page import Section
from sslts.report.projection import fit_projection, unit_square

#: More windows than this are thinned: the page holds a similarity for each pair.
MAX_WINDOWS = 300
ALL = "all"
_TITLES = {
    "acc": "Acceleration",
    "gyro": "Angular rate",
    "bvp": "Pulse wave",
    "eda": "Skin conductance",
    "temp": "Skin temperature",
    "ecg": "Heart (ECG)",
    "emg": "Muscle (EMG)",
    "resp": "Breathing",
}


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
            "tracks": [self._track(stream) for stream in self.recording.streams.values()],
            "events": [{"left": self._percent(event), "time": clock(event - self._start_s)} for event in self.recording.events_s],
            "ticks": [{"left": 100 * tick / self._duration_s, "text": clock(tick)} for tick in time_ticks(self._duration_s)],
            "variants": [{"key": key, "label": "all signals" if key == ALL else f"no {key}"} for key in self._variants],
            "window_s": f"{self.full.window_s:g}",
            "share": f"{100 * projection.share:.0f}",
            "ramp": ", ".join(time_colours(7)),
            "start": clock(0),
            "end": clock(self._duration_s),
            "thinned": len(self._rows) < len(self.full),
            "count": len(self._rows),
            "width": WIDTH,
            "height": HEIGHT,
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

    def _track(self, stream: Stream) -> dict[str, Any]:
        drawn = envelope(stream, start_s=self._start_s, end_s=self.recording.end_s)
        bottom, top = vertical_range(stream)
        units = ", ".join(dict.fromkeys(channel.unit for channel in stream.channels))
        return {
            "name": stream.name,
            "title": _TITLES.get(stream.name, stream.name),
            "detail": f"{units}, {stream.rate_hz:g} Hz",
            "channels": stream.channel_names if len(stream.channels) > 1 else (),
            "paths": [svg_path(drawn.low[:, c], drawn.high[:, c], bottom=bottom, top=top) for c in range(len(stream.channels))],
            "top": f"{top:.3g}",
            "bottom": f"{bottom:.3g}",
        }


def clock(seconds: float) -> str:
    """`3:07`, or `1:03:07` from an hour on."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def time_ticks(duration_s: float, *, most: int = 8) -> list[float]:
    """Round moments from 0 on, at most `most`, in seconds."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
    step = next((step for step in steps if duration_s / step < most), 86_400 * -(-int(duration_s) // (86_400 * most)))
    return [float(tick) for tick in np.arange(0, duration_s, step)]


def _row_cosine(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    left, right = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (first, second))
    return np.asarray((left * right).sum(axis=1), dtype=np.float64)


def _pack(similarity: NDArray[Any]) -> str:
    """A matrix in -1..1 as base64 of little-endian int16, in steps of 1/32767."""
    return base64.b64encode(np.round(np.clip(similarity, -1, 1) * 32767).astype("<i2").tobytes()).decode("ascii")
