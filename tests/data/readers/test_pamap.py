import math

import pytest

from sslts import registry
from sslts.data import readers
from sslts.errors import ReaderError


def row(time_s, activity, heart=math.nan, shift=0.0):
    """Column c (counted from 1) holds c + shift, so that every column can be told apart."""
    values = [time_s, activity, heart, *(column + shift for column in range(4, 55))]
    return " ".join("NaN" if math.isnan(value) else f"{value:.2f}" for value in values)


def write(root, rows, part="Protocol", person=101):
    path = root / "PAMAP2_Dataset" / part / f"subject{person}.dat"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n")
    return path


def test_columns_go_to_their_streams_in_documented_units(tmp_path):
    write(tmp_path, [row(8.38, 0), row(8.39, 0)])
    recording = readers.pamap2(tmp_path)
    expected = {  # columns 4, 21 and 38 start a unit: temperature, +-16 g, +-6 g, gyroscope, magnetometer
        "hand_temp": [4], "hand_acc": [5, 6, 7], "hand_gyro": [11, 12, 13], "hand_mag": [14, 15, 16],
        "chest_temp": [21], "chest_acc": [22, 23, 24], "chest_gyro": [28, 29, 30], "chest_mag": [31, 32, 33],
        "ankle_temp": [38], "ankle_acc": [39, 40, 41], "ankle_gyro": [45, 46, 47], "ankle_mag": [48, 49, 50],
    }  # fmt: skip
    assert {name: recording.streams[name].values[0].tolist() for name in expected} == expected
    assert set(recording.names) == {*expected, "heart_rate"}
    units = {name: recording.streams[name].channels[0].unit for name in ("hand_acc", "hand_gyro", "hand_mag", "hand_temp")}
    assert units == {"hand_acc": "m/s^2", "hand_gyro": "rad/s", "hand_mag": "uT", "hand_temp": "degC"}
    assert (recording.start_s, recording.streams["ankle_acc"].rate_hz) == (8.38, 100.0)
    fine = readers.pamap2(tmp_path, fine_scale=True)
    assert fine.streams["chest_acc_6g"].values[0].tolist() == [25, 26, 27]


def test_lost_samples_and_missing_rows_are_unobserved(tmp_path):
    lost = row(0.01, 4).replace("22.00", "NaN")
    write(tmp_path, [row(0.00, 4), lost, row(0.04, 4), row(0.05, 5)])
    recording = readers.pamap2(tmp_path)
    assert recording.streams["chest_acc"].observed[:, 0].tolist() == [True, False, False, False, True, True]
    assert recording.streams["chest_acc"].observed[:, 1].tolist() == [True, True, False, False, True, True]
    assert [(i.start_s, i.end_s, i.label) for i in recording.labels.intervals] == [
        (0.0, pytest.approx(0.05), "walking"),
        (pytest.approx(0.05), pytest.approx(0.06), "running"),
    ]


def test_a_label_ends_at_a_long_pause_and_zero_is_no_label(tmp_path):
    write(tmp_path, [row(0.0, 24), row(0.01, 0), row(0.02, 24), row(9.0, 24)])
    intervals = readers.pamap2(tmp_path).labels.intervals
    assert [(i.start_s, pytest.approx(i.end_s), i.label) for i in intervals] == [
        (0.0, 0.01, "rope jumping"),
        (0.02, 0.03, "rope jumping"),
        (9.0, 9.01, "rope jumping"),
    ]


def test_heart_rate_is_the_mean_of_each_second(tmp_path):
    beats = {0: 100, 50: 110, 250: 90}
    write(tmp_path, [row(index / 100, 1, beats.get(index, math.nan)) for index in range(260)])
    heart = readers.pamap2(tmp_path).streams["heart_rate"]
    assert (heart.rate_hz, heart.values[:, 0].tolist()) == (1.0, [105.0, 0.0, 90.0])
    assert heart.observed[:, 0].tolist() == [True, False, True]


def test_sessions_are_parts_of_people(tmp_path):
    for part, person in (("Optional", 101), ("Protocol", 105), ("Protocol", 101)):
        write(tmp_path, [row(0, 0)], part, person)
    reader = registry.get("reader", "pamap2").create()
    assert reader.sessions(tmp_path) == ("subject101/protocol", "subject101/optional", "subject105/protocol")
    assert reader.sessions(tmp_path / "PAMAP2_Dataset", subject="subject105") == ("subject105/protocol",)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(0, 0), row(0.01, 8)], "line 2: expected a label of 1, 2, .*, 24 or 0, got 8"),
        ([row(0, 0), row(0.01, math.nan)], "line 2: expected a label"),
        ([row(0, 0), row(0, 0)], "line 2: the time stamp is 0 s after 0 s"),
        ([row(5, 0), row(4.99, 0)], "line 2: the time stamp is 4.99 s after 5 s"),
        ([row(0, 0), row(math.nan, 0)], "line 2: expected a time stamp"),
        ([row(0, 0), row(1e7, 0)], "time stamps span"),
        ([row(0, 0), row(0.01, 0)[:-9]], "line 2: expected 54 numbers"),
        ([row(0, 0), row(0.01, 0).replace("4.00", "four")], "line 2: expected 54 numbers"),
        ([""], "holds no samples"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, rows, message):
    write(tmp_path, rows)
    with pytest.raises(ReaderError, match=rf"subject101\.dat.*{message}"):
        readers.pamap2(tmp_path)
