"""Rows with time stamps of their own: how stamps are read, what is refused, and where samples land on a regular grid."""

from __future__ import annotations

import numpy as np
import pytest

from sslts.data.readers.stamped import on_median_grid, stamped_rows
from sslts.errors import ReaderError


def read(text: str, **options: bool) -> tuple[np.ndarray, np.ndarray]:
    return stamped_rows(text, columns=2, where="a.csv", **options)


@pytest.mark.parametrize(
    ("stamps", "steps"),
    [
        (["0.5", "0.51", "0.54"], [0.01, 0.03]),
        (["1551110000000", "1551110000010", "1551110000040"], [10, 30]),
        (["-3", "+1e1", " 10.5 "], [13, 0.5]),
        (["2019-02-25 15:52:59.990", "2019-02-25 15:53:00.000", "2019-02-25 15:53:00.03"], [0.01, 0.03]),
        (["20190225_23:59:59.5", "20190226_00:00:00", "20190226_00:00:00.250"], [0.5, 0.25]),
        (["2019-02-28T23:59:59", "2019-03-01T00:00:00", "2019-03-01T00:01:00"], [1, 60]),
    ],
)
def test_stamps_are_numbers_or_dates(stamps, steps):
    times, values = read("\r\n".join(f"{stamp},{row},-{row}" for row, stamp in enumerate(stamps)) + "\n\n")
    assert np.diff(times) == pytest.approx(steps, rel=1e-4)
    assert values.tolist() == [[0, 0], [1, -1], [2, -2]]


def test_an_empty_file_has_no_rows():
    for text in ("", "\n", " \n\n"):
        times, values = read(text)
        assert times.shape == (0,)
        assert values.shape == (0, 2)


def test_rows_of_one_stamp_become_their_mean_and_rows_that_are_no_numbers_are_left_out():
    times, values = read("0,1,10\n1,2,20\n1,4,60\n2,nan,5\n3,7,inf\n4,8,9\n")
    assert times.tolist() == [0, 1, 4]
    assert values.tolist() == [[1, 10], [3, 40], [8, 9]]


def test_rows_are_put_in_order_only_when_asked():
    text = "0,0,0\n2,2,2\n1,1,1\n3,3,3\n1,5,5\n"
    with pytest.raises(ReaderError, match=r"a\.csv, line 3: time goes back, from 2 to 1\. .*put rows in order"):
        read(text)
    times, values = read(text, sort=True)
    assert times.tolist() == [0, 1, 2, 3]
    assert values[:, 0].tolist() == [0, 3, 2, 3]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stamp,x,y\n0,1,2\n", r"line 1: expected a time stamp, a number or a date, got 'stamp'"),
        ("0,1,2\nlater,1,2\n", r"line 2: expected a time stamp as in the lines before, got 'later'"),
        ("0,1,2\n2019-02-25 15:52:03,1,2\n", r"line 2: expected a time stamp as in the lines before, got '2019-02-25 15:52:03'"),
        ("2019-02-25 15:52:03,1,2\n2019-02-30 15:52:03,1,2\n", r"line 2: .*got '2019-02-30 15:52:03'"),
        ("2019-02-25 15:52:03,1,2\n2019-02-25 15:52:61,1,2\n", r"line 2: .*15:52:61"),
        ("2019-02-25 15:52:03,1,2\n12,1,2\n", r"line 2: .*got '12'"),
        ("0,1,2\nnan,1,2\n", r"line 2: .*got 'nan'"),
        ("0,1,2\n\n2,1,2\n", r"line 2: expected a time stamp and 2 numbers, got ''"),
        ("0,1,2\n1\n", r"line 2: expected a time stamp and 2 numbers, got '1'"),
        ("0,1,2\n1,1\n", r"line 2: expected 2 numbers, got '1'"),
        ("0,1,2\n1,1,2,3\n", r"line 2: expected 2 numbers, got '1,2,3'"),
        ("0,1,2\n1,x,2\n", r"line 2: expected 2 numbers, got 'x,2'"),
        ("0,1,2\n1,,2\n", r"line 2: expected 2 numbers"),
        ("5,1,2\n5,1,2\n5,1,2\n", r"line 3: time does not go on, all 3 rows are of 5"),
    ],
)
def test_what_is_no_row_is_refused_with_file_and_line(text, told):
    with pytest.raises(ReaderError, match=rf"^a\.csv, {told}"):
        read(text)


def test_a_single_row_has_no_time_to_stand_still():
    assert read("5,1,2\n")[0].tolist() == [5]


def test_regular_rows_stay_what_they_are_and_jitter_is_put_right():
    steady = np.arange(50) / 25
    random = np.random.default_rng(0)
    wave = np.sin(steady)[:, None]
    np.testing.assert_allclose(on_median_grid(steady, wave, where="a.csv"), wave, atol=1e-12)
    shaken = steady + np.concatenate([[0], random.uniform(-0.01, 0.01, 48), [0]])
    found = on_median_grid(shaken, np.sin(shaken)[:, None], where="a.csv")
    grid = np.linspace(0, steady[-1], len(found))
    np.testing.assert_allclose(found[:, 0], np.sin(grid), atol=1e-3)
    assert abs(len(found) - 50) <= 2


def test_a_line_stays_a_line_and_a_constant_constant_over_missing_rows():
    times = np.delete(np.arange(40.0), [3, 4, 5, 20])
    found = on_median_grid(times, np.stack([2 * times - 7, np.full(36, 9.81)], axis=1), where="a.csv")
    assert found[:, 0].tolist() == [2 * time - 7 for time in range(40)]
    assert (found[:, 1] == 9.81).all()


@pytest.mark.parametrize(("pause", "lost"), [(10, 0), (11, 10), (30, 29)])
def test_what_lies_in_a_long_pause_is_lost(pause, lost):
    times = np.concatenate([np.arange(20.0), 19.0 + pause + np.arange(20.0)])
    found = on_median_grid(times, times[:, None], where="a.csv")
    assert len(found) == 39 + pause
    assert np.isnan(found[:, 0]).sum() == lost
    assert np.isfinite(found[:20]).all()
    assert np.isfinite(found[-20:]).all()


def test_stamps_that_would_fill_the_memory_are_refused():
    times = np.array([0.0, 0.001, 0.002, 0.003, 1e9])
    with pytest.raises(ReaderError, match=r"a\.csv: 5 rows, mostly 0\.001 apart, span 1e\+09"):
        on_median_grid(times, times[:, None], where="a.csv")
