"""From one large table of numbers, a row a sample, to streams and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sslts.config import Modality
from sslts.data.labels import Interval, LabelTrack
from sslts.data.recording import Stream
from sslts.errors import ReaderError

MAX_HOURS = 12.0  # of one recording: refuses time stamps that would fill the memory with lost samples
_PAUSE_S = 1.0  # a label goes on over a shorter gap of the time stamps


@dataclass(frozen=True, slots=True)
class Columns:
    """A stream's columns in a table: from `first` (counted from 0), one a channel. `factor` leads to the channels' unit."""

    modality: Modality
    first: int
    factor: float = 1.0


def streams_of(table: NDArray[np.float64], parts: Iterable[Columns], *, start_s: float = 0.0) -> dict[str, Stream]:
    """The streams of a table [T, columns]; NaN becomes a lost sample."""
    streams = {}
    for part in parts:
        modality = part.modality
        values = table[:, part.first : part.first + len(modality.channels)] * part.factor
        streams[modality.name] = Stream(modality.name, modality.channels, modality.rate_hz, values.astype(np.float32), start_s=start_s)
    return streams


def on_grid(
    table: NDArray[np.float64], times_s: NDArray[np.float64], rate_hz: float, *, where: str, first_line: int
) -> NDArray[np.float64]:
    """The rows at their time stamps on a regular grid that starts with the first row; rows that are missing become NaN.

    Raises:
        ReaderError: time does not go on from one row to the next, or spans more than MAX_HOURS.
    """
    if not np.isfinite(times_s).all():
        raise ReaderError(f"{where}, line {first_line + int(np.argmin(np.isfinite(times_s)))}: expected a time stamp, got none.")
    place = np.floor((times_s - times_s[0]) * rate_hz + 0.5)
    steps = np.diff(place)
    if (steps < 1).any():
        row = int(np.argmax(steps < 1)) + 1
        raise ReaderError(
            f"{where}, line {first_line + row}: the time stamp is {times_s[row]:g} s after {times_s[row - 1]:g} s, "
            f"expected steps of about {1 / rate_hz:.3g} s."
        )
    if place[-1] > MAX_HOURS * 3600 * rate_hz:
        raise ReaderError(f"{where}: time stamps span {place[-1] / rate_hz / 3600:.1f} h, expected at most {MAX_HOURS:g} h.")
    if (steps == 1).all():
        return table
    regular = np.full((int(place[-1]) + 1, table.shape[1]), np.nan)
    regular[place.astype(np.int64)] = table
    return regular


def label_runs(
    codes: NDArray[np.float64], times_s: NDArray[np.float64], names: Mapping[int, str], rate_hz: float, *, where: str, first_line: int
) -> LabelTrack:
    """One interval for each run of rows with one code; code 0 is no label.

    Raises:
        ReaderError: a code that `names` does not hold; the message names the line.
    """
    known = np.isin(codes, [0, *names])
    if not known.all():
        row = int(np.argmin(known))
        raise ReaderError(
            f"{where}, line {first_line + row}: expected a label of {', '.join(map(str, sorted(names)))} or 0, got {codes[row]:g}."
        )
    cuts = np.flatnonzero((np.diff(codes) != 0) | (np.diff(times_s) > _PAUSE_S)) + 1
    firsts = [0, *cuts.tolist()]
    # Rounded time stamps may put the next run's first sample a little before the end of this one's last.
    ends = [*np.minimum(times_s[cuts - 1] + 1 / rate_hz, times_s[cuts]).tolist(), float(times_s[-1]) + 1 / rate_hz]
    return LabelTrack(
        tuple(
            Interval(float(times_s[first]), end, names[int(codes[first])])
            for first, end in zip(firsts, ends, strict=True)
            if codes[first] != 0
        )
    )
