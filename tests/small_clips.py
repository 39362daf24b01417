"""Small clips: a video and a sensor that share no clock, and the specs that read them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sslts.config import Channel, Modality, SensorSpec
from sslts.data.recording import Recording, Stream

AXES = tuple(Channel(name=axis, kind="accelerometer", unit="g") for axis in "xyz")


def colours(count: int = 1) -> tuple[Channel, ...]:
    return tuple(Channel(name=f"c{index}", kind="colour", unit="1") for index in range(count))


def pixels(frames: int = 6, size: tuple[int, int] = (4, 6), channels: int = 1) -> NDArray[np.float32]:
    """[T, C, H, W]: no two pixels alike, and every frame 1000 above the one before."""
    shape = (frames, channels, *size)
    inside = np.arange(np.prod(shape[1:]), dtype=np.float32).reshape(shape[1:])
    return 1 + inside[None] + 1000 * np.arange(frames, dtype=np.float32)[:, None, None, None]


def video(
    frames: int = 6, size: tuple[int, int] = (4, 6), *, channels: int = 1, rate_hz: float = 30.0, start_s: float = 0.0,
    lost: Sequence[int] = (),
) -> Stream:  # fmt: skip
    values = pixels(frames, size, channels)
    values[list(lost), 0, 0, 0] = np.nan
    return Stream("video", colours(channels), rate_hz, values, start_s=start_s)


def worn(samples: int = 40, *, rate_hz: float = 50.0, start_s: float = 0.0) -> Stream:
    """An accelerometer that feels gravity, and slowly turns."""
    turn = np.linspace(0, 1, samples, dtype=np.float32)
    return Stream("acc", AXES, rate_hz, np.stack([np.sin(turn), np.zeros_like(turn), np.cos(turn)], axis=1), start_s=start_s)


def clip(*streams: Stream, **facts: object) -> Recording:
    return Recording({stream.name: stream for stream in streams}, **facts)  # type: ignore[arg-type]


def spec(*, frames: int = 6, size: tuple[int, int] = (4, 6), samples: int = 16, channels: int = 1) -> SensorSpec:
    """A clip of so many frames and samples."""
    return SensorSpec(
        modalities=(
            Modality(name="video", rate_hz=frames, channels=colours(channels), frame=size),
            Modality(name="acc", rate_hz=samples, channels=AXES),
        ),
        window_s=1,
        stride_s=1,
        clock="clip",
    )
