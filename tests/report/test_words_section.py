"""The section about words: recordings laid end to end, and texts, hits and the matrix where they belong."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from sslts.data.labels import Interval, LabelTrack
from sslts.data.recording import Recording
from sslts.errors import ChannelError, LengthError
from sslts.report import Page, WordsSection, render
from sslts.report.end_to_end import end_to_end
from sslts.report.words import COLOURS, Found, Stretch, TextRow


def recording(seconds: int, label: str, *, value: float = 1.0, start_s: float = 0.0) -> Recording:
    made = Recording.from_arrays(
        {"acc": np.full(seconds * 4, value)}, rate_hz=4, units={"acc": "g"}, start_s={"acc": start_s}, session=label
    )
    return replace(made, labels=LabelTrack((Interval(start_s, start_s + seconds, label),)))


def section(**changes: object) -> WordsSection:
    """Ten seconds, two windows of 4 s and 6 s of time; the text "going" found the second, at 5 s to 9 s."""
    shown = end_to_end([recording(5, "rest"), recording(5, "walk")], gap_s=0.0).recording
    made = WordsSection(
        recording=shown,
        stretches=(Stretch("rest", 0, 4, 0.9), Stretch("walk", 4, 10, 0.7)),
        spans=np.asarray([[0.0, 4.0], [4.0, 10.0]]),
        rows=(
            TextRow("rest", np.float32([1.0, 0.0])),
            TextRow("going", np.float32([0.0, 0.5]), (Found(5, 9, 0.5, "walk"), Found(0, 4, -0.1, None))),
        ),
        lead="Six recordings.",
    )
    return replace(made, **changes)


def html(**changes: object) -> str:
    return render(Page(title="t", lead="l", figures=(), sections=(section(**changes),)))


def test_recordings_follow_each_other_with_nothing_observed_between() -> None:
    line = end_to_end([recording(2, "a", value=1), recording(1, "b", value=2, start_s=7.0)], gap_s=1.0)
    stream = line.recording.streams["acc"]
    assert stream.values[:, 0].tolist() == [1.0] * 8 + [0.0] * 4 + [2.0] * 4
    assert stream.is_observed()[:, 0].tolist() == [True] * 8 + [False] * 4 + [True] * 4
    assert line.shift_s == (0.0, -4.0)
    assert line.recording.labels is not None
    assert line.recording.labels.intervals == (Interval(0, 2, "a"), Interval(3, 4, "b"))


def test_recordings_of_other_sensors_are_refused_by_name() -> None:
    other = Recording.from_arrays({"acc": np.ones(4)}, rate_hz=2, units={"acc": "g"}, session="slow")
    with pytest.raises(ChannelError, match="'slow' has other"):
        end_to_end([recording(1, "a"), other], gap_s=0)
    with pytest.raises(LengthError, match="at least one recording"):
        end_to_end([], gap_s=0)


def test_true_and_recognised_stretches_lie_at_their_times() -> None:
    told = section().context()
    assert [(b["label"], b["left"], b["width"]) for b in told["truth"]] == [("rest", 0, 50), ("walk", 50, 50)]
    assert [(b["label"], b["left"], b["width"]) for b in told["recognised"]] == [("rest", 0, 40), ("walk", 40, 60)]
    assert told["recognised"][1]["told"] == "walk, 0:04 to 0:10, score 0.70"


def test_an_activity_has_one_colour_everywhere() -> None:
    told = section().context()
    colour = {block["label"]: block["colour"] for block in (*told["truth"], *told["activities"])}
    assert all(block["colour"] == colour[block["label"]] for block in told["recognised"])
    assert len(set(colour.values())) == 2
    many = tuple(Stretch(str(n), n, n + 1, 1.0) for n in range(10))
    assert {block["colour"] for block in section(stretches=many).context()["recognised"]} <= set(range(COLOURS))


def test_hits_are_numbered_marked_and_stand_beside_the_truth() -> None:
    (asked,) = section().context()["asked"]
    first, second = asked["found"]
    assert (first["rank"], first["left"], first["width"], first["when"], first["score"]) == (1, 50, 40, "0:05 – 0:09", "0.50")
    assert (first["truth"], second["truth"], second["colour"], second["bar"]) == ("walk", "not known", None, 0)


def test_the_matrix_shades_each_window_by_its_cosine() -> None:
    first, second = section().context()["matrix"]
    # Cosines 1, 0 and 0, 0.5 on a scale from 0 to 1: full, none; none, half. A window spans what it owns of 1000.
    assert first["shades"] == [{"opacity": "1.00", "path": "M0.0 0h400.00v1h-400.00z"}]
    assert second["shades"] == [{"opacity": "0.50", "path": "M400.0 0h600.00v1h-600.00z"}]
    assert (first["asked"], second["asked"]) == (None, 0)


def test_the_page_loads_nothing_and_hostile_texts_stay_text() -> None:
    hostile = "</script><b onclick=x>"
    page = html(rows=(TextRow(hostile, np.float32([0, 1]), (Found(0, 4, 1.0, hostile),)),))
    assert hostile not in page
    assert not re.search(r"(src|href)=|@import|url\(", page)


def test_only_the_first_text_is_shown_until_another_is_chosen() -> None:
    other = TextRow("resting", np.float32([1, 0]), (Found(0, 4, 1.0, "rest"),))
    page = html(rows=(*section().rows, other))
    assert page.count('data-hits="0"') == 2
    assert 'data-hits="0" hidden' not in page
    assert page.count('data-hits="1" hidden') == 2


def test_a_text_must_have_a_cosine_for_each_window() -> None:
    with pytest.raises(LengthError, match=r"'rest' needs one cosine a window \[2\]"):
        section(rows=(TextRow("rest", np.zeros(3, dtype=np.float32)),))
    with pytest.raises(LengthError, match="at least one text that found"):
        section(rows=(TextRow("rest", np.zeros(2, dtype=np.float32)),))


def test_equal_cosines_make_a_page_without_shades() -> None:
    row = TextRow("rest", np.zeros(2, dtype=np.float32), (Found(0, 4, 0.0, "rest"),))
    assert section(rows=(row,)).context()["matrix"][0]["shades"] == []
