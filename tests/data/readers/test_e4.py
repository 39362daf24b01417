import logging
import shutil
import zipfile

import numpy as np
import pytest

from sslts import registry
from sslts.data import readers, synthetic
from sslts.errors import ReaderError


@pytest.fixture
def e4(tmp_path):
    return synthetic.write_e4(tmp_path / "S01", synthetic.recording(seed=1, duration_s=20))


def rewrite(path, change):
    path.write_text(change(path.read_text()))


def test_samples_are_scaled_and_streams_start_on_one_clock(tmp_path):
    (tmp_path / "ACC.csv").write_text("1000.5, 1000.5, 1000.5\n32.0, 32.0, 32.0\n64,-32,0\n1,2,3\n")
    (tmp_path / "EDA.csv").write_text("1000.0\n4.0\n0.25\n0.5\n")
    (tmp_path / "tags_S01.csv").write_text("1003.25\n1001\n")
    recording = readers.empatica_e4(tmp_path, subject="me")
    acc = recording.streams["acc"]
    assert acc.values.tolist() == [[1.0, -0.5, 0.0], [1 / 64, 2 / 64, 3 / 64]]
    assert (acc.start_s, recording.streams["eda"].start_s, recording.start_unix) == (0.5, 0.0, 1000.0)
    assert recording.events_s == (1.0, 3.25)
    assert (recording.subject, recording.names) == ("me", ("acc", "eda"))


def test_a_zip_reads_like_its_folder(e4, tmp_path):
    archive = tmp_path / "1600000000_A00204.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in e4.iterdir():
            file.write(path, f"some/folder/{path.name}")
    zipped, plain = readers.empatica_e4(archive), readers.empatica_e4(e4)
    assert zipped.session == "1600000000_A00204"
    for name, stream in plain.streams.items():
        np.testing.assert_array_equal(stream.values, zipped.streams[name].values)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(e4):
    before = readers.empatica_e4(e4).streams["bvp"].values
    path = e4 / "BVP.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    np.testing.assert_array_equal(readers.empatica_e4(e4).streams["bvp"].values, before)


def test_missing_files_are_absent_modalities_but_not_all(e4, tmp_path):
    (e4 / "BVP.csv").unlink()
    assert readers.empatica_e4(e4).names == ("acc", "eda", "temp")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ReaderError, match="no recording of EmpaticaE4"):
        readers.empatica_e4(empty)
    with pytest.raises(ReaderError, match="does not exist"):
        readers.empatica_e4(tmp_path / "nowhere")


def test_several_sessions_must_be_chosen_from(e4):
    shutil.copytree(e4, e4.parent / "S02")
    reader = registry.get("reader", "empatica-e4").create()
    assert reader.sessions(e4.parent) == ("S01", "S02")
    assert reader.read(e4.parent, session="S02").session == "S02"
    with pytest.raises(ReaderError, match="say which: S01, S02"):
        reader.read(e4.parent)
    with pytest.raises(ReaderError, match="Did you mean 'S02'"):
        reader.read(e4.parent, session="S2")


def test_two_sessions_of_one_name_are_refused_by_both_names(e4):
    with zipfile.ZipFile(e4.parent / "S01.zip", "w") as file:
        file.write(e4 / "EDA.csv", "EDA.csv")
    reader = registry.get("reader", "empatica-e4").create()
    for ask in (lambda: reader.sessions(e4.parent), lambda: reader.read(e4.parent, session="S01")):
        with pytest.raises(ReaderError, match=r"S01 and .*S01\.zip are both session 'S01'\. Rename one"):
            ask()
    assert reader.read(e4).names == ("acc", "bvp", "eda", "temp")


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("ACC.csv", lambda text: text[: text.rindex(",")], r"ACC\.csv is truncated at line 642"),
        ("BVP.csv", lambda text: text + "-", r"BVP\.csv is truncated at line 1283"),
        ("EDA.csv", lambda text: "", r"EDA\.csv is truncated"),
        ("EDA.csv", lambda text: "1600000000.0\n4.0\n", r"EDA\.csv is truncated"),
        ("EDA.csv", lambda text: text.replace("\n4.000000\n", "\n0.000000\n"), r"EDA\.csv, line 2: expected the rate"),
        ("EDA.csv", lambda text: "soon\n" + text.split("\n", 1)[1], r"EDA\.csv, line 1: expected 1 number, got 'soon'"),
        ("ACC.csv", lambda text: text.replace("32.000000, 32.000000", "32.000000, 16.000000", 1), r"ACC\.csv, line 2: expected the rate"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(e4, file, change, message):
    rewrite(e4 / file, change)
    with pytest.raises(ReaderError, match=message):
        readers.empatica_e4(e4)


@pytest.mark.parametrize("file", ["ACC.csv", "EDA.csv", "TEMP.csv"])
def test_a_start_hours_from_the_other_files_is_refused_with_both_starts(e4, file):
    rewrite(e4 / file, lambda text: text.replace("1600000000", "160000000"))
    with pytest.raises(ReaderError, match=rf"{file}, line 1: UNIX start 160000000 lies 400000\.0 h from 1600000000 in .*Correct the start"):
        readers.empatica_e4(e4)


def test_starts_may_lie_six_hours_apart_and_no_more(tmp_path):
    for apart_s in (6 * 3600, 6 * 3600 + 1):
        (tmp_path / "EDA.csv").write_text("1000.0\n4.0\n0.25\n")
        (tmp_path / "TEMP.csv").write_text(f"{1000 + apart_s}.0\n4.0\n30.0\n")
        if apart_s == 6 * 3600:
            assert readers.empatica_e4(tmp_path).streams["temp"].start_s == apart_s
        else:
            with pytest.raises(ReaderError, match="EDA.*22601.*TEMP|TEMP.*22601.*EDA"):
                readers.empatica_e4(tmp_path)


def test_an_empty_line_between_samples_is_refused_since_later_ones_would_shift(e4):
    rewrite(e4 / "BVP.csv", lambda text: text.replace("\n", "\n\n", 50).replace("\n\n", "\n", 49))
    with pytest.raises(ReaderError, match=r"BVP\.csv, line 51: expected 1 number, got an empty line"):
        readers.empatica_e4(e4)
    rewrite(e4 / "BVP.csv", lambda text: text.replace("\n\n", "\n") + "\n\n")
    assert len(readers.empatica_e4(e4).streams["bvp"]) == 20 * 64


def test_a_word_among_the_numbers_is_named_with_its_line(e4):
    lines = (e4 / "BVP.csv").read_text().split("\n")
    lines[99] = "oops\x1b[31m"
    (e4 / "BVP.csv").write_text("\n".join(lines))
    with pytest.raises(ReaderError, match=r"BVP\.csv, line 100: expected 1 number, got 'oops\?\[31m'"):
        readers.empatica_e4(e4)


def test_a_truncated_file_can_be_read_without_its_last_row_when_asked(e4):
    whole = readers.empatica_e4(e4).streams["acc"].values
    rewrite(e4 / "ACC.csv", lambda text: text[: text.rindex(",")])
    np.testing.assert_array_equal(readers.empatica_e4(e4, allow_truncated=True).streams["acc"].values, whole[:-1])
    (e4 / "EDA.csv").write_text("1600000000.0\n")
    assert "eda" not in readers.empatica_e4(e4, allow_truncated=True).names


def test_a_missing_last_line_break_is_worth_a_warning(e4, caplog):
    rewrite(e4 / "BVP.csv", lambda text: text[:-1])
    with caplog.at_level(logging.WARNING):
        readers.empatica_e4(e4)
    assert "may be truncated" in caplog.text


def test_binary_files_and_broken_archives_are_typed_errors(e4, tmp_path):
    (e4 / "BVP.csv").write_bytes(b"\xff\xfe\x00\x00" * 50)
    with pytest.raises(ReaderError, match="not a text file"):
        readers.empatica_e4(e4)
    archive = tmp_path / "broken.zip"
    archive.write_bytes(b"PK\x03\x04 this is no archive")
    with pytest.raises(ReaderError, match=r"broken\.zip"):
        readers.empatica_e4(archive)


def test_a_damaged_member_of_an_archive_is_a_typed_error(e4, tmp_path):
    archive = tmp_path / "damaged.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(e4 / "BVP.csv", "BVP.csv")
    data = bytearray(archive.read_bytes())
    data[200:260] = bytes(60)
    archive.write_bytes(bytes(data))
    with pytest.raises(ReaderError, match=r"BVP\.csv"):
        readers.empatica_e4(archive)


def test_heart_rate_is_read_only_when_asked(e4):
    (e4 / "HR.csv").write_text("1600000010.0\n1.0\n72.5\n73.0\n")
    assert "hr" not in readers.empatica_e4(e4).names
    hr = readers.empatica_e4(e4, heart_rate=True).streams["hr"]
    assert (hr.values[:, 0].tolist(), hr.start_s, hr.channels[0].unit) == ([72.5, 73.0], 10.0, "bpm")
