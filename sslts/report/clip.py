"""The section of a clip: frames and sensors, what a masked autoencoder was shown of them, and what it filled in."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sslts.errors import LengthError
from sslts.report.envelope import HEIGHT, WIDTH
from sslts.report.page import Section

#: Frames of a video that are drawn, spread evenly.
MAX_FRAMES = 8
#: Channels of a sensor that are drawn, the first ones.
MAX_CHANNELS = 6
#: Share of the pixels that keep their brightness: single far points do not darken the rest.
_SHARE = 0.98


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A video: seen and made [T, H, W], hidden bool [T, H, W]. Brighter is nearer or brighter, whatever the numbers are."""

    name: str
    seen: NDArray[np.float32]
    made: NDArray[np.float32]
    hidden: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Sensor:
    """A sensor: seen and made [C, T], hidden bool [C, T]."""

    name: str
    detail: str
    seen: NDArray[np.float32]
    made: NDArray[np.float32]
    hidden: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """A class and how near the clip is to its example; truth: whether it is what the clip shows."""

    label: str
    score: float
    truth: bool


@dataclass(frozen=True, slots=True, eq=False)
class ClipSection(Section):
    """Rows of frames (as filmed, as shown to the model, as filled in), the sensors below, and what the clip was recognised as."""

    kind: ClassVar[str] = "clip"
    films: Sequence[Film]
    sensors: Sequence[Sensor]
    guesses: Sequence[Guess]
    lead: str
    title: str = "A clip, hidden and filled in"

    def __post_init__(self) -> None:
        if not self.films and not self.sensors:
            raise LengthError("A clip needs a video or a sensor to be shown, got neither.")
        parts: tuple[Film | Sensor, ...] = (*self.films, *self.sensors)
        for part in parts:
            if not part.seen.shape == part.made.shape == part.hidden.shape:
                shapes = f"{part.seen.shape}, {part.made.shape} and {part.hidden.shape}"
                raise LengthError(f"'{part.name}': what was seen, made and hidden must have one shape, got {shapes}.")

    def context(self) -> Mapping[str, Any]:
        """Films by rows of frames, sensors as paths, guesses as bars."""
        best = max((guess.score for guess in self.guesses), default=1.0)
        least = min((guess.score for guess in self.guesses), default=0.0)
        return {
            "lead": self.lead,
            "films": [
                {"name": film.name, "rows": _ROWS, "frames": range(len(_chosen(film))), "hidden": f"{100 * film.hidden.mean():.0f}"}
                for film in self.films
            ],
            "sensors": [_drawn(sensor) for sensor in self.sensors],
            "guesses": [
                {
                    "label": guess.label,
                    "score": f"{guess.score:.2f}",
                    "bar": 100 * (guess.score - least) / (best - least) if best > least else 100.0,
                    "truth": guess.truth,
                }
                for guess in sorted(self.guesses, key=lambda guess: -guess.score)
            ],
            "width": WIDTH,
            "height": HEIGHT,
        }

    def data(self) -> Mapping[str, Any]:
        """Pixels of every drawn frame, 0..255, row after row, as base64; hidden pixels of what was shown are told apart by the script."""
        return {"films": [_pixels(film) for film in self.films]}


_ROWS = (("seen", "as filmed"), ("shown", "shown to the model"), ("made", "filled in"))


def _chosen(film: Film) -> NDArray[np.int64]:
    count = min(MAX_FRAMES, len(film.seen))
    return np.unique(np.round(np.linspace(0, len(film.seen) - 1, count)).astype(np.int64))


def _pixels(film: Film) -> dict[str, Any]:
    frames = _chosen(film)
    there = film.seen[film.seen != 0] if np.any(film.seen != 0) else film.seen.ravel()
    low, high = (float(value) for value in np.quantile(there, ((1 - _SHARE) / 2, (1 + _SHARE) / 2)))

    def packed(values: NDArray[np.float32]) -> str:
        scaled = np.clip((values[frames] - low) / max(high - low, 1e-6), 0, 1)
        return base64.b64encode(np.round(255 * scaled).astype(np.uint8).tobytes()).decode("ascii")

    return {
        "frames": len(frames),
        "height": film.seen.shape[1],
        "width": film.seen.shape[2],
        "seen": packed(film.seen),
        "made": packed(film.made),
        "hidden": base64.b64encode(np.packbits(film.hidden[frames]).tobytes()).decode("ascii"),
    }


def _drawn(sensor: Sensor) -> dict[str, Any]:
    count = min(MAX_CHANNELS, len(sensor.seen))
    both = np.concatenate([sensor.seen[:count].ravel(), sensor.made[:count].ravel()])
    low, high = float(both.min()), float(both.max())
    pad = 0.05 * (high - low) or 0.5
    hidden: NDArray[np.bool_] = np.all(sensor.hidden[:count], axis=0)
    return {
        "name": sensor.name,
        "detail": sensor.detail,
        "seen": [_line(row, low - pad, high + pad) for row in sensor.seen[:count]],
        "made": [_line(np.where(hidden, row, np.nan), low - pad, high + pad) for row in sensor.made[:count]],
        "hidden": [{"left": 100 * first / len(hidden), "width": 100 * (last - first) / len(hidden)} for first, last in _runs(hidden)],
        "share": f"{100 * hidden.mean():.0f}",
    }


def _line(values: NDArray[Any], bottom: float, top: float) -> str:
    """A curve as an SVG path, broken where there is no number."""
    x = (np.arange(len(values)) + 0.5) * WIDTH / len(values)
    y = HEIGHT * (1 - (values - bottom) / (top - bottom))
    told, pen = [], False
    for across, down in zip(x, y, strict=True):
        if np.isfinite(down):
            told.append(f"{'L' if pen else 'M'}{across:.4g} {down:.4g}")
        pen = bool(np.isfinite(down))
    return "".join(told)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]
