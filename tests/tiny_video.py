"""Small invented videos, written with PyAV (skips where it is not installed)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

CODECS = ("mpeg4", "libx264")


def codec(name: str = "mpeg4") -> str:
    """An encoder of this PyAV; skips the test where it was built without."""
    av = pytest.importorskip("av")
    if name not in av.codecs_available:
        pytest.skip(f"this PyAV has no encoder {name}")
    return name


def grey(frames: int, size: tuple[int, int] = (48, 64)) -> NDArray[np.uint8]:
    """[T, H, W, 3]: frames of one shade each, evenly from black to white."""
    shades = np.round(np.linspace(0, 255, frames)).astype(np.uint8)
    return np.broadcast_to(shades[:, None, None, None], (frames, *size, 3)).copy()


def film(path: Path, frames: Sequence[NDArray[np.uint8]], *, name: str = "mpeg4", front: bool = False, first: int = 0) -> Path:
    """Write frames [H, W, 3], which may differ in size, as one video. front: the index at the file's start; first: number of frame 0."""
    av, chosen = pytest.importorskip("av"), codec(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"movflags": "faststart"} if front else {}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream(chosen, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        place = 0
        for size in dict.fromkeys(frame.shape for frame in frames):
            encoder = stream
            if size != frames[0].shape:  # an encoder has one size; what it makes is put into the same stream
                encoder = av.CodecContext.create(chosen, "w")
                encoder.height, encoder.width = size[:2]
                encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, 25), Fraction(25)
                encoder.bit_rate = 4_000_000
            given = [av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24") for frame in frames if frame.shape == size]
            for packet in [packet for frame in [*given, None] for packet in encoder.encode(frame)]:
                if encoder is not stream or first:
                    packet.stream, packet.time_base = stream, Fraction(1, 25)
                    packet.pts = packet.dts = place + first
                place += 1
                container.mux(packet)
    return path
