import zipfile

import numpy as np
import pytest

from sslts import registry
from sslts.data import readers, samples
from sslts.errors import ConfigError, ReaderError

HEADER = (
    ",attitude.roll,attitude.pitch,attitude.yaw,gravity.x,gravity.y,gravity.z,rotationRate.x,rotationRate.y,rotationRate.z,"
    "userAcceleration.x,userAcceleration.y,userAcceleration.z"
)
ROW = "0.1,0.2,0.3,0.0,-0.6,0.8,1.5,-2.5,3.5,0.25,0.1,-0.3"


def write(root, trial="wlk_7", person=3, rows=5):
    path = root / "A_DeviceMotion_data" / trial / f"sub_{person}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *(f"{index},{ROW}" for index in range(rows))]) + "\n")
    return path


def test_acceleration_is_gravity_plus_user_acceleration(tmp_path):
    write(tmp_path)
    recording = readers.motionsense(tmp_path)
    acc, gyro = recording.streams["acc"], recording.streams["gyro"]
    assert acc.values[0].tolist() == pytest.approx([0.25, -0.5, 0.5])
    assert gyro.values[4].tolist() == [1.5, -2.5, 3.5]
    assert (acc.rate_hz, acc.channels[0].unit, gyro.channels[0].unit) == (50.0, "g", "rad/s")
    assert acc.channels[1].position == "thigh"
    assert (
        acc.channels[1].description
        == "acceleration of the thigh, a phone in the front trouser pocket, along the sensor's y axis, gravity included"
    )
    assert (recording.names, recording.subject, recording.session) == (("acc", "gyro"), "sub_3", "sub_3/wlk_7")
    (interval,) = recording.labels.intervals
    assert (interval.start_s, interval.end_s, interval.label) == (0.0, 0.1, "walking")


def test_extras_are_read_when_asked(tmp_path):
    write(tmp_path)
    recording = readers.motionsense(tmp_path, extras=["attitude", "user_acc", "gravity"])
    assert set(recording.names) == {"acc", "gyro", "gravity", "user_acc", "attitude"}
    assert recording.streams["attitude"].values[0].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert recording.streams["gravity"].values[0].tolist() == pytest.approx([0.0, -0.6, 0.8])
    # `prepare` takes an accelerometer that feels no gravity for a wrong unit.
    assert recording.streams["user_acc"].channels[0].kind == "linear-acceleration"
    reader = registry.get("reader", "motionsense").create(extras=("gravity",))
    assert [modality.name for modality in reader.modalities] == ["acc", "gyro", "gravity"]
    with pytest.raises(ConfigError, match="extras"):
        readers.motionsense(tmp_path, extras=["mag"])


@pytest.mark.parametrize(
    ("code", "label"),
    [("dws", "walking downstairs"), ("ups", "walking upstairs"), ("jog", "jogging"), ("sit", "sitting"), ("std", "standing")],
)
def test_the_label_comes_from_the_folder(tmp_path, code, label):
    write(tmp_path, f"{code}_11")
    assert readers.motionsense(tmp_path).labels.names == (label,)


def test_sessions_are_ordered_by_person_activity_and_trial(tmp_path):
    for trial, person in (("wlk_15", 2), ("wlk_8", 2), ("sit_5", 10), ("jog_9", 2)):
        write(tmp_path, trial, person)
    (tmp_path / "B_Accelerometer_data" / "wlk_8").mkdir(parents=True)
    (tmp_path / "B_Accelerometer_data" / "wlk_8" / "sub_1.csv").write_text("x\n")
    reader = registry.get("reader", "motionsense").create()
    expected = ("sub_2/jog_9", "sub_2/wlk_8", "sub_2/wlk_15", "sub_10/sit_5")
    assert reader.sessions(tmp_path) == reader.sessions(tmp_path / "A_DeviceMotion_data") == expected
    assert reader.subjects(tmp_path) == ("sub_2", "sub_10")


def test_in_a_zip_the_device_motion_folder_is_taken(tmp_path):
    path = write(tmp_path)
    archive = tmp_path / "data.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("B_Accelerometer_data/wlk_7/sub_3.csv", "x\n")
        file.write(path, "motion-sense/A_DeviceMotion_data/wlk_7/sub_3.csv")
        file.writestr("__MACOSX/A_DeviceMotion_data/wlk_7/sub_3.csv", "junk")
    np.testing.assert_array_equal(readers.motionsense(archive).streams["acc"].values, readers.motionsense(tmp_path).streams["acc"].values)
    reader = registry.get("reader", "motionsense").create()
    assert reader.files(archive, "sub_3/wlk_7") == (archive,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("gravity.x", "g.x"), "line 1: expected the 13 columns"),
        (lambda text: text.split("\n", 1)[1], "line 1: expected the 13 columns"),
        (lambda text: text.rsplit(",", 2)[0], "line 6: expected 13 numbers"),
        (lambda text: text.replace("\n2,", "\n7,"), "line 4: expected sample 2, got sample 7"),
        (lambda text: text.replace("3.5", "oops\x1b", 1), r"line 2: expected 13 numbers, got .*oops\?"),
        (lambda text: HEADER + "\n", "holds no samples"),
        (lambda text: "", "line 1"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, change, message):
    path = write(tmp_path)
    path.write_text(change(path.read_text()))
    with pytest.raises(ReaderError, match=rf"sub_3\.csv.*{message}"):
        readers.motionsense(tmp_path)


def test_an_empty_folder_holds_no_recording(tmp_path):
    with pytest.raises(ReaderError, match="no recording of MotionSense"):
        readers.motionsense(tmp_path)


def test_the_bundled_sample_has_all_six_activities():
    path = samples.path("motionsense_sub_24")
    assert path.stat().st_size < 400_000
    sessions = readers.sessions("motionsense", path)
    recordings = [readers.motionsense(path, session) for session in sessions]
    assert {recording.subject for recording in recordings} == {"sub_24"}
    assert {name for recording in recordings for name in recording.labels.names} == set(registry.get("reader", "motionsense").labels)
    # Lines of the six files less their headers.
    assert sum(len(recording.streams["acc"]) for recording in recordings) == 13_255 - 6
