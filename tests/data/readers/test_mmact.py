"""MMAct in its official layout: one recording a camera view, sensors by their time stamps, all parts over one clip."""

from __future__ import annotations

import logging
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tiny_mmact import FOLDERS, clip, sensor, video, worn

from sslts import registry
from sslts.config import SensorSpec
from sslts.data import Source, build_store, readers
from sslts.data.labels import Interval
from sslts.data.readers.tree import Tree
from sslts.data.units import normalise_unit
from sslts.errors import ConfigError, MissingDependencyError, ReaderError

CARRYING = "subject1/cam1/scene1/session1/carrying"


def reader(**options):
    return registry.get("reader", "mmact").create(**{"frame": (6, 8), "frames": 4, **options})


def test_all_parts_are_spread_over_one_labelled_clip(tmp_path):
    pytest.importorskip("av")
    clip(tmp_path, person=12, scene=3, session=2, action="talking_on_phone", seconds=2.0, frames=8)
    found = reader().read(tmp_path)
    assert (found.subject, found.session) == ("s12", "subject12/cam1/scene3/session2/talking_on_phone")
    assert found.labels.intervals == (Interval(0.0, 1.0, "talking on phone"),)
    assert {name: (len(stream), stream.rate_hz, stream.start_s) for name, stream in found.streams.items()} == {
        "video": (4, 4.0, 0.0), "acc_phone": (200, 200.0, 0.0), "acc_watch": (200, 200.0, 0.0), "gyro": (100, 100.0, 0.0),
        "orientation": (100, 100.0, 0.0),
    }  # fmt: skip
    film = found.streams["video"]
    assert film.values.shape == (4, 3, 6, 8)
    assert np.abs(film.values.mean(axis=(1, 2, 3)) - np.linspace(0, 1, 8)[[1, 3, 5, 7]]).max() < 0.02
    assert np.abs(found.streams["acc_watch"].values - [0, 0, 9.81]).max() < 1e-4, "constant axes stay constant"


@pytest.mark.parametrize("style", ["official", "iso", "s", "ms"])
def test_stamps_in_any_style_give_the_same_samples(tmp_path, style):
    wave = np.sin(np.arange(60) / 9)[:, None] * [1, 2, 3]
    sensor(tmp_path, "gyro_clip", wave, style=style)
    found = reader().read(tmp_path).streams["gyro"]
    np.testing.assert_allclose(found.values, wave, atol=2e-3)
    assert found.observed is None


def test_samples_lie_where_their_stamps_say_not_where_their_rows_do(tmp_path):
    """A sensor that drops rows and shakes: its values are a line in time, and stay one."""
    times = np.delete(np.arange(100) / 50, [10, 11, 12, 60, 61])
    times[1:-1] += np.random.default_rng(0).uniform(-0.003, 0.003, len(times) - 2)
    sensor(tmp_path, "gyro_clip", times[:, None] * [1, -1, 10], times=times)
    found = reader().read(tmp_path).streams["gyro"]
    clock = np.linspace(0, times[-1], len(found))
    assert abs(len(found) - 100) <= 6
    np.testing.assert_allclose(found.values, clock[:, None] * [1, -1, 10], atol=0.02)


def test_a_long_pause_is_lost(tmp_path):
    times = np.concatenate([np.arange(50), 100 + np.arange(50)]) / 50
    sensor(tmp_path, "gyro_clip", worn(100), times=times)
    assert reader().read(tmp_path).streams["gyro"].is_observed()[:, 0].sum() == 100
    assert len(reader().read(tmp_path).streams["gyro"]) == 150


def test_orientation_turns_through_north_without_passing_through_south(tmp_path):
    heading = np.stack([(350 + np.arange(40)) % 360, np.full(40, -20.0), np.full(40, 5.0)], axis=1)
    times = np.delete(np.arange(40) / 50, [9, 10, 11])  # 358 to 2 degrees
    sensor(tmp_path, "orientation_clip", np.delete(heading, [9, 10, 11], axis=0), times=times)
    found = reader().read(tmp_path).streams["orientation"].values
    np.testing.assert_allclose(found, np.stack([350 + np.arange(40.0), heading[:, 1], heading[:, 2]], axis=1), atol=1e-3)


@pytest.mark.parametrize("seconds", [0.5, 8.0])
def test_sensors_shorter_or_longer_than_the_video_fill_the_same_clip(tmp_path, seconds):
    pytest.importorskip("av")
    clip(tmp_path, seconds=seconds, frames=25)  # one second of frames
    made = reader()
    modalities = tuple(modality.model_copy(update={"rate_hz": 4.0 if modality.name == "video" else 16.0}) for modality in made.modalities)
    spec = SensorSpec(modalities=modalities, window_s=1, stride_s=1, clock="clip")
    store = build_store(tmp_path / "store", Source(made, tmp_path), spec)
    assert store.index.present.tolist() == [[True] * 5]
    windows = store.windows([0])
    assert windows["video"].values.shape == (1, 3, 4, 6, 8)
    assert all(part.observed.all() for part in windows.values())
    np.testing.assert_allclose(windows["acc_phone"].values[0, 2], 9.81, rtol=1e-4)
    turned = windows["gyro"].values[0, 0]
    assert (np.diff(turned) > 0).all()
    assert turned[8] == pytest.approx(0.5, abs=0.05), "half of the turn at half of the clip"


def test_each_camera_is_a_recording_that_shares_the_sensors(tmp_path):
    pytest.importorskip("av")
    clip(tmp_path, cameras=(1, 3))
    clip(tmp_path, action="walking", cameras=(3,))
    assert reader().sessions(tmp_path) == (CARRYING, "subject1/cam1/scene1/session1/walking")
    both = reader(cameras=(1, 3))
    assert both.sessions(tmp_path) == (
        CARRYING, "subject1/cam3/scene1/session1/carrying", "subject1/cam3/scene1/session1/walking",
    )  # fmt: skip
    first, other = (both.read(tmp_path, session=name) for name in both.sessions(tmp_path)[:2])
    assert first.subject == other.subject == "s1"
    assert np.array_equal(first.streams["gyro"].values, other.streams["gyro"].values)
    np.testing.assert_allclose(first.streams["video"].values, other.streams["video"].values[::-1], atol=0.16)
    unseen = reader().read(tmp_path, session="subject1/cam1/scene1/session1/walking")
    assert unseen.names == ("acc_phone", "acc_watch", "gyro", "orientation"), "the first camera did not see it"


def test_sessions_are_in_numeric_order_and_any_action_is_read_by_its_name(tmp_path):
    for person, scene, session, action in ((10, 1, 1, "fall"), (2, 1, 10, "fall"), (2, 1, 9, "new_action"), (2, 1, 9, "fall")):
        sensor(tmp_path, "gyro_clip", worn(5), place=f"subject{person}/scene{scene}/session{session}/{action}")
    assert reader().sessions(tmp_path) == (
        "subject2/cam1/scene1/session9/fall",
        "subject2/cam1/scene1/session9/new_action",
        "subject2/cam1/scene1/session10/fall",
        "subject10/cam1/scene1/session1/fall",
    )
    assert reader().subjects(tmp_path) == ("s2", "s10")
    assert reader().sessions(tmp_path, subject="s10") == ("subject10/cam1/scene1/session1/fall",)
    assert reader().read(tmp_path, session="subject2/cam1/scene1/session9/new_action").labels.names == ("new action",)


def test_files_of_one_clip_are_found_whatever_the_case_of_their_names(tmp_path):
    sensor(tmp_path, "gyro_clip", worn(5), place="subject1/scene1/session1/Carrying_light")
    sensor(tmp_path, "acc_watch_clip", worn(5), place="subject1/scene1/session1/carrying_light")
    found = reader().read(tmp_path)
    assert found.session == "subject1/cam1/scene1/session1/carrying_light"
    assert found.names == ("acc_watch", "gyro")


@pytest.mark.parametrize("videos", ["RGB", "video", "trimmed", "Video_trimmed", "MMAct/RGB", "."])
def test_videos_are_found_in_any_of_their_folders(tmp_path, videos):
    pytest.importorskip("av")
    video(tmp_path, videos=videos)
    assert reader().read(tmp_path, session=CARRYING).names == ("video",)


def test_the_tree_may_lie_deeper_or_in_an_archive(tmp_path):
    pytest.importorskip("av")
    folder, archive = tmp_path / "data", tmp_path / "all.zip"
    clip(folder / "MMAct")
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.rglob("*.*"):
            file.write(path, str(path.relative_to(tmp_path)))
    first, *others = [reader().read(root, session=CARRYING) for root in (folder, folder / "MMAct", archive)]
    assert len(first.names) == 5
    for other in others:
        for name, stream in first.streams.items():
            assert np.array_equal(other.streams[name].values, stream.values)


def test_missing_empty_and_invalid_sensor_files_are_absent(tmp_path, caplog):
    sensor(tmp_path, "acc_phone_clip", worn(5))
    for folder, rows in (("acc_watch_clip", 0), ("gyro_clip", 1)):
        sensor(tmp_path, folder, worn(rows))
    sensor(tmp_path, "orientation_clip", worn(5)).write_text("what measures nothing\n")
    (tmp_path / "orientation_clip" / "invalid_files.txt").write_text("./subject1\\scene1\\session1\\Carrying.csv\n\nsubject2/x.csv\n")
    with caplog.at_level(logging.INFO, logger="sslts.data.readers.mmact_clips"):
        found = reader().read(tmp_path)
    assert found.names == ("acc_phone",)
    assert re.search(r"gyro_clip.*carrying\.csv holds 1 samples: 'gyro' is absent", caplog.text)
    assert [path.parent.parent.parent.parent.name for path in reader().files(tmp_path, CARRYING)] == list(FOLDERS[:3])


def test_a_clip_of_which_nothing_is_left_is_refused(tmp_path):
    sensor(tmp_path, "gyro_clip", worn(0))
    with pytest.raises(ReaderError, match=f"'{CARRYING}' has no video and no sensor with at least two samples"):
        reader().read(tmp_path)


def test_time_that_goes_back_names_file_and_line_and_is_put_in_order_when_asked(tmp_path):
    times = [0.0, 0.02, 0.06, 0.04, 0.08]
    sensor(tmp_path, "gyro_clip", np.array(times)[:, None] * [1.0, 2.0, 3.0], times=times)
    with pytest.raises(ReaderError, match=r"gyro_clip/subject1/scene1/session1/carrying\.csv, line 4: time goes back"):
        reader().read(tmp_path)
    found = reader(unordered="sort").read(tmp_path).streams["gyro"].values
    np.testing.assert_allclose(found, np.arange(5)[:, None] * [0.02, 0.04, 0.06], atol=1e-5)


def test_a_sensor_file_that_is_no_table_is_refused_and_named(tmp_path):
    path = sensor(tmp_path, "gyro_clip", worn(5))
    path.write_text(path.read_text() + "20190212_19:33:21,0,1\n")
    with pytest.raises(ReaderError, match=r"carrying\.csv, line 6: expected 3 numbers, got '0,1'"):
        reader().read(tmp_path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReaderError, match=r"carrying\.csv is not a text file"):
        reader().read(tmp_path)


@pytest.mark.parametrize("archive", [False, True])
def test_a_damaged_video_is_named(tmp_path, archive):
    pytest.importorskip("av")
    root = tmp_path / "raw"
    path = video(root)
    path.write_bytes(path.read_bytes()[:200])
    if archive:
        with zipfile.ZipFile(tmp_path / "raw.zip", "w") as file:
            file.write(path, str(path.relative_to(root)))
        root = tmp_path / "raw.zip"
    with pytest.raises(ReaderError, match=r"RGB/subject1/cam1/scene1/session1/carrying\.mp4 (is no|holds no|is cut)"):
        reader().read(root)


def test_sensors_need_no_pyav_and_a_video_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    sensor(tmp_path, "gyro_clip", worn(5))
    assert reader().read(tmp_path).names == ("gyro",)
    path = tmp_path / "RGB" / "subject1" / "cam1" / "scene1" / "session1" / "carrying.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a video")
    with pytest.raises(MissingDependencyError, match=r"sslts\[video\]"):
        reader().read(tmp_path)


@pytest.mark.parametrize("session", ["subject9/cam1/scene1/session1/carrying", "subject1/cam2/scene1/session1/carrying", "x"])
def test_an_unknown_session_is_refused_with_those_there_are(tmp_path, session):
    sensor(tmp_path, "gyro_clip", worn(5))
    with pytest.raises(ReaderError, match=f"has no session '{session}'.*Sessions: {CARRYING}"):
        reader().read(tmp_path, session=session)
    with pytest.raises(ReaderError, match="has no session"):
        reader().files(tmp_path, session)


def test_one_clip_of_many_is_found_without_listing_the_others(tmp_path, monkeypatch):
    """36,000 clips: listing all of them for each would take hours."""
    clip(tmp_path, cameras=())
    for person in (2, 3):
        clip(tmp_path, person=person, cameras=())
    made, walked = reader(), []
    find = Tree.find
    monkeypatch.setattr(Tree, "find", lambda *given, **options: walked.extend(found := find(*given, **options)) or found)
    assert made.read(tmp_path, session=CARRYING).subject == "s1"
    assert {file.name.split("/")[1] for file in walked} == {"subject1"}


@pytest.mark.parametrize(
    "options", [{"cameras": ()}, {"cameras": (1, 1)}, {"cameras": (0,)}, {"frames": 1}, {"frame": (0, 8)}, {"unordered": "x"}]
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ConfigError):
        reader(**options)


def test_every_channel_says_what_it_measures_and_in_which_unit():
    modalities = reader().modalities
    assert [modality.name for modality in modalities] == ["video", "acc_phone", "acc_watch", "gyro", "orientation"]
    channels = [channel for modality in modalities for channel in modality.channels]
    assert all(normalise_unit(channel.unit) == channel.unit and len(channel.description) > 10 for channel in channels)
    assert len({channel.description for channel in channels}) == len(channels)
    made = registry.get("reader", "mmact")
    assert len(made.labels) == 35
    assert made.citation
    assert made.licence


def test_the_function_reads_as_the_reader_does(tmp_path: Path):
    sensor(tmp_path, "gyro_clip", worn(5))
    found = readers.mmact(tmp_path, CARRYING, frame=(6, 8), frames=4)
    assert np.array_equal(found.streams["gyro"].values, reader().read(tmp_path).streams["gyro"].values)
