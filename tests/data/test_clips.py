"""Clips: parts on one clock from 0 to 1, aligned by fraction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_clips import clip, video, worn

from sslts.data.clips import as_clip, filled, spread
from sslts.data.labels import Interval, LabelTrack
from sslts.data.recording import Recording
from sslts.errors import LengthError


def test_a_spread_stream_begins_at_0_and_ends_at_1_with_the_same_samples():
    for given in (video(7, rate_hz=24.0, start_s=3.0, lost=(2,)), worn(33, start_s=-1.0)):
        whole = spread(given)
        assert (whole.start_s, whole.end_s, whole.rate_hz) == (0.0, 1.0, len(given))
        assert whole.values is given.values or np.array_equal(whole.values, given.values)
        assert np.array_equal(whole.is_observed(), given.is_observed())


def test_a_spread_recording_has_each_part_over_the_whole_clip_and_labels_where_they_were():
    labels = LabelTrack((Interval(1.0, 3.0, "wave"),))
    given = Recording(
        {"video": video(40, rate_hz=10.0), "acc": worn(50, rate_hz=50.0, start_s=1.0)}, labels=labels, events_s=(2.0,), subject="p"
    )
    whole = spread(given)
    assert [(stream.start_s, stream.end_s) for stream in whole.streams.values()] == [(0.0, 1.0)] * 2
    assert whole.labels.intervals == (Interval(0.25, 0.75, "wave"),)
    assert (whole.events_s, whole.subject) == ((0.5,), "p")


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        (video(1), "'video' holds 1 frame; a clip needs at least two"),
        (video(0), "'video' holds 0 frames"),
        (worn(1), "'acc' holds 1 sample;"),
        (worn(0), "'acc' holds 0 samples"),
    ],
)
def test_fewer_than_two_samples_are_no_clip(stream, told):
    with pytest.raises(LengthError, match=told):
        spread(stream)
    with pytest.raises(LengthError, match=told):
        as_clip(clip(stream))
    with pytest.raises(LengthError, match=told):
        as_clip(Recording({stream.name: stream, "other": replace(worn(50, rate_hz=50.0), name="other")}))


def test_a_recording_without_samples_is_no_clip():
    with pytest.raises(LengthError, match="empty"):
        as_clip(Recording({}))


def test_streams_keep_their_places_relative_to_one_another():
    # 20 s from second 5: the video covers 5 to 15 s, the sensor 7 to 25 s.
    made = as_clip(clip(video(300, (1, 1), rate_hz=30.0, start_s=5.0), worn(900, rate_hz=50.0, start_s=7.0)))
    assert (made.start_s, made.end_s) == (0.0, pytest.approx(1.0))
    assert (made.streams["video"].start_s, made.streams["video"].end_s) == (0.0, pytest.approx(0.5))
    assert (made.streams["acc"].start_s, made.streams["acc"].end_s) == (pytest.approx(0.1), pytest.approx(1.0))
    assert made.streams["video"].rate_hz == pytest.approx(600)


@pytest.mark.parametrize("start", [0.0, 0.1, 1e6])
def test_a_clip_stays_as_it_is(start):
    once = as_clip(clip(video(41, rate_hz=24.0, start_s=start), worn(101, rate_hz=50.0, start_s=start + 0.3)))
    assert as_clip(once) is once
    assert as_clip(clip(spread(video(7)), spread(worn(3)))).streams["video"].rate_hz == 7


def test_labels_and_events_keep_their_places_in_the_clip():
    labels = LabelTrack((Interval(3.0, 4.0, "rest"), Interval(6.0, 8.0, "run")))
    given = replace(clip(worn(300, rate_hz=50.0, start_s=2.0)), labels=labels, events_s=(2.0, 5.0), subject="p", start_unix=7.0)
    made = as_clip(given)
    assert made.labels == LabelTrack((Interval(1 / 6, 2 / 6, "rest"), Interval(4 / 6, 1.0, "run")))
    assert made.events_s == (0.0, 0.5)
    assert (made.subject, made.start_unix) == ("p", 7.0)
    assert as_clip(clip(worn())).labels is None


def test_a_filled_stream_holds_what_lies_inside_the_clip_and_is_lost_elsewhere():
    late = video(4, rate_hz=6.0, start_s=0.5, lost=(1,))  # of samples 3 to 6 of 6, the last lies beyond the clip
    made = filled(late)
    assert (made.start_s, len(made)) == (0.0, 6)
    assert made.is_observed()[:, 0].tolist() == [False, False, False, True, False, True]
    assert np.array_equal(made.values[[3, 5]], late.values[[0, 2]])
    early = filled(worn(8, rate_hz=8.0, start_s=-0.25))
    assert np.array_equal(early.values[:6], worn(8).values[2:])
    assert early.is_observed().all(axis=1).tolist() == [True] * 6 + [False] * 2
    away = filled(worn(8, rate_hz=8.0, start_s=4.0))
    assert not away.is_observed().any()
    whole = worn(8, rate_hz=8.0)
    assert filled(whole) is whole
