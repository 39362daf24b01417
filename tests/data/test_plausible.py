"""Unit mistakes that physics shows: each unit is refused where another was meant, and what is right passes."""

from __future__ import annotations

import numpy as np
import pytest

from sslts.config import Channel
from sslts.data.plausible import check_plausible
from sslts.data.recording import Stream
from sslts.data.units import convert
from sslts.errors import RangeError

JOINTS = [f"{joint}-{axis}" for joint in ("head", "hand", "foot", "hip") for axis in "xyz"]


def depth(unit: str, *, metres: float = 2.8, background: float = 0.0) -> Stream:
    values = np.full((40, 1, 6, 8), background, dtype=np.float32)
    values[:, :, 2:5, 3:5] = metres
    values[::5] = 0  # a camera that was covered for a moment
    return Stream("depth", (Channel(name="depth", kind="depth", unit=unit),), 30.0, np.float32(1) * convert(values, "m", unit))


def skeleton(unit: str, joints: int = 4) -> Stream:
    rng = np.random.default_rng(0)
    place = np.array([[0.1, 0.9, 2.6], [0.4, 0.2, 2.3], [0.0, -0.8, 2.7], [0.0, 0.0, 2.6]])[:joints]
    values = (place.ravel() + 0.02 * rng.normal(size=(50, 3 * joints))).astype(np.float32)
    channels = tuple(Channel(name=name, kind="joint-position", unit=unit) for name in JOINTS[: 3 * joints])
    return Stream("skeleton", channels, 30.0, np.float32(1) * convert(values, "m", unit))


def gyro(unit: str, *, deg_s: float = 200.0) -> Stream:
    values = np.tile(np.float32([deg_s, 0, 0]), (60, 1))
    return Stream("gyro", tuple(Channel(name=a, kind="gyroscope", unit=unit) for a in "xyz"), 50.0, convert(values, "deg/s", unit))


def declared(stream: Stream, unit: str) -> Stream:
    channels = tuple(channel.model_copy(update={"unit": unit}) for channel in stream.channels)
    return Stream(stream.name, channels, stream.rate_hz, stream.values)


def check(stream: Stream) -> None:
    check_plausible(stream, range(len(stream.channels)))


@pytest.mark.parametrize("made", [depth, skeleton])
@pytest.mark.parametrize(("true", "said"), [("mm", "m"), ("m", "mm")])
def test_lengths_in_another_unit_are_refused_with_the_one_that_fits(made, true, said):
    check(made(true))
    with pytest.raises(RangeError, match=rf"declared {said}\. It looks like {true}:"):
        check(declared(made(true), said))


def test_a_depth_that_is_none_is_refused():
    grey = declared(depth("m", metres=180.0, background=140.0), "m")
    with pytest.raises(RangeError, match="median depth is 1[0-9]{2}, declared m"):
        check(grey)
    with pytest.raises(RangeError, match=r"median depth is -2\.8, declared m\. It fits no known unit of distance"):
        check(depth("m", metres=-2.8))


def test_a_covered_camera_and_a_unit_of_no_length_pass():
    check(depth("m", metres=0.0))
    check(declared(depth("mm"), "a.u."))
    lost = depth("mm")
    check(Stream("depth", declared(lost, "m").channels, 30.0, lost.values, np.zeros((40, 1), dtype=bool)))


def test_few_joints_have_no_span_to_judge():
    check(declared(skeleton("mm", joints=2), "m"))


def test_turning_in_degrees_that_is_called_radians_is_refused_and_the_other_way_cannot_be_seen():
    check(gyro("rad/s"))
    check(gyro("deg/s", deg_s=1900.0))
    with pytest.raises(RangeError, match=r"median magnitude of angular velocity is 200, declared rad/s\. It looks like deg/s"):
        check(declared(gyro("deg/s"), "rad/s"))
    check(declared(gyro("rad/s"), "deg/s"))
