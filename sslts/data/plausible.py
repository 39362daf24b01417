"""Unit mistakes found by physics: what an accelerometer, a gyroscope, a depth camera and a skeleton can measure, whatever is declared.

What stays plausible cannot be noticed: angular velocity in rad/s that is declared in deg/s is that of a slower movement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sslts.config import Modality
from sslts.data.recording import Stream
from sslts.data.units import compatible_units, convert
from sslts.errors import RangeError

#: Plausible median magnitude of an accelerometer, in g. Gravity alone is 1; sport is rarely above 4.
MAGNITUDE_G = (0.2, 4.0)
#: Median magnitude of a gyroscope that no wearable reaches: most end at 2,000 deg/s.
TURNING_DEG_S = (0.0, 2500.0)
#: Plausible median distance of what a depth camera or a lidar sees.
DEPTH_M = (0.1, 100.0)
#: Plausible median span of the coordinates of a skeleton's joints: from a hand to a person at the far end of a hall.
SKELETON_M = (0.05, 30.0)
#: Frames that are looked at: a unit shows in any.
_FRAMES = 32
#: Coordinates below which joints have no span to judge: three joints.
_COORDINATES = 9


def check_plausible(stream: Stream, order: Sequence[int], modality: Modality | None = None) -> None:
    """RangeError where values cannot be in the unit that the stream declares. A dead sensor (all zero) is not a wrong unit and passes.

    `order` leads from the modality's channels to the stream's columns; the modality knows kind and position, the stream its unit.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for index, channel in zip(order, modality.channels if modality else stream.channels, strict=True):
        place = channel.position if channel.kind in _THREE_AXES else ""
        groups.setdefault((channel.kind, place), []).append(index)
    for (kind, _), columns in groups.items():
        units = {stream.channels[index].unit for index in columns}
        if len(units) != 1:
            continue
        if kind in _THREE_AXES and len(columns) == 3:
            _check_axes(stream, kind, columns, units.pop())
        elif kind == "depth" and stream.frame is not None:
            _check_depth(stream, columns, units.pop())
        elif kind == "joint-position" and len(columns) >= _COORDINATES:
            _check_skeleton(stream, columns, units.pop())


#: Kind -> unit, plausible median magnitude of three orthogonal axes, what is measured, units to suggest.
_THREE_AXES: Mapping[str, tuple[str, tuple[float, float], str, tuple[str, ...]]] = {
    "accelerometer": ("g", MAGNITUDE_G, "acceleration", ("g", "m/s^2", "1/64 g", "mg", "cm/s^2")),
    "gyroscope": ("deg/s", TURNING_DEG_S, "angular velocity", ("deg/s", "rad/s", "mdeg/s")),
}
_FEELS_GRAVITY = (
    "an accelerometer feels gravity, about 1 g or 9.81 m/s^2. If gravity was removed, its kind is 'linear-acceleration', which "
    "only models that were trained on it read: give the raw acceleration if you have it."
)
_LENGTHS = ("m", "mm", "cm")


def _check_axes(stream: Stream, kind: str, columns: list[int], unit: str) -> None:
    base, bounds, what, candidates = _THREE_AXES[kind]
    observed = stream.is_observed()[:, columns].all(axis=1)
    if unit not in compatible_units(base) or not observed.any():
        return
    magnitude = float(np.median(np.linalg.norm(stream.values[observed][:, columns], axis=1)))
    why = _FEELS_GRAVITY if kind == "accelerometer" else f"no gyroscope turns at more than {bounds[1]:g} deg/s for half of its time."
    _check(stream, f"the median magnitude of {what}", magnitude, unit, base, bounds, what, candidates, why)


def _check_depth(stream: Stream, columns: list[int], unit: str) -> None:
    seen = _looked_at(stream)[:, columns]
    reading = seen[seen != 0]  # 0: no reading
    if unit not in compatible_units("m") or not reading.size:
        return
    why = "depth is the distance from the camera, and 0 where there is no reading."
    _check(stream, "the median depth", float(np.median(reading)), unit, "m", DEPTH_M, "distance", _LENGTHS, why)


def _check_skeleton(stream: Stream, columns: list[int], unit: str) -> None:
    joints = _looked_at(stream)[:, columns]
    if unit not in compatible_units("m") or not joints.size:
        return
    span = float(np.median(np.ptp(joints, axis=1)))
    why = "the joints of a person lie about 2 m apart at most, a few metres from the camera."
    _check(stream, "the median span of the joints' coordinates", span, unit, "m", SKELETON_M, "length", _LENGTHS, why)


def _looked_at(stream: Stream) -> NDArray[np.float32]:
    """Some of the frames in which all was observed, evenly spread."""
    rows = np.flatnonzero(stream.is_observed().all(axis=1))
    return stream.values[rows[:: max(1, len(rows) // _FRAMES)]]


def _check(
    stream: Stream,
    what: str,
    value: float,
    unit: str,
    base: str,
    bounds: tuple[float, float],
    quantity: str,
    candidates: Sequence[str],
    why: str,
) -> None:
    low, high = bounds
    if value == 0 or low <= convert(value, unit, base) <= high:
        return
    fits = [other for other in candidates if low <= convert(value, other, base) <= high]
    hint = f"looks like {fits[0]}" if fits else f"fits no known unit of {quantity}"
    raise RangeError(f"'{stream.name}': {what} is {value:.4g}, declared {unit}. It {hint}: {why}")
