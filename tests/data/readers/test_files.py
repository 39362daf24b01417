import pytest

from sslts.data.readers.files import numbers
from sslts.errors import ReaderError


def read(text, *, columns=2, delimiter=","):
    return numbers(text, columns=columns, delimiter=delimiter, where="walk.csv", first_line=3)


@pytest.mark.parametrize("delimiter", [",", None, ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_row_is_read_whatever_ends_its_line(delimiter, end):
    text = end.join([f"1{delimiter or '  '}2", f"3{delimiter or ' '}nan", f"5{delimiter or ' '}6"])
    for tail in ("", end, end * 3, f"{end}  {end}"):
        assert read(text + tail, delimiter=delimiter)[:, 0].tolist() == [1, 3, 5]


@pytest.mark.parametrize("delimiter", [",", None])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("empty", ["", "   "])
@pytest.mark.parametrize("row", [0, 1, 2])
def test_an_empty_line_before_the_end_is_refused_with_its_place(delimiter, end, empty, row):
    rows = [f"{n}{delimiter or ' '}{n}" for n in range(3)]
    rows.insert(row, empty)
    with pytest.raises(ReaderError, match=rf"walk\.csv, line {3 + row}: expected 2 numbers, got an empty line"):
        read(end.join(rows) + end, delimiter=delimiter)


def test_a_text_of_empty_lines_has_no_rows():
    assert read("\n \n\n").shape == (0, 2)
