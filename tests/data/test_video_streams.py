"""A video as a stream: frames on a clock, each whole or lost."""

from __future__ import annotations

import numpy as np
import pytest
from small_clips import colours, pixels, video, worn

from sslts.data.recording import Recording, Stream
from sslts.errors import ChannelError, DTypeError, FrameSizeError, LengthError


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_a_frame_with_one_pixel_that_is_no_number_is_lost_as_a_whole(junk):
    values = pixels(4, channels=3)
    values[2, 1, 3, 5] = junk
    stream = Stream("video", colours(3), 30.0, values)
    assert stream.observed.shape == (4, 1)
    assert stream.is_observed()[:, 0].tolist() == [True, True, False, True]
    assert (stream.values[2] == 0).all()
    assert np.array_equal(stream.values[[0, 1, 3]], pixels(4, channels=3)[[0, 1, 3]])
    assert values[2, 0, 0, 0] == pixels(4, channels=3)[2, 0, 0, 0], "the given array is not written to"


def test_frames_that_are_called_lost_hold_nothing_and_all_seen_is_none():
    lost = Stream("video", colours(), 30.0, pixels(3), np.array([[True], [False], [True]]))
    assert (lost.values[1] == 0).all()
    assert lost.values[2].all()
    seen = Stream("video", colours(), 30.0, pixels(3), np.ones((3, 1), dtype=bool))
    assert seen.observed is None
    assert seen.is_observed().shape == (3, 1)


@pytest.mark.parametrize(
    ("values", "observed", "error", "told"),
    [
        (pixels()[:, 0], None, DTypeError, r"\[T, C, H, W\] for video, got float32 \(6, 4, 6\)"),
        (pixels()[None], None, DTypeError, r"got float32 \(1, 6, 1, 4, 6\)"),
        (pixels().astype(np.float64), None, DTypeError, "got float64"),
        (pixels().astype(np.uint8), None, DTypeError, "got uint8"),
        (pixels(channels=2), None, ChannelError, r"has 2 columns but 1 channels"),
        (pixels(size=(0, 6)), None, FrameSizeError, "frames of 0 x 6 pixels, expected at least 1 x 1"),
        (pixels(size=(4, 0)), None, FrameSizeError, "frames of 4 x 0 pixels"),
        (pixels(), np.ones((6, 1, 4, 6), dtype=bool), LengthError, r"observed must be bool \(6, 1\)"),
        (pixels(), np.ones((5, 1), dtype=bool), LengthError, r"observed must be bool \(6, 1\)"),
        (pixels(), np.ones((6, 1), dtype=np.float32), LengthError, "got float32"),
    ],
)
def test_other_shapes_are_refused_and_the_message_says_which_came(values, observed, error, told):
    with pytest.raises(error, match=told):
        Stream("video", colours(), 30.0, values, observed)


def test_a_video_says_how_large_its_frames_are_and_a_sensor_has_none():
    given = video(6, (4, 6), channels=3, lost=(1, 2, 3))
    assert repr(given) == "Stream(video: c0, c1, c2 of 4 x 6 pixels in 1, 30 Hz, 0.2 s, 50.0 % lost)"
    assert given.modality.frame == given.frame == (4, 6)
    assert worn().frame is None
    assert worn().modality.frame is None
    assert "pixels" not in repr(worn())
    assert "video: c0 of 4 x 6 pixels in 1" in Recording({"video": video()}).summary()


def test_a_window_of_a_video_holds_the_nearest_frames_and_their_flags():
    part = Recording({"video": video(30, lost=(12,)), "acc": worn(50)}).window(start_s=0.34, duration_s=0.2).streams["video"]
    assert np.array_equal(part.values[0], pixels(30)[10])
    assert part.is_observed()[:, 0].tolist() == [True, True, False, True, True, True]
    assert part.start_s == pytest.approx(10 / 30)


def test_frames_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        video().values[0, 0, 0, 0] = 1


def test_frames_come_as_arrays_beside_sensors():
    frames = np.ones((8, 1, 4, 6), dtype=np.uint16)
    made = Recording.from_arrays(
        {"depth": frames, "acc": np.zeros((50, 3))}, rate_hz={"depth": 4, "acc": 25}, units={"depth": "m", "acc": "g"}
    )
    assert made.streams["depth"].frame == (4, 6)
    assert made.streams["depth"].channel_names == ("depth",)
    with pytest.raises(LengthError, match=r"\[T, C, H, W\] for a video \(array\[:, None\]"):
        Recording.from_arrays({"depth": frames[:, 0]}, rate_hz=4, units={"depth": "m"})
    with pytest.raises(ChannelError, match=r"2 columns but 1 channel names \(depth\). A video is \[T, C, H, W\]"):
        Recording.from_arrays({"depth": np.ones((1, 2, 4, 6))}, rate_hz=4, units={"depth": "m"}, channels={"depth": ["depth"]})
    with pytest.raises(ChannelError, match=r"has 3 columns. Name them.*A video is \[T, C, H, W\]"):
        Recording.from_arrays({"video": np.zeros((8, 3, 4, 6))}, rate_hz=4, units={"video": "a.u."})
