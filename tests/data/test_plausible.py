"""Unit mistakes that physics shows: each unit is refused where another was meant, and what is right passes."""

from __future__ import annotations

import numpy as np
import pytest

from sslts.config import Channel, Modality
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
@pytest.mark.parametrize(("true", "said"), [("mm", "m"), ("cm", "m"), ("m", "mm"), ("m", "cm")])
def test_lengths_in_another_unit_are_refused_with_the_one_that_fits(made, true, said):
    check(made(true))
    given = declared(made(true), said)
    if made is depth and (true, said) == ("m", "cm"):
        check(given)  # 3 cm from the camera may be
        return
    with pytest.raises(RangeError, match=rf"declared {said}\. It looks like {true}:"):
        check(given)


def test_a_depth_that_is_none_is_refused():
    with pytest.raises(RangeError, match=r"median depth is -2\.8, declared m\. It fits no usual unit"):
        check(depth("m", metres=-2.8))
    with pytest.raises(RangeError, match=r"median depth is 250, declared m\. It looks like cm"):
        check(depth("m", metres=250.0))
    for metres in (0.05, 120.0):
        check(depth("m", metres=metres))


def test_a_covered_camera_lost_frames_and_a_unit_of_no_length_pass():
    check(depth("m", metres=0.0))
    check(declared(depth("mm"), "a.u."))
    wrong = declared(depth("mm"), "m")
    seen = np.zeros((40, 1), dtype=bool)
    check(Stream("depth", wrong.channels, 30.0, wrong.values, seen))
    seen[7] = True
    with pytest.raises(RangeError, match="median depth is 2800"):
        check(Stream("depth", wrong.channels, 30.0, wrong.values, seen))


def test_few_joints_have_no_span_to_judge_and_neither_have_those_whose_axes_are_not_told():
    check(declared(skeleton("mm", joints=2), "m"))
    wrong = declared(skeleton("mm"), "m")
    unnamed = tuple(channel.model_copy(update={"name": f"c{at}"}) for at, channel in enumerate(wrong.channels))
    check(Stream("skeleton", unnamed, 30.0, wrong.values))


def test_where_the_origin_of_joints_lies_does_not_matter():
    far = skeleton("m")
    check(Stream("skeleton", far.channels, 30.0, far.values + np.tile(np.float32([300, 0, 40]), 4)))
    still = np.tile(np.float32([0.5, 0.2, 2.0]), (50, 4))  # all in one place: no skeleton, but no wrong unit
    check(Stream("skeleton", far.channels, 30.0, still))


def test_turning_in_degrees_that_is_called_radians_is_refused_and_the_other_way_cannot_be_seen():
    check(gyro("rad/s"))
    for fast in (1900.0, 3900.0):
        check(gyro("deg/s", deg_s=fast))
    with pytest.raises(RangeError, match=r"median magnitude of angular velocity is 200, declared rad/s\. It looks like deg/s:"):
        check(declared(gyro("deg/s"), "rad/s"))
    with pytest.raises(RangeError, match=r"is 4500, declared deg/s\. It fits no usual unit"):
        check(gyro("deg/s", deg_s=4500.0))
    check(declared(gyro("rad/s"), "deg/s"))


def test_axes_of_one_place_are_judged_together_and_only_where_they_share_a_unit():
    one, other = gyro("deg/s", deg_s=3000.0), gyro("deg/s", deg_s=3000.0)
    placed = tuple(
        channel.model_copy(update={"name": f"{place}-{channel.name}", "position": place})
        for place, stream in (("left wrist", one), ("right wrist", other))
        for channel in stream.channels
    )
    both = Stream("gyro", placed, 50.0, np.concatenate([one.values, other.values + 5000], axis=1))
    with pytest.raises(RangeError, match="declared deg/s"):
        check(both)
    wrong = declared(gyro("deg/s"), "rad/s")
    mixed = (wrong.channels[0].model_copy(update={"unit": "deg/s"}), *wrong.channels[1:])
    check(Stream("gyro", mixed, 50.0, wrong.values))
    pair = wrong.channels[:2]
    check(Stream("gyro", pair, 50.0, wrong.values[:, :2]))


def test_the_model_says_what_a_stream_measures_and_the_stream_in_which_unit():
    wrong = declared(gyro("deg/s"), "rad/s")
    unsaid = tuple(channel.model_copy(update={"kind": "something"}) for channel in wrong.channels)
    given = Stream("gyro", unsaid, 50.0, wrong.values)
    check(given)
    with pytest.raises(RangeError, match="declared rad/s"):
        check_plausible(given, [0, 1, 2], Modality(name="gyro", rate_hz=50, channels=gyro("deg/s").channels))
