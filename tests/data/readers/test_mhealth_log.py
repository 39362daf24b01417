import pytest

from sslts import registry
from sslts.data import readers
from sslts.errors import ReaderError


def write(root, labels, person=1):
    """Column c (counted from 1) of the first 23 holds c."""
    path = root / "MHEALTHDATASET" / f"mHealth_subject{person}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(f"{column}" for column in range(1, 24)) + f"\t{label}\n" for label in labels))
    return path


def test_columns_go_to_their_streams_in_documented_units(tmp_path):
    write(tmp_path, [0, 0])
    recording = readers.mhealth(tmp_path)
    assert {name: stream.values[1].tolist() for name, stream in recording.streams.items()} == {
        "chest_acc": [1, 2, 3],
        "chest_ecg": [4, 5],
        "left_ankle_acc": [6, 7, 8],
        "left_ankle_gyro": [9, 10, 11],
        "left_ankle_mag": [12, 13, 14],
        "right_wrist_acc": [15, 16, 17],
        "right_wrist_gyro": [18, 19, 20],
        "right_wrist_mag": [21, 22, 23],
    }
    units = {name: stream.channels[0].unit for name, stream in recording.streams.items() if "wrist" in name or "ecg" in name}
    assert units == {"chest_ecg": "mV", "right_wrist_acc": "m/s^2", "right_wrist_gyro": "deg/s", "right_wrist_mag": "a.u."}
    assert {stream.rate_hz for stream in recording.streams.values()} == {50.0}


def test_runs_of_a_label_are_intervals_and_zero_is_none(tmp_path):
    write(tmp_path, [0, 4, 4, 12, 0, 4])
    recording = readers.mhealth(tmp_path)
    assert [(round(i.start_s * 50), round(i.end_s * 50), i.label) for i in recording.labels.intervals] == [
        (1, 3, "walking"),
        (3, 4, "jumping front and back"),
        (5, 6, "walking"),
    ]
    assert (recording.subject, recording.session) == ("subject1", "subject1")


def test_people_are_in_numeric_order(tmp_path):
    for person in (10, 2):
        write(tmp_path, [0], person)
    assert readers.sessions("mhealth", tmp_path) == ("subject2", "subject10")
    assert len(registry.get("reader", "mhealth").labels) == 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("\t0\n", "\t13\n", 1), "line 1: expected a label of 1, 2, .* or 0, got 13"),
        (lambda text: text[: text.rindex("\t")], "line 2: expected 24 numbers"),
        (lambda text: text.replace("23", "oops", 1), "line 1: expected 24 numbers"),
        (lambda text: "", "holds no samples"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, change, message):
    path = write(tmp_path, [0, 0])
    path.write_text(change(path.read_text()))
    with pytest.raises(ReaderError, match=rf"mHealth_subject1\.log.*{message}"):
        readers.mhealth(tmp_path)
