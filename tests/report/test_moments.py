"""The report: what the page holds, that it is self-contained, and that hostile names stay text."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from sslts.data.recording import Recording
from sslts.embeddings import Embeddings
from sslts.errors import LengthError
from sslts.report import Fact, MomentsSection, Page, ProvenanceSection, render, write
from sslts.report.colours import time_colours
from sslts.report.moments import MAX_WINDOWS
from sslts.report.tracks import clock, time_ticks

NAMES = ("acc", "eda")


def recording(duration_s: int = 60) -> Recording:
    made = np.random.default_rng(0)
    arrays = {"acc": made.normal(size=(duration_s * 8, 3)), "eda": made.uniform(size=duration_s * 4)}
    return Recording.from_arrays(arrays, rate_hz={"acc": 8, "eda": 4}, units={"acc": "g", "eda": "uS"})


def embeddings(count: int = 6, *, seed: int = 0, missing: int | None = None) -> Embeddings:
    values = np.random.default_rng(seed).normal(size=(count, 5)).astype(np.float32)
    present = np.ones((count, 2), dtype=bool)
    if missing is not None:
        values[missing], present[missing] = 0, False
    return Embeddings(values, 10.0 * np.arange(count), present, NAMES, 10.0, "artefact", "tiny")


def section(**changes: object) -> MomentsSection:
    base = MomentsSection(recording(), embeddings(), {"acc": embeddings(seed=1), "eda": embeddings(seed=2)})
    return replace(base, **changes)  # type: ignore[arg-type]


def page(*sections: object, title: str = "A title") -> Page:
    return Page(title=title, lead="A lead.", figures=(Fact("windows", "6"),), sections=sections or (section(),))  # type: ignore[arg-type]


class Outline(HTMLParser):
    """Tags, addresses and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in {"src", "href", "action", "srcset"}]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_loads_nothing() -> None:
    html = render(page())
    outline = Outline(html)
    assert outline.addresses == []
    assert not {"link", "iframe", "img", "object", "embed"} & set(outline.tags)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", html)
    # The only address is the name of the SVG namespace.
    assert set(re.findall(r"https?://[^\s\"'<]+", html)) <= {"http://www.w3.org/2000/svg"}


def test_the_page_has_both_themes_and_a_narrow_layout() -> None:
    html = render(page())
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 760px" in html
    assert 'name="viewport"' in html


def test_names_from_files_stay_text() -> None:
    evil = "</script><script>alert(1)</script>"
    provenance = ProvenanceSection(facts=(Fact("Model", evil),), limits=(evil,), notices=(evil,))
    html = render(page(section(), provenance, title=evil))
    assert Outline(html).tags.count("script") == Outline(render(page())).tags.count("script")
    assert evil not in html


def test_script_data_cannot_close_its_element() -> None:
    class Evil(ProvenanceSection):
        def data(self) -> dict[str, str]:
            return {"name": "</script><b>"}

    html = render(page(Evil(facts=(), limits=())))
    assert "\\u003c/script>\\u003cb>" in html


def test_similarities_survive_packing() -> None:
    full = embeddings()
    data = section(full=full).data()
    packed = np.frombuffer(base64.b64decode(data["variants"][0]["similarity"]), dtype="<i2").reshape(6, 6) / 32767
    rows = full.values / np.linalg.norm(full.values, axis=1, keepdims=True)
    np.testing.assert_allclose(packed, rows @ rows.T, atol=1 / 32767)


def test_agreement_with_the_full_embedding_is_the_cosine_of_each_window() -> None:
    full, other = embeddings(), embeddings(seed=1)
    data = section(full=full, without={"acc": other}).data()
    expected = [float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in zip(full.values, other.values, strict=True)]
    np.testing.assert_allclose(data["variants"][1]["toFull"], expected, atol=1e-4)
    np.testing.assert_allclose(data["variants"][0]["toFull"], 1, atol=1e-4)


def test_equal_embeddings_lie_on_the_same_points() -> None:
    data = section(without={"acc": embeddings()}).data()
    assert data["variants"][0]["points"] == data["variants"][1]["points"]


def test_a_window_without_any_modality_is_marked_and_never_chosen() -> None:
    data = section(full=embeddings(missing=3), chosen_s=35.0).data()
    assert data["variants"][0]["usable"] == [1, 1, 1, 0, 1, 1]
    assert data["chosen"] != 3


def test_the_chosen_window_holds_the_chosen_moment() -> None:
    assert section(chosen_s=47.0).data()["chosen"] == 4


def test_a_variant_that_saw_nothing_is_left_out() -> None:
    nothing = replace(embeddings(), present=np.zeros((6, 2), dtype=bool))
    assert [variant["key"] for variant in section(without={"acc": nothing}).data()["variants"]] == ["all"]


def test_many_windows_are_thinned_evenly_and_the_page_says_so() -> None:
    many = section(recording=recording(), full=embeddings(2 * MAX_WINDOWS + 1), without={})
    times = many.data()["times"]
    assert len(times) <= MAX_WINDOWS
    assert set(np.diff(times)) == {30.0}
    assert "evenly spaced windows" in render(page(many))
    assert "evenly spaced windows" not in render(page())


def test_embeddings_of_other_windows_are_refused() -> None:
    with pytest.raises(LengthError, match="without 'acc'"):
        section(without={"acc": embeddings(5)})


def test_a_recording_in_which_nothing_was_seen_is_refused() -> None:
    with pytest.raises(LengthError, match="at least one window"):
        section(full=replace(embeddings(), present=np.zeros((6, 2), dtype=bool)), without={})


def test_one_window_makes_a_page() -> None:
    data = section(full=embeddings(1), without={}).data()
    assert data["variants"][0]["points"] == [[0.5, 0.5]]
    assert json.dumps(data, allow_nan=False)


def test_write_makes_folders_and_replaces_whole_files(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "report.html"
    assert write(page(), target) == target
    write(page(title="Another"), target)
    assert "<title>Another</title>" in target.read_text(encoding="utf-8")
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (187.4, "3:07"), (3599.6, "1:00:00"), (3787, "1:03:07")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize("duration_s", [0.5, 7, 61, 3262, 90_000, 900_000])
def test_ticks_are_few_round_and_inside(duration_s: float) -> None:
    ticks = time_ticks(duration_s)
    assert ticks[0] == 0
    assert len(ticks) <= 8
    assert ticks[-1] < duration_s


def test_colours_run_from_one_end_of_the_ramp_to_the_other() -> None:
    assert time_colours(6) == ["#356fe0", "#7b5cd6", "#bc4aa8", "#e55b6a", "#f08a3c", "#e8b92e"]
    assert time_colours(0) == []
    assert time_colours(1) == ["#356fe0"]
