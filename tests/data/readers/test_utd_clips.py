"""UTD-MHAD with depth, skeleton and inertial sensor as one clip."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from tiny_har import utd_clip

from sslts import registry
from sslts.config import SensorSpec
from sslts.data import Source, build_store, readers
from sslts.data.labels import Interval
from sslts.data.readers.utd_actions import ACTIONS
from sslts.data.readers.utd_clips import JOINTS
from sslts.errors import ConfigError, ReaderError, UnsafeFileError


def path_of(root: Path, part: str = "depth") -> Path:
    return root / part.title() / f"a1_s1_t1_{part}.mat"


def test_all_parts_are_spread_over_one_labelled_clip(tmp_path):
    arrays = utd_clip(tmp_path, action=22, person=3, trial=2, frames=7, samples=40)
    clip = readers.utd_mhad(tmp_path, "s3/a22/t2")
    assert (clip.subject, clip.session) == ("s3", "s3/a22/t2")
    assert {name: (len(stream), stream.rate_hz, stream.start_s) for name, stream in clip.streams.items()} == {
        "depth": (7, 7.0, 0.0), "acc": (40, 40.0, 0.0), "gyro": (40, 40.0, 0.0), "skeleton": (7, 7.0, 0.0),
    }  # fmt: skip
    assert clip.labels.intervals == (Interval(0.0, 1.0, "jogging in place"),)
    inertial = arrays["inertial"].astype(np.float32)
    assert np.array_equal(clip.streams["acc"].values, inertial[:, :3])
    assert np.array_equal(clip.streams["gyro"].values, inertial[:, 3:])


def test_joints_keep_their_axes_together(tmp_path):
    skeleton = utd_clip(tmp_path)["skeleton"].astype(np.float32)
    stream = readers.utd_mhad(tmp_path).streams["skeleton"]
    for number, joint in ((0, "head"), (11, "right-hand"), (19, "right-foot")):
        assert JOINTS[number] == joint
        for axis, letter in enumerate("xyz"):
            column = stream.channel_names.index(f"{joint}-{letter}")
            assert np.array_equal(stream.values[:, column], skeleton[number, axis])


def test_original_depth_frames_are_cut_to_the_people_and_averaged_in_metres(tmp_path):
    depth = utd_clip(tmp_path)["depth"].astype(np.float64)
    frames = readers.utd_mhad(tmp_path, frame=(55, 44)).streams["depth"].values
    blocks = depth[20:240, 52:272].reshape(55, 4, 44, 5, 7).mean(axis=(1, 3)) / 1000
    np.testing.assert_allclose(frames[:, 0], np.moveaxis(blocks, 2, 0), rtol=1e-5)
    assert readers.utd_mhad(tmp_path).streams["depth"].frame == (96, 96)


def test_depth_frames_that_were_made_smaller_before_are_not_cut(tmp_path):
    depth = utd_clip(tmp_path, size=(96, 96))["depth"].astype(np.float32)
    frames = readers.utd_mhad(tmp_path).streams["depth"].values
    np.testing.assert_allclose(frames[:, 0], np.moveaxis(depth, 2, 0) / 1000, rtol=1e-6)


def test_depth_frames_that_were_made_smaller_before_are_not_enlarged(tmp_path):
    utd_clip(tmp_path, size=(64, 64))
    with pytest.raises(ReaderError, match=r"a1_s1_t1_depth\.mat: .*, 64 x 64 pixels, .* 96 x 96, .*frame=\(64, 64\)"):
        readers.utd_mhad(tmp_path)
    assert readers.utd_mhad(tmp_path, frame=(64, 64)).streams["depth"].frame == (64, 64)
    utd_clip(tmp_path / "original")
    assert readers.utd_mhad(tmp_path / "original", frame=(224, 224)).streams["depth"].frame == (224, 224), "as asked"
    assert readers.utd_mhad(tmp_path, parts=("inertial",)).names == ("acc", "gyro")


def test_parts_whose_file_is_missing_are_absent_and_others_can_be_left_unread(tmp_path):
    utd_clip(tmp_path, trial=1, parts=("inertial",))
    utd_clip(tmp_path, trial=2, parts=("depth", "skeleton"))
    utd_clip(tmp_path, trial=3)
    path_of(tmp_path, "depth").with_name("a1_s1_t3_depth.mat").write_bytes(b"damaged")
    assert readers.utd_mhad(tmp_path, "s1/a1/t1").names == ("acc", "gyro")
    assert readers.utd_mhad(tmp_path, "s1/a1/t2").names == ("depth", "skeleton")
    assert readers.utd_mhad(tmp_path, "s1/a1/t3", parts=("skeleton", "inertial")).names == ("skeleton", "acc", "gyro")
    only = registry.get("reader", "utd-mhad").create(parts=("inertial",))
    assert only.sessions(tmp_path) == ("s1/a1/t1", "s1/a1/t3")


def test_clips_that_lack_a_part_are_named(tmp_path, caplog):
    utd_clip(tmp_path, trial=1)
    readers_of = registry.get("reader", "utd-mhad").create()
    assert readers_of.sessions(tmp_path) == ("s1/a1/t1",)
    assert not caplog.records
    utd_clip(tmp_path, trial=2, parts=("depth", "skeleton"))
    assert readers_of.sessions(tmp_path) == ("s1/a1/t1", "s1/a1/t2")
    assert "1 of 2 clips lack a part, which is absent in them: s1/a1/t2 (inertial)" in caplog.text


def test_sessions_are_in_numeric_order_and_unknown_actions_are_left_out(tmp_path):
    for action, person, trial in ((10, 1, 1), (2, 2, 3), (2, 1, 4), (2, 1, 1)):
        utd_clip(tmp_path, action=action, person=person, trial=trial, parts=("inertial",))
    utd_clip(tmp_path, action=3, parts=("skeleton",))
    for name in ("a28_s1_t1_inertial.mat", "a0_s1_t1_inertial.mat"):
        (tmp_path / "Inertial" / name).write_bytes(b"no action of the data set")
    reader = registry.get("reader", "utd-mhad").create()
    assert reader.sessions(tmp_path) == ("s1/a2/t1", "s1/a2/t4", "s1/a3/t1", "s1/a10/t1", "s2/a2/t3")
    assert reader.subjects(tmp_path) == ("s1", "s2")
    assert [path.name for path in reader.files(tmp_path, "s1/a3/t1")] == ["a3_s1_t1_skeleton.mat"]


def test_the_tree_may_lie_deeper_or_in_an_archive_or_in_one_folder(tmp_path):
    utd_clip(tmp_path / "data" / "UTD-MHAD", size=(8, 8))
    folder = tmp_path / "data"
    archive = tmp_path / "all.zip"
    flat = tmp_path / "flat"
    flat.mkdir()
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.rglob("*.mat"):
            file.write(path, str(path.relative_to(tmp_path)))
            (flat / path.name).write_bytes(path.read_bytes())
    first, *others = [readers.utd_mhad(root, "s1/a1/t1", frame=(8, 8)) for root in (folder, folder / "UTD-MHAD", archive, flat)]
    assert first.names == ("depth", "acc", "gyro", "skeleton")
    for other in others:
        for name, stream in first.streams.items():
            assert np.array_equal(other.streams[name].values, stream.values)


def test_every_channel_says_what_it_measures_and_in_which_unit():
    modalities = registry.get("reader", "utd-mhad").create(frame=(48, 64)).modalities
    spec = SensorSpec(modalities=modalities, window_s=1, stride_s=1, clock="clip")
    assert spec.names == ("depth", "acc", "gyro", "skeleton")
    assert spec.modality("depth").frame == (48, 64)
    assert [modality.channels[0].unit for modality in modalities] == ["m", "g", "deg/s", "m"]
    assert len(spec.modality("skeleton").channels) == 60
    assert set(registry.get("reader", "utd-mhad").labels) == set(ACTIONS)


def test_clips_become_a_store_of_one_window_each(tmp_path):
    for trial, parts in ((1, ("depth", "inertial", "skeleton")), (2, ("inertial", "skeleton"))):
        utd_clip(tmp_path / "raw", trial=trial, parts=parts, size=(16, 16))
    reader = registry.get("reader", "utd-mhad").create(frame=(4, 4))
    fewer = {"depth": 4, "acc": 16, "gyro": 16}
    modalities = tuple(m.model_copy(update={"rate_hz": float(fewer[m.name])}) for m in reader.modalities if m.name in fewer)
    spec = SensorSpec(modalities=modalities, window_s=1, stride_s=1, clock="clip")
    store = build_store(tmp_path / "store", Source(reader, tmp_path / "raw"), spec)
    assert store.index.present.tolist() == [[True, True, True], [False, True, True]]
    assert store.windows([0, 1])["depth"].values.shape == (2, 1, 4, 4, 4)


@pytest.mark.parametrize(
    ("part", "key", "value", "told"),
    [
        ("depth", "d_depth", np.zeros((240, 320)), r"has shape \(240, 320\), expected 3 axes"),
        (
            "depth",
            "d_depth",
            np.zeros((320, 240, 5)),
            r"shape \(320, 240, 5\), expected \(240, 320, T\), or square frames .* leave this one out",
        ),
        ("depth", "d_depth", np.zeros((0, 0, 5)), r"shape \(0, 0, 5\), expected"),
        ("depth", "d_depth", np.zeros((240, 320, 1)), "'depth' holds 1 frame; a clip needs at least two. Leave this file out"),
        ("depth", "d_depth", np.zeros((240, 320, 0)), "'depth' holds 0 frames"),
        ("depth", "depth", np.zeros((240, 320, 5)), "holds no array 'd_depth'"),
        ("inertial", "d_iner", np.zeros((10, 5)), r"shape \(10, 5\), expected \[N, 6\]"),
        ("inertial", "d_iner", np.zeros((1, 6)), "'acc' holds 1 sample;"),
        ("inertial", "d_iner", np.zeros((0, 6)), "'acc' holds 0 samples"),
        ("skeleton", "d_skel", np.zeros((19, 3, 5)), r"shape \(19, 3, 5\), expected \(20, 3, T\)"),
        ("skeleton", "d_skel", np.zeros((20, 3)), r"shape \(20, 3\), expected 3 axes"),
        ("skeleton", "d_skel", np.zeros((20, 3, 1)), "'skeleton' holds 1 sample;"),
    ],
)
def test_other_shapes_are_refused_and_the_file_is_named(tmp_path, part, key, value, told):
    utd_clip(tmp_path, size=(96, 96))
    savemat(path_of(tmp_path, part), {key: value})
    with pytest.raises(ReaderError, match=rf"a1_s1_t1_{part}\.mat.*{told}"):
        readers.utd_mhad(tmp_path)


@pytest.mark.parametrize("part", ["depth", "inertial", "skeleton"])
def test_a_truncated_file_is_named_and_anything_but_numbers_is_refused(tmp_path, part):
    utd_clip(tmp_path, size=(96, 96))
    path = path_of(tmp_path, part)
    data = path.read_bytes()
    for share, told in ((0.6, "is damaged"), (0.0, "no MATLAB 5 file")):
        path.write_bytes(data[: round(share * len(data))])
        with pytest.raises(ReaderError, match=rf"a1_s1_t1_{part}\.mat.*{told}.*Download it again"):
            readers.utd_mhad(tmp_path)
    savemat(path, {{"depth": "d_depth", "inertial": "d_iner", "skeleton": "d_skel"}[part]: np.array([["a", 1.0]], dtype=object)})
    with pytest.raises(UnsafeFileError, match="expected plain numbers"):
        readers.utd_mhad(tmp_path)


def test_a_pixel_that_is_no_number_makes_its_frame_a_lost_one(tmp_path):
    utd_clip(tmp_path, size=(8, 8))
    depth = np.full((8, 8, 4), 1500.0)
    depth[3, 4, 2] = np.nan
    savemat(path_of(tmp_path), {"d_depth": depth})
    stream = readers.utd_mhad(tmp_path, frame=(4, 4)).streams["depth"]
    assert stream.is_observed()[:, 0].tolist() == [True, True, False, True]
    assert stream.values[:2] == pytest.approx(1.5)


@pytest.mark.parametrize(
    "options", [{"frame": (0, 96)}, {"frame": (96, 5000)}, {"parts": ()}, {"parts": ("depth", "depth")}, {"parts": ("rgb",)}]
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ConfigError):
        registry.get("reader", "utd-mhad").create(**options)
