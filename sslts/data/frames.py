"""Frames of a video: picking them at another rate, and resizing them."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any

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
    return replace(stream, values=area_means(stream.values, frame).astype(np.float32, order="C"))


def area_means(pixels: NDArray[Any], frame: tuple[int, int]) -> NDArray[np.float64]:
    """[..., H, W] -> [..., rows, columns]: each new pixel is the mean of the area that it covers."""
    return _means(_means(pixels, frame[0], axis=pixels.ndim - 2), frame[1], axis=pixels.ndim - 1)


def _means(values: NDArray[Any], size: int, *, axis: int) -> NDArray[np.float64]:
    first = np.moveaxis(values, axis, 0)
    means = _shares(len(first), size) @ first.reshape(len(first), math.prod(first.shape[1:]))
    return np.moveaxis(means.reshape(size, *first.shape[1:]), 0, axis)


@functools.lru_cache(maxsize=32)
def _shares(length: int, size: int) -> Any:
    """[size, length], sparse: what each pixel of an axis adds to each new one. A pixel in two shares counts in each by its part in it."""
    from scipy.sparse import csr_array

    cuts = np.clip(np.union1d(np.arange(length + 1), np.arange(size + 1) * (length / size)), 0, length)
    middle = (cuts[1:] + cuts[:-1]) / 2
    old, new = np.floor(middle).astype(np.int64), np.minimum(np.floor(middle * size / length).astype(np.int64), size - 1)
    return csr_array((np.diff(cuts) * size / length, (new, old)), shape=(size, length))
