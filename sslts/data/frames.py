"""Frames of a video: picking them at another rate, and resizing them."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from sslts.data.recording import Recording, Stream
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


@overload
def resize(video: Stream, frame: tuple[int, int]) -> Stream: ...


@overload
def resize(video: Recording, frame: tuple[int, int]) -> Recording: ...


def resize(video: Stream | Recording, frame: tuple[int, int]) -> Stream | Recording:
    """The same video, or all videos of a recording, with frames of (rows, columns): each pixel is the mean of the area that it covers.

    So the mean of a frame stays. Of depth, where 0 is no reading, an edge becomes a distance between.

    Raises:
        FrameSizeError: this stream is no video, the recording holds none, or the wanted size is not positive.
    """
    if isinstance(video, Recording):
        if all(stream.frame is None for stream in video.streams.values()):
            raise FrameSizeError(f"resize needs a video, this recording holds {', '.join(video.names) or 'no stream'}.")
        resized = {name: stream if stream.frame is None else resize(stream, frame) for name, stream in video.streams.items()}
        return replace(video, streams=resized)
    if video.frame is None or min(frame) < 1:
        got = "a sensor" if video.frame is None else f"a video of {video.frame[0]} x {video.frame[1]} pixels"
        raise FrameSizeError(f"resize needs a video and a size of at least 1 x 1, got '{video.name}', {got}, and {frame}.")
    if video.frame == frame:
        return video
    return replace(video, values=area_means(video.values, frame).astype(np.float32, order="C"))


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
