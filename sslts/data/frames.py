"""Frames of a video: picking them at another rate, and resizing them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sslts.data.recording import Stream
from sslts.errors import FrameSizeError

#: [frames] A middle that falls between two frames takes the later one, however its number was rounded.
_HAIR = 1e-6


def picked(stream: Stream, rate_hz: float) -> Stream:
    """The same video at another rate: each new frame is the one shown at the middle of its time. Nothing is blended or made up."""
    count = round(len(stream) * rate_hz / stream.rate_hz)
    middle = (np.arange(count) + 0.5) * stream.rate_hz / rate_hz
    rows = np.minimum(np.floor(middle + _HAIR).astype(np.int64), len(stream) - 1)
    observed = None if stream.observed is None else stream.observed[rows]
    return replace(stream, rate_hz=float(rate_hz), values=stream.values[rows], observed=observed)


def resize(stream: Stream, frame: tuple[int, int]) -> Stream:
    """The same video with frames of (rows, columns): each pixel is the mean of the area that it covers, so that the mean of a frame stays.

    Raises:
        FrameSizeError: this stream is no video, or the wanted size is not positive.
    """
    if stream.frame is None or min(frame) < 1:
        got = "a sensor" if stream.frame is None else f"a video of {stream.frame[0]} x {stream.frame[1]} pixels"
        raise FrameSizeError(f"resize needs a video and a size of at least 1 x 1, got '{stream.name}', {got}, and {frame}.")
    if stream.frame == frame:
        return stream
    values = _averaged(_averaged(stream.values, frame[0], axis=2), frame[1], axis=3)
    return replace(stream, values=np.ascontiguousarray(values, dtype=np.float32))


def _averaged(values: NDArray[np.float32], size: int, *, axis: int) -> NDArray[np.float64]:
    """Means over equal shares of an axis; a pixel that lies in two shares counts in each by how much of it does."""
    length = values.shape[axis]
    edges = np.arange(size + 1) * (length / size)
    summed = np.concatenate([np.zeros_like(values.take([0], axis), dtype=np.float64), np.cumsum(values, axis=axis, dtype=np.float64)], axis)
    whole = np.minimum(np.floor(edges).astype(np.int64), length - 1)
    rest = np.expand_dims(edges - whole, tuple(range(1, values.ndim - axis)))
    below = summed.take(whole, axis) + rest * values.take(whole, axis)
    return np.diff(below, axis=axis) * (size / length)
