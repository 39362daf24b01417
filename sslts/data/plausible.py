"""Unit mistakes found by physics: what an accelerometer, a gyroscope, a depth camera and a skeleton can measure, whatever is declared.

What stays plausible cannot be noticed: angular velocity in rad/s that is declared in deg/s is that of a slower movement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sslts.config import Modality
from sslts.data.recording import Stream
from sslts.data.units import compatible_units, convert
from sslts.errors import RangeError

#: Plausible median magnitude of an accelerometer, in g. Gravity alone is 1; sport is rarely above 4.
MAGNITUDE_G = (0.2, 4.0)
#: Median magnitude of a gyroscope: most measure up to 2,000 deg/s, few more than twice that.
TURNING_DEG_S = (0.0, 4000.0)
#: Plausible median distance of what a depth camera sees, from a hand before it to the ground below a drone.
DEPTH_M = (0.01, 200.0)
#: Plausible median span of joints along the axis in which they lie farthest apart: of fingertips, or of several people.
SKELETON_M = (0.02, 30.0)
#: Frames that are looked at, at most: a unit shows in any.
_FRAMES = 32
#: Joints below which there is no span to judge.
_JOINTS = 3


def _magnitude(stream: Stream, columns: list[int]) -> float | None:
    """Of three orthogonal axes."""
    if len(columns) != 3 or stream.frame is not None:
        return None
    observed = stream.is_observed()[:, columns].all(axis=1)
    if not observed.any():
        return None
    return float(np.median(np.linalg.norm(stream.values[observed][:, columns], axis=1)))


def _depth(stream: Stream, columns: list[int]) -> float | None:
    """Of what is no 0 in a video."""
    if stream.frame is None:
        return None
    seen = stream.values[_spaced(stream.is_observed()[:, 0])][:, columns]
    reading = seen[seen != 0]
    return float(np.median(reading)) if reading.size else None


def _span(stream: Stream, columns: list[int]) -> float | None:
    """Along the axis in which joints lie farthest apart; where the origin of their coordinates is does not matter."""
    if stream.frame is not None:
        return None
    frames = stream.values[_spaced(np.asarray(stream.is_observed()[:, columns].all(axis=1)))]
    axes = [[at for at in columns if stream.channels[at].name.endswith(f"-{axis}")] for axis in "xyz"]
    if not len(frames) or min(len(axis) for axis in axes) < _JOINTS:
        return None
    return max(float(np.median(np.ptp(frames[:, axis], axis=1))) for axis in axes)


def _spaced(observed: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Some of the rows that were observed, evenly spread."""
    rows = np.flatnonzero(observed)
    return rows if len(rows) <= _FRAMES else rows[np.linspace(0, len(rows) - 1, _FRAMES).astype(np.intp)]


@dataclass(frozen=True, slots=True)
class _Physics:
    """What can be of one kind of sensor.

    measured: the number that `bounds` hold, or None where there is nothing to judge; usual: where the unit to suggest would put it.
    """

    measured: Callable[[Stream, list[int]], float | None]
    what: str
    base: str
    bounds: tuple[float, float]
    usual: tuple[float, float]
    units: tuple[str, ...]
    why: str


_LENGTHS = ("m", "mm", "cm")
_KINDS: Mapping[str, _Physics] = {
    "accelerometer": _Physics(
        _magnitude,
        "the median magnitude of acceleration",
        "g",
        MAGNITUDE_G,
        MAGNITUDE_G,
        ("g", "m/s^2", "1/64 g", "mg", "cm/s^2"),
        "an accelerometer feels gravity, about 1 g or 9.81 m/s^2. If gravity was removed, its kind is 'linear-acceleration', which "
        "only models that were trained on it read: give the raw acceleration if you have it.",
    ),
    "gyroscope": _Physics(
        _magnitude,
        "the median magnitude of angular velocity",
        "deg/s",
        TURNING_DEG_S,
        (1.0, 1000.0),
        ("deg/s", "rad/s"),
        "most gyroscopes measure 2,000 deg/s at most, about 35 rad/s.",
    ),
    "depth": _Physics(
        _depth,
        "the median depth",
        "m",
        DEPTH_M,
        (0.3, 10.0),
        _LENGTHS,
        "depth is the distance from the camera, and 0 where there is no reading.",
    ),
    "joint-position": _Physics(
        _span,
        "the median span of the joints",
        "m",
        SKELETON_M,
        (0.3, 3.0),
        _LENGTHS,
        "the joints of a person lie about 2 m apart at most.",
    ),
}


def check_plausible(stream: Stream, order: Sequence[int], modality: Modality | None = None) -> None:
    """RangeError where values cannot be in the unit that the stream declares. A dead sensor (all zero) is not a wrong unit and passes.

    `order` leads from the modality's channels to the stream's columns; the modality knows kind and position, the stream its unit.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for index, channel in zip(order, modality.channels if modality else stream.channels, strict=True):
        if channel.kind in _KINDS:
            place = "" if channel.kind == "joint-position" else channel.position  # of joints each has its own
            groups.setdefault((channel.kind, place), []).append(index)
    for (kind, _), columns in groups.items():
        units = {stream.channels[index].unit for index in columns}
        physics = _KINDS[kind]
        if len(units) == 1 and units <= set(compatible_units(physics.base)):
            value = physics.measured(stream, columns)
            if value is not None:
                _check(stream.name, value, units.pop(), physics)


def _check(name: str, value: float, unit: str, physics: _Physics) -> None:
    low, high = physics.bounds
    if value == 0 or low <= convert(value, unit, physics.base) <= high:
        return
    fits = [other for other in physics.units if physics.usual[0] <= convert(value, other, physics.base) <= physics.usual[1]]
    hint = f"It looks like {' or '.join(fits)}" if fits else "It fits no usual unit"
    raise RangeError(f"'{name}': {physics.what} is {value:.4g}, declared {unit}. {hint}: {physics.why}")
