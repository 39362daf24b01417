"""A few frames of an MP4 file, through PyAV (optional). Frames are decoded one at a time: a long video is never wholly in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sslts.data.frames import area_means
from sslts.errors import ReaderError, missing_dependency
from sslts.strict_json import printable


def frames_of(file: BinaryIO, *, count: int, size: tuple[int, int], where: str) -> NDArray[np.float32]:
    """At most `count` frames, spread evenly over the video: [T, 3, rows, columns], red, green and blue from 0 to 1.

    Frame k is the one in the middle of the k-th of `count` equal parts of all frames, whatever their time stamps. Each is averaged down to
    `size` by itself, so that frames may differ in size.

    Raises:
        ReaderError: no video, damaged, truncated, of a codec that cannot be decoded, or of a single frame.
        MissingDependencyError: PyAV is not installed.
    """
    _refuse_truncated(file, where)
    with _opened(file, where) as (opened, stream):
        total = sum(1 for packet in opened.demux(stream) if packet.size and not packet.is_discard)
    kept, shown = _picked(file, where, total=total, count=count, size=size)
    if shown != total:  # a packet need not be a frame
        kept, shown = _picked(file, where, total=shown, count=count, size=size)
    if shown < 2:
        raise ReaderError(f"{where} shows {'one frame' if shown else 'no frame'}, expected at least two. Leave this video out.")
    return np.stack(kept)


def _refuse_truncated(file: BinaryIO, where: str) -> None:
    """Compare what is stored with what the index says, without decoding. An edit list may hide frames that are there."""
    with _opened(file, where, ignore_editlist="1") as (opened, stream):
        stored = 0
        for packet in opened.demux(stream):
            if packet.is_corrupt:
                break
            stored += packet.size > 0
        if stored < stream.frames:
            raise ReaderError(f"{where} is cut off after {stored} of {stream.frames} frames. Download it again.")


def _picked(file: BinaryIO, where: str, *, total: int, count: int, size: tuple[int, int]) -> tuple[list[NDArray[np.float32]], int]:
    """The frames wanted out of `total`, and how many were shown."""
    wanted = min(count, total)
    chosen = {(2 * part + 1) * total // (2 * wanted) for part in range(wanted)}
    kept, shown = [], 0
    with _opened(file, where) as (opened, stream):
        for frame in opened.decode(stream):
            if shown in chosen:
                # Not by swscale: scaling while it converts colours, it mixes up neighbours.
                pixels = np.moveaxis(frame.to_ndarray(format="rgb24"), 2, 0)
                kept.append((area_means(pixels, size) / 255).astype(np.float32, order="C"))
            shown += 1
    return kept, shown


@contextmanager
def _opened(file: BinaryIO, where: str, **options: str) -> Iterator[tuple[Any, Any]]:
    """The file and its first video; whatever PyAV finds wrong with it becomes a ReaderError that names the file.

    The format is never guessed: a playlist that calls itself a video would make the decoder open other files.
    """
    try:
        import av
    except ImportError:
        raise missing_dependency("av", "video", "Reading a video file") from None
    file.seek(0)
    try:
        with av.open(file, format="mp4", options=options, metadata_errors="replace") as opened:
            if not opened.streams.video:
                raise ReaderError(f"{where} holds no video, or is cut off before its index. Download it again.")
            stream = opened.streams.video[0]
            if stream.codec_context is None:
                raise ReaderError(f"{where} is of a codec that cannot be decoded here. Convert it: ffmpeg -i IN.mp4 -c:v libx264 OUT.mp4")
            yield opened, stream
    except (av.error.FFmpegError, OSError) as error:  # a damaged index leads to places outside the file
        raise ReaderError(f"{where} is no readable MP4 video ({printable(str(error))[:200]}). Download it again.") from error
