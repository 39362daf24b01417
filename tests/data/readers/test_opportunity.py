import pytest

from sslts import registry
from sslts.data import readers
from sslts.errors import ReaderError


def row(time_ms, locomotion=0, activity=0, gesture=0):
    """Columns 2 to 243 hold their numbers, counted from 1."""
    values = [time_ms, *range(2, 244), locomotion, activity, 0, 0, 0, 0, gesture]
    assert len(values) == 250
    return " ".join(map(str, values))


def write(root, rows, name="S1-ADL1.dat"):
    path = root / "dataset" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n")
    return path


def test_columns_go_to_their_streams(tmp_path):
    write(tmp_path, [row(0), row(33)])
    streams = readers.opportunity(tmp_path).streams
    expected = {  # first columns, counted from 1: accelerometers 2, inertial units 38 + 13 k, shoes 103 + 16 k
        "right_knee_upper_acc": 2, "hip_acc": 5, "back_acc": 17, "right_hand_acc": 35,
        "imu_back_acc": 38, "imu_back_mag": 44, "imu_right_upper_arm_acc": 51, "imu_left_lower_arm_mag": 96,
        "left_shoe_acc": 109, "right_shoe_acc": 125,
    }  # fmt: skip
    assert {name: streams[name].values[1].tolist() for name in expected} == {
        name: [first, first + 1, first + 2] for name, first in expected.items()
    }
    gyroscopes = {"imu_back_gyro": 41, "imu_left_lower_arm_gyro": 93, "left_shoe_gyro": 112, "right_shoe_gyro": 128}
    for name, first in gyroscopes.items():
        assert streams[name].values[1].tolist() == pytest.approx([first / 1000, (first + 1) / 1000, (first + 2) / 1000])
    assert len(streams) == 12 + 5 * 3 + 2 * 2
    assert (streams["hip_acc"].channels[0].unit, streams["imu_back_gyro"].channels[0].unit) == ("mg", "rad/s")


def test_the_label_column_is_chosen(tmp_path):
    times = [0, 33, 67, 100, 133]
    write(tmp_path, [row(t, 1 if n < 2 else 5, 101, 406516 if n == 3 else 0) for n, t in enumerate(times)])
    spans = {
        track: [(i.start_s, pytest.approx(i.end_s), i.label) for i in readers.opportunity(tmp_path, track=track).labels.intervals]
        for track in ("locomotion", "activity", "gesture")
    }
    end = pytest.approx(0.133 + 1 / 30)
    # Rounded stamps: a run may reach no further than the next run's first sample.
    assert spans["locomotion"] == [(0.0, 0.033 + 1 / 30, "standing"), (0.067, end, "lying")]
    assert spans["activity"] == [(0.0, end, "relaxing")]
    assert spans["gesture"] == [(pytest.approx(0.1), 0.133, "opening door 1")]


def test_missing_rows_are_lost_samples(tmp_path):
    write(tmp_path, [row(0), row(33), row(167)])
    stream = readers.opportunity(tmp_path).streams["hip_acc"]
    assert stream.observed[:, 0].tolist() == [True, True, False, False, False, True]


def test_sessions_are_runs_of_people(tmp_path):
    for name in ("S2-Drill.dat", "S2-ADL1.dat", "S1-ADL5.dat", "S1-ADL5.txt"):
        write(tmp_path, [row(0)], name)
    reader = registry.get("reader", "opportunity").create()
    assert reader.sessions(tmp_path) == ("S1-ADL5", "S2-ADL1", "S2-Drill")
    assert reader.subjects(tmp_path / "dataset") == ("S1", "S2")
    assert {modality.rate_hz for modality in reader.modalities} == {30.0}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(0), row(33, locomotion=3)], "line 2: expected a label of 1, 2, 4, 5 or 0, got 3"),
        ([row(0), row(33).rsplit(" ", 1)[0]], "line 2: expected 250 numbers"),
        ([row(0), row(0)], "line 2: the time stamp"),
        ([""], "holds no samples"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, rows, message):
    write(tmp_path, rows)
    with pytest.raises(ReaderError, match=rf"S1-ADL1\.dat.*{message}"):
        readers.opportunity(tmp_path)
