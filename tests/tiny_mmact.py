"""A small invented MMAct in its official layout: sensors as tables with time stamps, videos as MP4 files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tiny_video import film, grey

FOLDERS = ("acc_phone_clip", "acc_watch_clip", "gyro_clip", "orientation_clip")
_START = 1_550_000_000  # 2019-02-12 19:33:20 UTC


def stamps(times: Iterable[float], style: str = "official") -> list[str]:
    """Seconds as stamps: "official" 20190212_19:33:20.010, "iso" with spaces and hyphens, "s" and "ms" since 1970."""
    if style in ("s", "ms"):
        return [f"{(_START + time) * (1000 if style == 'ms' else 1):.3f}" for time in times]
    moments = [np.datetime_as_string(np.datetime64(_START * 1000 + round(1000 * time), "ms")).replace("T", " ") for time in times]
    return moments if style == "iso" else [moment.replace("-", "").replace(" ", "_") for moment in moments]


def sensor(
    root: Path, folder: str, values: NDArray[np.float64], *, rate_hz: float = 50.0, place: str = "subject1/scene1/session1/carrying",
    style: str = "official", times: Sequence[float] | None = None,
) -> Path:  # fmt: skip
    """One table of x, y, z [N, 3]."""
    path = root / folder / f"{place}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    marks = stamps(np.arange(len(values)) / rate_hz if times is None else times, style)
    rows = (",".join([mark, *(f"{number:.5f}" for number in row)]) for mark, row in zip(marks, values, strict=True))
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


def worn(samples: int) -> NDArray[np.float64]:
    """An accelerometer at rest, in m/s^2, with constant x and y."""
    return np.tile([0.0, 0.0, 9.81], (samples, 1))


def clip(
    root: Path, *, person: int = 1, scene: int = 1, session: int = 1, action: str = "carrying", cameras: Sequence[int] = (1,),
    seconds: float = 2.0, frames: int = 8, folders: Sequence[str] = FOLDERS, videos: str = "RGB",
) -> None:  # fmt: skip
    """One clip with its sensors at their own rates, and a video for each camera."""
    place = f"subject{person}/scene{scene}/session{session}/{action}"
    for folder in folders:
        rate_hz = 100.0 if folder.startswith("acc") else 50.0
        count = round(seconds * rate_hz)
        turning = np.stack([np.linspace(0, 1, count) * scale for scale in (1, -2, 30 * person)], axis=1)
        sensor(root, folder, worn(count) if folder.startswith("acc") else turning, rate_hz=rate_hz, place=place)
    for camera in cameras:
        video(root, camera=camera, person=person, scene=scene, session=session, action=action, frames=frames, videos=videos)


def video(
    root: Path, *, camera: int = 1, person: int = 1, scene: int = 1, session: int = 1, action: str = "carrying", frames: int = 8,
    videos: str = "RGB",
) -> Path:  # fmt: skip
    """From black to white, or from white to black where another camera than the first sees it."""
    shades = grey(frames) if camera == 1 else grey(frames)[::-1]
    return film(root / videos / f"subject{person}" / f"cam{camera}" / f"scene{scene}" / f"session{session}" / f"{action}.mp4", shades)
