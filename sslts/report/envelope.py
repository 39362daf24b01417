"""Long signals as small drawings: the lowest and highest sample of each slice of time, as an SVG path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sslts.data.recording import Stream

#: The drawing's own coordinates; the page stretches them to its width.
WIDTH, HEIGHT = 1000, 100


@dataclass(frozen=True, slots=True)
class Envelope:
    """low, high: float [bins, C], NaN where a slice holds no observed sample."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


def envelope(stream: Stream, *, start_s: float, end_s: float, bins: int = WIDTH) -> Envelope:
    """Lowest and highest observed value of each of `bins` equal slices of [start_s, end_s). -> [bins, C] twice."""
    time_s = stream.start_s + np.arange(len(stream)) / stream.rate_hz
    slot = np.floor((time_s - start_s) / (end_s - start_s) * bins + 1e-9).astype(np.int64)
    inside = (slot >= 0) & (slot < bins)
    slot, values, observed = slot[inside], stream.values[inside].astype(np.float64), stream.is_observed()[inside]
    low = np.full((bins, values.shape[1]), np.inf)
    high = np.full((bins, values.shape[1]), -np.inf)
    np.minimum.at(low, slot, np.where(observed, values, np.inf))
    np.maximum.at(high, slot, np.where(observed, values, -np.inf))
    empty = low > high
    return Envelope(np.where(empty, np.nan, low), np.where(empty, np.nan, high))


def vertical_range(stream: Stream, *, share: float = 0.998) -> tuple[float, float]:
    """The range that holds this share of the observed samples, so that one spike does not flatten the rest; never empty."""
    values = stream.values[stream.is_observed()]
    if not len(values):
        return 0.0, 1.0
    tail = (1 - share) / 2
    low, high = (float(value) for value in np.quantile(values, (tail, 1 - tail)))
    pad = 0.04 * (high - low) or 0.5 * max(abs(high), 1.0)
    return low - pad, high + pad


def svg_path(low: NDArray[np.float64], high: NDArray[np.float64], *, bottom: float, top: float) -> str:
    """One channel's envelope as an SVG path: a closed band for each stretch without a gap. [bins], [bins] -> "M... Z"."""
    bins = len(low)
    y_low, y_high = (HEIGHT * (1 - (np.clip(edge, bottom, top) - bottom) / (top - bottom)) for edge in (low, high))
    x = (np.arange(bins) + 0.5) * WIDTH / bins
    there = np.flatnonzero(np.isfinite(low))
    runs = np.split(there, np.flatnonzero(np.diff(there) > 1) + 1) if len(there) else []
    return "".join(_band(x[run], y_high[run], y_low[run]) for run in runs)


def _band(x: NDArray[np.float64], upper: NDArray[np.float64], lower: NDArray[np.float64]) -> str:
    outline = zip(np.concatenate([x, x[::-1]]), np.concatenate([upper, lower[::-1]]), strict=True)
    return "M" + "L".join(f"{a:.4g} {b:.3g}" for a, b in outline) + "Z"
