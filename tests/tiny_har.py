"""Small invented activity data sets in their official layouts: DSADS, MotionSense, and UTD-MHAD with or without its clips.

Every person swings at a rate of their own and every activity at another strength, with gravity along z.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

_HEADER = (
    ",attitude.roll,attitude.pitch,attitude.yaw,gravity.x,gravity.y,gravity.z,rotationRate.x,rotationRate.y,rotationRate.z,"
    "userAcceleration.x,userAcceleration.y,userAcceleration.z"
)
_STRENGTH = {"sit": 0.02, "wlk": 0.4, "jog": 1.0}


def swing(samples: int, rate_hz: float, columns: int, *, person: int, strength: float) -> NDArray[np.float64]:
    """[samples, columns], each column with a phase of its own, and a little noise."""
    time = np.arange(samples)[:, None] / rate_hz
    noise = np.random.default_rng(1000 * person + columns).normal(0, 0.01, (samples, columns))
    return strength * np.sin(2 * np.pi * (0.8 + 0.3 * person) * time + np.arange(columns)) + noise


def dsads(root: Path, *, people: Sequence[int] = (1, 2), activities: Sequence[int] = (1, 9)) -> Path:
    """60 segments of 5 s at 25 Hz an activity (1 sitting, 9 walking in a parking lot, 12 running); all segments of one are alike."""
    for person in people:
        for activity in activities:
            folder = root / "data" / f"a{activity:02d}" / f"p{person}"
            folder.mkdir(parents=True)
            values = swing(125, 25, 45, person=person, strength=0.3 * activity)
            values[:, 2::9] += 9.81
            text = "".join(",".join(f"{value:.3f}" for value in row) + "\n" for row in values)
            for segment in range(1, 61):
                (folder / f"s{segment:02d}.txt").write_text(text)
    return root


def motionsense(root: Path, *, people: Sequence[int] = (1, 2), trials: Sequence[str] = ("sit_5", "wlk_7"), seconds: float = 20) -> Path:
    """Trials at 50 Hz; "sit_5" is trial 5, sitting."""
    for person in people:
        for trial in trials:
            path = root / "A_DeviceMotion_data" / trial / f"sub_{person}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            values = swing(round(50 * seconds), 50, 12, person=person, strength=_STRENGTH[trial[:3]])
            values[:, 3:6] = (0, 0, 1)
            rows = (f"{index}," + ",".join(f"{value:.4f}" for value in row) for index, row in enumerate(values))
            path.write_text("\n".join([_HEADER, *rows]) + "\n")
    return root


def utd(root: Path, *, people: Sequence[int] = (1, 2), actions: Sequence[int] = (1, 22), seconds: float = 3) -> Path:
    """Two clips at 50 Hz an action (1 right arm swipe to the left, 22 jogging in place)."""
    for person in people:
        for action in actions:
            for trial in (1, 2):
                path = root / "Inertial" / f"a{action}_s{person}_t{trial}_inertial.mat"
                path.parent.mkdir(parents=True, exist_ok=True)
                values = swing(round(50 * seconds), 50, 6, person=person + trial, strength=0.1 * action)
                values[:, 2] += 1
                savemat(path, {"d_iner": values})
    return root


def utd_clip(
    root: Path, *, action: int = 1, person: int = 1, trial: int = 1, frames: int = 7, samples: int = 40, size: tuple[int, int] = (240, 320),
    parts: Sequence[str] = ("depth", "inertial", "skeleton"),
) -> dict[str, NDArray[np.generic]]:  # fmt: skip
    """One clip with its files in Depth, Inertial and Skeleton, in the official number types; returns the arrays by part."""
    draw = np.random.default_rng([action, person, trial])
    inertial = swing(samples, 50, 6, person=person + trial, strength=0.1 * action)
    inertial[:, 2] += 1
    arrays: dict[str, NDArray[np.generic]] = {
        "depth": draw.integers(500, 4000, (*size, frames)).astype(np.uint16),
        "inertial": inertial,
        "skeleton": draw.normal(size=(20, 3, frames)),
    }
    for part in parts:
        path = root / part.title() / f"a{action}_s{person}_t{trial}_{part}.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        savemat(path, {{"depth": "d_depth", "inertial": "d_iner", "skeleton": "d_skel"}[part]: arrays[part]}, do_compression=True)
    return {part: arrays[part] for part in parts}
