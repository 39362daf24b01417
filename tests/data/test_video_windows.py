"""Windows of videos: cut, stored and collated, with lost frames and where there is no video."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_clips import clip, colours, pixels, spec, video, worn

from sslts.config import Modality, SensorSpec
from sslts.data import Interval, LabelTrack, Recording, WindowStore, build_store, cut, prepare, to_batch, window_starts
from sslts.data.clips import spread
from sslts.data.collate import clock_of
from sslts.data.windows import cut_arrays
from sslts.errors import FrameSizeError, LengthError, ReaderError
from sslts.types import ClipClock, RateClock

#: Videos by the second: windows of 4 frames every 2.
SECONDS = SensorSpec(
    modalities=(Modality(name="video", rate_hz=4.0, channels=colours(2), frame=(3, 5)),), window_s=1.0, stride_s=0.5
)  # fmt: skip


def film(frames: int = 11, lost: tuple[int, ...] = ()) -> Recording:
    return clip(video(frames, (3, 5), channels=2, rate_hz=4.0, lost=lost))


def test_windows_of_a_video_hold_its_frames_in_order():
    starts = window_starts(film(), window_s=1.0, stride_s=0.5)
    assert starts.tolist() == [0.0, 0.5, 1.0, 1.5]
    part = cut(film(), SECONDS, starts)["video"]
    whole = pixels(11, (3, 5), 2)
    for number in range(4):
        assert np.array_equal(part.values[number], np.moveaxis(whole[2 * number : 2 * number + 4], 0, 1))
    assert part.observed.shape == (4, 1, 4)
    assert part.observed.all()
    assert part.present.all()


def test_beyond_the_ends_and_in_lost_frames_a_video_holds_nothing():
    part = cut(film(8, lost=(1, 6)), SECONDS, [-0.5, 0.0, 1.25, 1.75, 9.0])["video"]
    assert part.observed[:, 0].astype(int).tolist() == [[0, 0, 1, 0], [1, 0, 1, 1], [1, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert part.present.tolist() == [False, True, True, False, False]
    held = np.moveaxis(part.values, 1, 2)
    assert (held[~part.observed[:, 0]] == 0).all()
    assert (held[part.observed[:, 0]] != 0).all()
    assert np.array_equal(part.values[3, :, 0], pixels(8, (3, 5), 2)[7])


def test_cutting_arrays_of_a_video_equals_cutting_its_pixels_one_by_one():
    random = np.random.default_rng(0)
    values, seen = random.standard_normal((2, 9, 3, 4)).astype(np.float32), random.random((1, 9)) < 0.6
    first = np.array([-2, 0, 3, 6, 7, 20])
    whole = cut_arrays(values, seen, first, 3, min_observed=0.5)
    for channel, row, column in np.ndindex(2, 3, 4):
        one = cut_arrays(values[channel : channel + 1, :, row, column], seen, first, 3, min_observed=0.5)
        assert np.array_equal(whole.values[:, channel, :, row, column], one.values[:, 0])
        assert np.array_equal(whole.observed, one.observed)
        assert np.array_equal(whole.present, one.present)


def test_an_unprepared_video_is_told_what_is_wrong_with_its_frames():
    with pytest.raises(FrameSizeError, match="a video of 4 x 6 pixels, expected a video of 3 x 5 pixels"):
        cut(clip(video(8, (4, 6), channels=2, rate_hz=4.0)), SECONDS, [0.0])


def test_a_batch_of_clips_is_on_the_clock_of_clips_and_an_absent_video_is_marked():
    both, alone = (prepare(clip(*streams), spec()) for streams in ((video(30), worn(30, rate_hz=30.0)), (worn(),)))
    batch = to_batch(cut(both, spec(), [0.0]), spec())
    assert {name: signal.clock for name, signal in batch.signals.items()} == {"video": ClipClock(), "acc": ClipClock()}
    assert batch.signals["video"].values.shape == (1, 1, 6, 4, 6)
    assert batch.present().all()
    batch = to_batch(cut(alone, spec(), [0.0]), spec())
    video_ = batch.signals["video"]
    assert (video_.values.shape, video_.observed.shape) == ((1, 1, 6, 4, 6), (1, 1, 6))
    assert batch.present().tolist() == [[False, True]]
    assert not video_.observed.any()
    assert clock_of(SECONDS.named[0], SECONDS) == RateClock(4.0)


def test_windows_of_another_frame_size_are_refused():
    windows = cut(film(), SECONDS, [0.0])
    other = SECONDS.model_copy(update={"modalities": (SECONDS.named[0].model_copy(update={"frame": (5, 3)}),)})
    with pytest.raises(LengthError, match=r"\(1, 2, 4, 3, 5\), expected \(1, 2, 4, 5, 3\)"):
        to_batch(windows, other)


def people() -> list[Recording]:
    """With a video, with lost frames in it, without one, and spread over the whole clip."""
    label = LabelTrack((Interval(0.0, 0.8, "wave"),))
    return [
        clip(video(24), worn(), subject="a", session="1", labels=label),
        clip(video(24, lost=(0, 9, 10, 23)), worn(), subject="b", session="1"),
        clip(worn(), subject="c", session="1"),
        clip(spread(video(9, lost=(4,))), spread(worn(77)), subject="d", session="1"),
    ]


def test_a_clip_of_the_store_equals_the_same_cut_of_its_recording(tmp_path: Path):
    store = build_store(tmp_path, people(), spec())
    assert len(store) == 4
    assert store.index.start_s.tolist() == [0.0] * 4
    assert store.index.present.tolist() == [[True, True], [True, True], [False, True], [True, True]]
    stored = store.windows([0, 1, 2, 3])
    for row, recording in enumerate(people()):
        for name, part in cut(prepare(recording, spec()), spec(), [0.0]).items():
            for mine, theirs in zip(stored[name], part, strict=True):
                np.testing.assert_array_equal(mine[row], theirs[0])
    assert stored["video"].observed[1, 0].tolist() == [True, True, False, True, True, True]
    assert not stored["video"].observed[2].any()
    batch = to_batch(stored, store.spec, store.keys([0, 1, 2, 3]))
    assert batch.signals["video"].present.tolist() == [True, True, False, True]


def test_a_stored_clip_reads_back_with_its_frames_flags_and_labels_and_needs_no_preparing(tmp_path: Path):
    build_store(tmp_path, people(), spec())
    store = WindowStore.open(tmp_path)
    assert store.spec == spec()
    for key, recording in zip(store.sessions, people(), strict=True):
        stored, wanted = store.recording(key), prepare(recording, spec())
        assert stored.labels == wanted.labels
        again = prepare(stored, spec())
        for name, stream in wanted.streams.items():
            assert np.array_equal(stored.streams[name].values, stream.values)
            assert np.array_equal(stored.streams[name].is_observed(), stream.is_observed())
            assert np.array_equal(again.streams[name].values, stream.values)
    store.verify()


def test_a_store_of_videos_by_the_second_equals_its_recordings_at_any_start(tmp_path: Path):
    given = replace(film(37, lost=(0, 17, 18, 36)), subject="a")
    store = build_store(tmp_path, [given], SECONDS)
    starts = [-0.5, 0.0, 3.9, 4.13, 8.6, 30.0]
    for mine, theirs in zip(store.windows_at("a", starts)["video"], cut(given, SECONDS, starts)["video"], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_store_whose_frames_have_another_size_than_its_spec_says_is_damaged(tmp_path: Path):
    build_store(tmp_path, people()[:1], spec())
    path = tmp_path / "sessions" / "a-1" / "video.values.npy"
    np.save(path, np.load(path)[..., :5])
    with pytest.raises(ReaderError, match=r"video\.values\.npy holds float32 \(1, 6, 4, 5\), expected float32 \(1, 6, 4, 6\)"):
        WindowStore.open(tmp_path)


def test_another_frame_size_builds_a_store_again(tmp_path: Path):
    build_store(tmp_path, people()[2:3], spec())
    store = build_store(tmp_path, people()[2:3], spec(size=(8, 8)))
    assert store.windows([0])["video"].values.shape == (1, 1, 6, 8, 8)
