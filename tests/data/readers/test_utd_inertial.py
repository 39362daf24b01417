import numpy as np
import pytest
from scipy.io import savemat

from sslts import registry
from sslts.data import readers
from sslts.data.readers.utd_actions import ACTIONS
from sslts.errors import ReaderError, UnsafeFileError


def write(root, action=1, person=1, trial=1, **entries):
    path = root / "Inertial" / f"a{action}_s{person}_t{trial}_inertial.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, entries or {"d_iner": np.arange(60.0).reshape(10, 6)})
    return path


def test_the_place_of_the_sensor_depends_on_the_action(tmp_path):
    write(tmp_path, action=21)
    write(tmp_path, action=22)
    wrist, thigh = readers.utd_mhad_inertial(tmp_path, "s1/a21/t1"), readers.utd_mhad_inertial(tmp_path, "s1/a22/t1")
    assert wrist.names == ("right_wrist_acc", "right_wrist_gyro")
    assert thigh.names == ("right_thigh_acc", "right_thigh_gyro")
    assert wrist.streams["right_wrist_acc"].values[1].tolist() == [6.0, 7.0, 8.0]
    assert thigh.streams["right_thigh_gyro"].values[1].tolist() == [9.0, 10.0, 11.0]
    units = [wrist.streams[name].channels[0].unit for name in wrist.names]
    assert units == ["g", "deg/s"]
    assert thigh.streams["right_thigh_acc"].channels[0].position == "right thigh"
    assert (wrist.labels.names, thigh.labels.names) == (("right hand pick up and throw",), ("jogging in place",))
    assert wrist.labels.intervals[0].end_s == pytest.approx(0.2)


def test_sessions_are_in_numeric_order(tmp_path):
    for action, person, trial in ((10, 1, 1), (2, 2, 3), (2, 1, 4), (2, 1, 1)):
        write(tmp_path, action, person, trial)
    (tmp_path / "Inertial" / "a28_s1_t1_inertial.mat").write_bytes(b"no action of the data set")
    reader = registry.get("reader", "utd-mhad-inertial").create()
    assert reader.sessions(tmp_path) == ("s1/a2/t1", "s1/a2/t4", "s1/a10/t1", "s2/a2/t3")
    assert reader.sessions(tmp_path / "Inertial", subject="s2") == ("s2/a2/t3",)
    assert len(ACTIONS) == 27


def test_every_modality_that_a_clip_holds_is_declared(tmp_path):
    write(tmp_path, action=1)
    write(tmp_path, action=27)
    reader = registry.get("reader", "utd-mhad-inertial").create()
    declared = {modality.name: modality for modality in reader.modalities}
    for session in reader.sessions(tmp_path):
        for name, stream in reader.read(tmp_path, session=session).streams.items():
            assert stream.modality == declared[name]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.zeros((10, 5)), ReaderError, r"shape \(10, 5\), expected \[N, 6\]"),
        (np.zeros((0, 6)), ReaderError, r"shape \(0, 6\)"),
        (np.zeros((2, 3, 6)), ReaderError, "expected 2 axes"),
        (np.array([["a", 1.0]], dtype=object), UnsafeFileError, "expected plain numbers"),
        ({"field": np.zeros((10, 6))}, UnsafeFileError, "expected plain numbers"),
        ("text", UnsafeFileError, "expected plain numbers"),
        (np.zeros((10, 6), dtype=complex), UnsafeFileError, "expected plain numbers"),
    ],
)
def test_anything_but_a_table_of_six_numbers_is_refused(tmp_path, value, error, message):
    write(tmp_path, d_iner=value)
    with pytest.raises(error, match=rf"a1_s1_t1_inertial\.mat.*{message}"):
        readers.utd_mhad_inertial(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:200], "is damaged"),
        (lambda data: data[:50], "no MATLAB 5 file"),
        (lambda data: b"", "no MATLAB 5 file"),
        (lambda data: b"MATLAB 7.3 MAT-file" + data[19:124] + b"\x00\x02IM" + data[128:], "no MATLAB 5 file"),
        (lambda data: data + bytes(1 << 20), "expected at most"),
        (lambda data: data[:136] + bytes([255]) * 40 + data[176:], "damaged|no array|plain numbers"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, change, message):
    path = write(tmp_path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ReaderError, match=rf"a1_s1_t1_inertial\.mat.*({message})"):
        readers.utd_mhad_inertial(tmp_path)


def test_a_file_without_the_array_is_named(tmp_path):
    write(tmp_path, other=np.zeros((10, 6)))
    with pytest.raises(ReaderError, match="holds no array 'd_iner'"):
        readers.utd_mhad_inertial(tmp_path)
