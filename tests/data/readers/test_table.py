import pytest

from sslts.data import readers
from sslts.errors import ConfigError, ReaderError, UnitError

TABLE = "t,ax,ay,az,sweat\n0,0.0,0.0,1.0,0.5\n1,0.1,,1.0,0.6\n2,0.2,nan,1.0,\n"


def write(tmp_path, text=TABLE):
    path = tmp_path / "walk.csv"
    path.write_text(text)
    return path


def test_columns_are_grouped_into_streams(tmp_path):
    recording = readers.csv(
        write(tmp_path), rate_hz=4, units={"acc": "g", "eda": "uS"}, streams={"acc": ["ax", "ay", "az"], "eda": ["sweat"]}, subject="me"
    )
    acc, eda = recording.streams["acc"], recording.streams["eda"]
    assert (acc.channel_names, eda.channel_names) == (("x", "y", "z"), ("eda",))
    assert acc.values[:, 0].tolist() == pytest.approx([0, 0.1, 0.2])
    assert (recording.subject, recording.session, recording.duration_s) == ("me", "walk", 0.75)


def test_empty_cells_and_nan_are_lost_samples(tmp_path):
    recording = readers.csv(write(tmp_path), rate_hz=4, units={"ay": "g", "sweat": "uS"})
    assert recording.streams["ay"].observed[:, 0].tolist() == [True, False, False]
    assert recording.streams["sweat"].observed[:, 0].tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,ax,ay,az\n0,1,2,3\n", "line 1: no column 'sweat'"),
        ("sweat,sweat\n0,1\n", "more than once"),
        ("t,sweat\n0,1\n1,soon\n", "line 3: expected 2 numbers, got '1,soon'"),
        ("t,sweat\n0,1\n1\n", "line 3: expected 2 numbers"),
        ("t,sweat\n0,1\n\n1,2\n", "line 3: expected 2 numbers, got an empty line"),
        ("sweat\n1\n\n2\n", "line 3: expected 1 number, got an empty line. Write 'nan'"),
    ],
)
def test_a_table_that_does_not_fit_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(ReaderError, match=message):
        readers.csv(write(tmp_path, text), rate_hz=4, units={"sweat": "uS"})


def test_rate_and_units_are_checked(tmp_path):
    with pytest.raises(ConfigError, match="rate_hz"):
        readers.csv(write(tmp_path), rate_hz=0, units={"sweat": "uS"})
    with pytest.raises(UnitError):
        readers.csv(write(tmp_path), rate_hz=4, units={"sweat": "drops"})
