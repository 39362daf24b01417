"""Picking and resizing frames, against second formulas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_clips import clip, pixels, video, worn

from sslts.data.frames import picked, resize
from sslts.data.resample import resample
from sslts.errors import FrameSizeError, RateError


def shown_at(frames: int, rate_hz: float, times: np.ndarray) -> list[int]:
    """The frame on the screen at each time, by counting frames that have begun."""
    return [sum(number / rate_hz <= time for number in range(frames)) - 1 for time in times]


def overlaps(length: int, size: int) -> np.ndarray:
    """[size, length]: how much of each new pixel lies in each old one, by the overlap of their intervals."""
    old, new = np.arange(length), np.arange(size) * length / size
    low, high = np.maximum(old[None], new[:, None]), np.minimum(old[None] + 1, new[:, None] + length / size)
    return np.clip(high - low, 0, None) * size / length


@pytest.mark.parametrize(
    ("frames", "rate_hz", "new_hz"), [(30, 30, 10), (30, 30, 12), (7, 25, 60), (48, 24, 16.5), (9, 4, 4.5), (5, 10, 1)]
)
def test_each_new_frame_is_the_one_shown_at_the_middle_of_its_time(frames, rate_hz, new_hz):
    given = video(frames, rate_hz=rate_hz, start_s=3.0)
    new = resample(given, rate_hz=new_hz)
    assert (new.rate_hz, new.start_s, len(new)) == (new_hz, 3.0, round(frames * new_hz / rate_hz))
    middles = (np.arange(len(new)) + 0.5) / new_hz
    assert np.array_equal(new.values, given.values[shown_at(frames, rate_hz, middles)])


@pytest.mark.parametrize("wobble", [-1e-12, 0.0, 1e-12])
def test_a_middle_between_two_frames_takes_the_later_one_however_rates_were_rounded(wobble):
    given = video(20, rate_hz=20.0 * (1 + wobble))
    assert np.array_equal(picked(given, 10.0).values, given.values[1::2])


def test_lost_frames_stay_lost_where_they_are_picked_and_are_not_missed_elsewhere():
    given = video(30, lost=(4, 6))
    assert picked(given, 10.0).is_observed()[:, 0].tolist() == [True, False] + [True] * 8
    assert picked(video(30, lost=(5,)), 10.0).observed is None


def test_a_video_at_its_own_rate_is_the_same_and_rates_are_checked():
    given = video()
    assert resample(given, rate_hz=30.0) is given
    assert len(picked(video(2), 1.0)) == 0
    with pytest.raises(RateError, match="'video' needs a rate"):
        resample(given, rate_hz=-1.0)


@pytest.mark.parametrize(("size", "new"), [((8, 12), (4, 4)), ((8, 12), (1, 1)), ((9, 5), (3, 5)), ((2, 3), (6, 6)), ((4, 1), (8, 5))])
def test_integer_ratios_are_means_of_whole_blocks(size, new):
    given = video(3, size, channels=2)
    expected = torch.nn.functional.interpolate(torch.from_numpy(given.values.astype(np.float64)), size=new, mode="area")
    resized = resize(given, new)
    assert resized.frame == new
    np.testing.assert_allclose(resized.values, expected.numpy(), rtol=1e-6)


@pytest.mark.parametrize(("size", "new"), [((7, 9), (3, 4)), ((220, 220), (96, 96)), ((5, 3), (7, 8)), ((4, 6), (5, 2)), ((1, 1), (3, 2))])
def test_fractional_ratios_weigh_pixels_by_their_overlap(size, new):
    given = video(2, size)
    expected = np.einsum("ah,tchw,bw->tcab", overlaps(size[0], new[0]), given.values.astype(np.float64), overlaps(size[1], new[1]))
    np.testing.assert_allclose(resize(given, new).values, expected, rtol=1e-6)
    np.testing.assert_allclose(resize(given, new).values.mean(axis=(2, 3)), given.values.mean(axis=(2, 3)), rtol=1e-6)


def test_a_pixel_in_two_shares_counts_in_each_by_how_much_of_it_does():
    row = replace(video(1, (1, 3)), values=np.array([[[[3.0, 9.0, 30.0]]]], dtype=np.float32))
    assert resize(row, (1, 2)).values.ravel().tolist() == [5.0, 23.0]  # (3 + 4.5) / 1.5 and (4.5 + 30) / 1.5
    assert resize(row, (1, 6)).values.ravel().tolist() == [3.0, 3.0, 9.0, 9.0, 30.0, 30.0]


def test_a_lost_frame_stays_lost_and_its_neighbours_as_they_were():
    lost, whole = resize(video(4, (6, 6), lost=(1,)), (4, 4)), resize(video(4, (6, 6)), (4, 4))
    assert lost.observed[:, 0].tolist() == [True, False, True, True]
    assert (lost.values[1] == 0).all()
    assert np.array_equal(lost.values[[0, 2, 3]], whole.values[[0, 2, 3]])


def test_clock_and_channels_of_a_resized_video_stay_and_the_same_size_is_the_same_video():
    given = video(4, (6, 6), channels=3, rate_hz=12.5, start_s=1.5)
    resized = resize(given, (2, 3))
    assert (resized.name, resized.channels, resized.rate_hz, resized.start_s) == ("video", given.channels, 12.5, 1.5)
    assert resize(given, (6, 6)) is given
    assert resize(replace(given, values=pixels(0, (6, 6), 3)), (2, 2)).values.shape == (0, 3, 2, 2)


def test_all_videos_of_a_recording_are_resized_and_its_sensors_stay():
    given = clip(video(4, (6, 6)), worn(), subject="p")
    resized = resize(given, (3, 2))
    assert np.array_equal(resized.streams["video"].values, resize(given.streams["video"], (3, 2)).values)
    assert resized.streams["acc"] is given.streams["acc"]
    assert resized.subject == "p"
    with pytest.raises(FrameSizeError, match="needs a video, this recording holds acc"):
        resize(clip(worn()), (3, 2))


@pytest.mark.parametrize(
    ("stream", "size", "told"), [(worn(), (4, 4), "'acc', a sensor"), (video(), (0, 4), r"4 x 6 pixels, and \(0, 4\)")]
)
def test_a_sensor_or_a_size_without_pixels_is_refused(stream, size, told):
    with pytest.raises(FrameSizeError, match=told):
        resize(stream, size)
