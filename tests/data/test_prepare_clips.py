"""Clips as a model expects them: so many frames and samples a clip, whatever it lasted."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from small_clips import AXES, clip, colours, pixels, spec, video, worn

from sslts.config import Channel, Modality, SensorSpec
from sslts.data.clips import spread
from sslts.data.prepare import is_prepared, prepare
from sslts.data.recording import Recording, Stream
from sslts.errors import FrameSizeError, LengthError, MissingModalityError, UnusedStreamWarning

ANYTHING = SensorSpec(modalities="any", window_s=1, stride_s=1, clock="clip")


def seconds(rate_hz: float, frame: tuple[int, int] | None = (4, 6)) -> SensorSpec:
    """A spec that reads videos by the second."""
    modality = Modality(name="video", rate_hz=rate_hz, channels=colours(), frame=frame)
    return SensorSpec(modalities=(modality,), window_s=0.1, stride_s=0.1)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_lost_frame_stays_lost_with_all_of_its_channels(channels):
    prepared = prepare(clip(video(6, channels=channels, lost=(2,))), spec(channels=channels)).streams["video"]
    assert prepared.observed[:, 0].tolist() == [True, True, False, True, True, True]
    assert np.array_equal(prepared.values[3], pixels(6, channels=channels)[3])


def test_channels_of_a_video_are_reordered_by_name_and_a_lost_frame_stays_where_it_was():
    given = video(6, channels=3, lost=(1,))
    turned = replace(given, channels=tuple(given.channels[index] for index in (2, 0, 1)), values=given.values[:, [2, 0, 1]])
    prepared = prepare(clip(turned), spec(channels=3)).streams["video"]
    assert np.array_equal(prepared.values, given.values)
    assert np.array_equal(prepared.observed, given.observed)


def test_rates_become_those_of_the_spec_whatever_a_clip_lasted():
    for scale in (1, 7.3):  # the same clip, played slower
        given = clip(video(30, rate_hz=30 / scale), worn(50, rate_hz=50 / scale), session="s", subject="p")
        prepared = prepare(given, spec())
        assert {name: (stream.rate_hz, len(stream)) for name, stream in prepared.streams.items()} == {"video": (6, 6), "acc": (16, 16)}
        assert (prepared.start_s, prepared.duration_s, prepared.subject) == (0.0, 1.0, "p")
        assert np.array_equal(prepared.streams["video"].values, pixels(30)[2::5]), "the frame at the middle of each fifth"


@pytest.mark.parametrize("frames", [4, 5, 24])
@pytest.mark.parametrize("late", [0.0, 0.7, 2.0])
def test_streams_that_begin_or_end_apart_fill_one_clip_exactly_and_preparing_twice_changes_nothing(frames, late):
    wanted = spec(frames=frames)
    once = prepare(clip(video(41, rate_hz=5.0), worn(100, rate_hz=12.5, start_s=late)), wanted)
    assert (once.start_s, once.end_s) == (0.0, 1.0)
    assert [len(stream) for stream in once.streams.values()] == [frames, 16]
    twice = prepare(once, wanted)
    for name, stream in once.streams.items():
        assert twice.streams[name] is stream or np.array_equal(twice.streams[name].values, stream.values)
        assert np.array_equal(twice.streams[name].is_observed(), stream.is_observed())


def test_what_a_stream_does_not_reach_of_a_clip_is_lost():
    # The video covers 0 to 8 s of 10, the sensor 2 to 10.
    prepared = prepare(clip(video(16, rate_hz=2.0), worn(80, rate_hz=10.0, start_s=2.0)), spec(frames=10, samples=20))
    assert prepared.streams["video"].is_observed()[:, 0].tolist() == [True] * 8 + [False] * 2
    assert prepared.streams["acc"].is_observed()[:, 0].tolist() == [False] * 4 + [True] * 16


@pytest.mark.parametrize("start", [0.0, 1.7e9])
@pytest.mark.parametrize(("lasts", "refused"), [(4.9, "acc"), (5.0, None), (20.0, None), (20.5, "video")])
def test_a_stream_that_reaches_over_less_than_half_of_a_clip_is_refused_with_what_to_do(lasts, refused, start):
    given = clip(video(100, rate_hz=10.0, start_s=start), worn(round(lasts * 10), rate_hz=10.0, start_s=start))
    if refused is None:
        once = prepare(given, spec())
        assert all(stream.is_observed().mean() >= 0.5 for stream in once.streams.values())
        assert prepare(prepare(given, ANYTHING), ANYTHING).names == ("video", "acc"), "rounding refuses nothing"
        return
    own = {"acc": lasts, "video": 10.0}[refused]
    told = rf"'{refused}' reaches from 0 to {own:g} s of this clip, which lasts {max(lasts, 10.0):g} s: .*spread.*without\('{refused}'\)"
    with pytest.raises(LengthError, match=told):
        prepare(given, spec())
    for way_out in (
        clip(*[spread(stream) for stream in given.streams.values()]),
        given.window(start_s=start, duration_s=min(lasts, 10.0)),
        given.without(refused),
    ):
        assert all(stream.is_observed().all() for stream in prepare(way_out, spec()).streams.values())


def test_what_counts_is_the_span_of_all_streams_together():
    with pytest.raises(LengthError, match="'video' reaches from 0 to 3 s of this clip, which lasts 6.5 s"):
        prepare(clip(video(30, rate_hz=10.0, start_s=2.0), worn(30, rate_hz=10.0, start_s=5.5)), spec())


def test_streams_by_other_names_are_told_by_name_whatever_they_last():
    other = clip(replace(video(100, rate_hz=10.0), name="camera"), replace(worn(8, rate_hz=10.0), name="wrist"))
    with pytest.raises(MissingModalityError, match="this recording holds camera, wrist"):
        prepare(other, spec())


def test_frames_of_depth_without_any_reading_are_lost_and_dark_frames_of_colour_are_not():
    values = np.full((6, 1, 4, 6), 2.5, dtype=np.float32)
    values[[1, 4]] = 0
    values[2, 0, 1:] = 0
    for kind, unit, seen in (("depth", "m", [True, False, True, True, False, True]), ("colour", "1", [True] * 6)):
        channel = Channel(name="c0", kind=kind, unit=unit)
        wanted = SensorSpec(
            modalities=(Modality(name="video", rate_hz=6, channels=(channel,), frame=(4, 6)),), window_s=1, stride_s=1, clock="clip"
        )
        once = prepare(clip(Stream("video", (channel,), 6.0, values)), wanted)
        assert once.streams["video"].is_observed()[:, 0].tolist() == seen
        assert prepare(once, wanted).streams["video"].is_observed()[:, 0].tolist() == seen


def test_streams_that_a_spec_does_not_read_neither_stretch_a_clip_nor_refuse_it():
    only = spec().model_copy(update={"modalities": (spec().modality("video"),)})
    long = Stream("eda", colours(), 1.0, np.ones((500, 1), dtype=np.float32))
    single = replace(long, values=long.values[:1])
    for other in (long, single):
        prepared = prepare(clip(video(12), other), only)
        assert prepared.names == ("video",)
        assert prepared.streams["video"].observed is None
    with pytest.raises(LengthError, match="'acc' holds 1 sample; a clip needs at least two"):
        prepare(clip(video(12), worn(1)), spec())


def test_kinds_that_a_model_of_any_channels_does_not_read_are_no_part_of_its_clips():
    wanted = SensorSpec(modalities={"rate_hz": 16, "units": {"accelerometer": "g"}}, window_s=1, stride_s=1, clock="clip")
    prepared = prepare(clip(worn(50), video(1)), wanted)
    assert prepared.names == ("acc",)
    assert (len(prepared.streams["acc"]), prepared.streams["acc"].observed) == (16, None)
    with pytest.raises(MissingModalityError, match=r"holds video\.c0 \(colour\)"):
        prepare(clip(video(4)), wanted)


def test_a_spec_that_takes_anything_only_sets_the_clock():
    prepared = prepare(clip(video(12), worn(20)), ANYTHING)
    assert (prepared.start_s, prepared.duration_s) == (0.0, 1.0)
    assert {name: len(stream) for name, stream in prepared.streams.items()} == {"video": 12, "acc": 20}


def test_a_model_may_read_one_frame_of_each_clip():
    wanted = spec(frames=1)
    once = prepare(clip(video(5, rate_hz=6.25), worn(40)), wanted)
    assert np.array_equal(once.streams["video"].values, pixels(5)[2:3])
    assert np.array_equal(prepare(once, wanted).streams["video"].values, once.streams["video"].values)


def test_frames_of_another_size_are_refused_with_the_call_that_resizes_them():
    with pytest.raises(
        FrameSizeError, match=r"'video' is a video of 8 x 6 pixels, expected a video of 4 x 6 pixels\. .*resize\(recording, \(4, 6\)\)\.$"
    ):
        prepare(clip(video(12, (8, 6))), spec())


def test_smaller_frames_and_depth_are_told_what_resizing_cannot_do():
    channel = Channel(name="c0", kind="depth", unit="m")
    wanted = SensorSpec(
        modalities=(Modality(name="video", rate_hz=6, channels=(channel,), frame=(8, 8)),), window_s=1, stride_s=1, clock="clip"
    )
    given = clip(Stream("video", (channel,), 6.0, np.full((6, 1, 4, 8), 2.5, dtype=np.float32)))
    with pytest.raises(FrameSizeError, match=r"Smaller frames gain no detail by it\. What depth must show.*card"):
        prepare(given, wanted)


def test_a_clip_given_to_a_model_that_reads_seconds_is_told_what_its_clock_is():
    wanted = spec().model_copy(update={"clock": "seconds", "window_s": 5.0})
    with pytest.raises(
        LengthError, match=r"lasts 1 s, one window needs 5 s\. Record longer.* If this is a clip.*use a model that reads clips"
    ):
        prepare(clip(spread(worn(40))), wanted)
    with pytest.raises(LengthError, match=r"use a model with a shorter window\.$"):
        prepare(clip(worn(40)), wanted)


def test_a_stream_of_the_kind_of_a_missing_one_is_warned_of():
    named_otherwise = clip(video(12), replace(worn(20), name="wrist"))
    with pytest.warns(UnusedStreamWarning, match=r"'acc' counts as missing.* \(accelerometer\) these stay unused: wrist\.") as told:
        prepare(named_otherwise, spec())
    assert told[0].filename == __file__, "where the call is"
    held = replace(worn(20), name="chest", channels=tuple(c.model_copy(update={"position": "chest"}) for c in AXES))
    placed = tuple(c.model_copy(update={"position": "wrist"}) for c in AXES)
    on_wrist = spec().model_copy(
        update={"modalities": (spec().modality("video"), spec().modality("acc").model_copy(update={"channels": placed}))}
    )
    beside = clip(video(12), worn(20), replace(worn(20), name="wrist"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare(beside, spec())
        prepare(clip(video(12)), spec())
        prepare(clip(video(12), held), on_wrist)


def test_a_sensor_in_place_of_a_video_is_refused_and_the_other_way_round():
    flat = Stream("video", colours(), 30.0, np.ones((12, 1), dtype=np.float32))
    with pytest.raises(FrameSizeError, match=r"'video' is a sensor \[T, C\], expected a video of 4 x 6 pixels\.$"):
        prepare(clip(flat), spec())
    with pytest.raises(FrameSizeError, match=r"'acc' is a video of 4 x 6 pixels, expected a sensor \[T, C\]\.$"):
        prepare(clip(replace(video(12, channels=3), name="acc", channels=AXES)), spec())


def test_videos_by_the_second_are_picked_and_pixels_out_of_range_are_no_lost_frames():
    bright = colours()[0].model_copy(update={"valid": (0.0, 1.0)})
    wanted = seconds(10)
    wanted = wanted.model_copy(update={"modalities": (wanted.named[0].model_copy(update={"channels": (bright,)}),)})
    prepared = prepare(clip(video(30)), wanted).streams["video"]
    assert prepared.rate_hz == 10
    assert prepared.observed is None
    assert np.array_equal(prepared.values, pixels(30)[1::3])
    assert is_prepared(prepared, wanted.named[0])
    assert not is_prepared(prepared, seconds(10, frame=(8, 6)).named[0])


def test_units_of_pixels_are_converted():
    metre = colours()[0].model_copy(update={"unit": "m"})
    given = replace(video(4, lost=(1,)), channels=(metre.model_copy(update={"unit": "mm"}),))
    wanted = spec(frames=4)
    wanted = wanted.model_copy(update={"modalities": (wanted.named[0].model_copy(update={"channels": (metre,)}),)})
    prepared = prepare(Recording({"video": given}), wanted).streams["video"]
    np.testing.assert_allclose(prepared.values, given.values / 1000, rtol=1e-6)
    assert prepared.observed[:, 0].tolist() == [True, False, True, True]
