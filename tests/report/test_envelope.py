"""Envelopes: what is drawn is what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from sslts.config import Channel
from sslts.data.recording import Stream
from sslts.report.envelope import envelope, svg_path, vertical_range


def stream(values: list[float], *, rate_hz: float = 1.0, start_s: float = 0.0) -> Stream:
    channel = Channel(name="eda", kind="electrodermal-activity", unit="uS")
    return Stream("eda", (channel,), rate_hz, np.asarray(values, dtype=np.float32)[:, None], start_s=start_s)


def test_each_slice_holds_its_lowest_and_highest_sample() -> None:
    drawn = envelope(stream([3, 1, 2, 9, 7, 8]), start_s=0, end_s=6, bins=2)
    assert drawn.low[:, 0].tolist() == [1, 7]
    assert drawn.high[:, 0].tolist() == [3, 9]


def test_lost_samples_and_uncovered_time_are_gaps() -> None:
    drawn = envelope(stream([1, np.nan, 5, np.inf], start_s=2), start_s=0, end_s=6, bins=6)
    np.testing.assert_array_equal(drawn.low[:, 0], [np.nan, np.nan, 1, np.nan, 5, np.nan])
    np.testing.assert_array_equal(drawn.high[:, 0], drawn.low[:, 0])


def test_a_gap_breaks_the_path() -> None:
    low = np.asarray([0.0, 0.0, np.nan, 0.0])
    assert svg_path(low, low + 1, bottom=0, top=1).count("M") == 2
    assert svg_path(np.full(4, np.nan), np.full(4, np.nan), bottom=0, top=1) == ""


def test_the_path_runs_along_the_top_and_back_along_the_bottom() -> None:
    # Two slices of a drawing 1000 wide and 100 high: centres at 250 and 750; value 1 is at the top (y = 0), 0 at the bottom (y = 100).
    assert svg_path(np.zeros(2), np.ones(2), bottom=0, top=1) == "M250 0L750 0L750 100L250 100Z"


def test_values_beyond_the_vertical_range_stop_at_its_edge() -> None:
    assert svg_path(np.asarray([-5.0]), np.asarray([9.0]), bottom=0, top=1) == "M500 0L500 100Z"


@pytest.mark.parametrize("values", [[2.0] * 5, [0.0] * 5, [np.nan] * 3])
def test_the_vertical_range_is_never_empty(values: list[float]) -> None:
    bottom, top = vertical_range(stream(values))
    assert bottom < top


def test_one_spike_does_not_flatten_the_rest() -> None:
    quiet = np.sin(np.arange(5000) / 10)
    _, top = vertical_range(stream([*quiet, 1e6]))
    assert top < 2
