"""Rows that carry time stamps of their own, put on a regular grid."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from sslts.data.readers.files import numbers
from sslts.errors import ReaderError
from sslts.strict_json import printable

_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})[ T_](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?")
_GAP = 10  # steps of the grid: what lies in a longer pause is lost, not drawn as a line
_MOST = 100  # samples of the grid for each row: refuses stamps that would fill the memory with lost samples


def stamped_rows(text: str, *, columns: int, where: str, sort: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times [N] and values [N, columns] from lines `stamp,number,...` without a header, one row a time.

    A stamp is a number, in whatever unit, or a date such as 2019-02-25 15:52:03.471 or 20190225_15:52:03.471, which becomes seconds. Rows
    that are not finite are left out; rows of one and the same stamp become their mean.

    Args:
        sort: put rows into the order of their stamps instead of refusing those that go back.

    Raises:
        ReaderError: a cell is no stamp or number, or time goes back or stands still; the message names file and line.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    if lines == [""]:
        return np.empty(0), np.empty((0, columns))
    cells = [line.partition(",") for line in lines]
    for number, (line, (_, comma, _)) in enumerate(zip(lines, cells, strict=True), start=1):
        if not comma:
            raise _expected(where, number, f"a time stamp and {columns} numbers,", line)
    times = _times([stamp for stamp, _, _ in cells], where)
    values = numbers("\n".join(rest for _, _, rest in cells), columns=columns, delimiter=",", where=where, first_line=1)
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back) and not sort:
        row = int(back[0]) + 1
        raise ReaderError(
            f"{where}, line {row + 1}: time goes back, from {printable(cells[row - 1][0])} to {printable(cells[row][0])}. "
            f"Correct it, or let the reader put rows in order."
        )
    if len(times) > 1 and times.min() == times.max():
        raise ReaderError(f"{where}, line {len(times)}: time does not go on, all {len(times)} rows are of {printable(cells[0][0])}.")
    finite = np.isfinite(values).all(axis=1)
    found, place, count = np.unique(times[finite], return_inverse=True, return_counts=True)
    means = np.zeros((len(found), columns))
    np.add.at(means, place, values[finite])
    return found, means / count[:, None]


def on_median_grid(times: NDArray[np.float64], values: NDArray[np.float64], *, where: str) -> NDArray[np.float64]:
    """Rows [n, columns] every median step from the first time to the last, by straight lines between neighbours; NaN in a pause.

    Raises:
        ReaderError: the pauses are so long that almost nothing would be left.
    """
    step = float(np.median(np.diff(times)))
    count = round((times[-1] - times[0]) / step) + 1
    if count > _MOST * len(times):
        raise ReaderError(
            f"{where}: {len(times)} rows, mostly {step:g} apart, span {times[-1] - times[0]:g}. Expected time stamps without such pauses."
        )
    grid = np.linspace(times[0], times[-1], count)
    regular = np.stack([np.interp(grid, times, column) for column in values.T], axis=1)
    before = np.clip(np.searchsorted(times, grid, side="right") - 1, 0, len(times) - 2)
    lost = (np.diff(times)[before] > _GAP * step) & (grid > times[before]) & (grid < times[before + 1])
    regular[lost] = np.nan
    return regular


def _times(cells: list[str], where: str) -> NDArray[np.float64]:
    dates = _DATE.fullmatch(cells[0].strip()) is not None
    found = np.empty(len(cells))
    for index, cell in enumerate(cells):
        seconds = _date(cell.strip()) if dates else _number(cell)
        if seconds is None:
            expected = "a time stamp as in the lines before," if index else "a time stamp, a number or a date,"
            raise _expected(where, index + 1, expected, cell)
        found[index] = seconds
    return found


def _date(cell: str) -> float | None:
    match = _DATE.fullmatch(cell)
    if match is None:
        return None
    *parts, fraction = match.groups()
    year, month, day, hour, minute, second = map(int, parts)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() + float(f"0.{fraction or 0}")
    except ValueError:
        return None


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _expected(where: str, line: int, expected: str, got: str) -> ReaderError:
    return ReaderError(f"{where}, line {line}: expected {expected} got '{printable(got[:60])}'.")
