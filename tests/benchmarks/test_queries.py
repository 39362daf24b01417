"""The page of five queries is what the script makes: of the published model as soon as there is one, and of nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tiny_text import tiny_jepa

from benchmarks import queries
from sslts.cli.words_tour import QUERIES, WordsTour, words_tour

# The untrained model's tower knows a dozen words.
pytestmark = pytest.mark.filterwarnings("ignore::sslts.errors.VocabularyWarning")
SCORE = re.compile(r"(?<=\| )-?\d\.\d\d(?= \|)")


@pytest.fixture(scope="module")
def tour() -> WordsTour:
    return words_tour(tiny_jepa(name="tiny"))


@pytest.fixture(scope="module")
def written() -> dict[Path, str]:
    """What the script would write now."""
    return queries.files()


def test_the_committed_page_is_what_the_model_finds(written: dict[Path, str]) -> None:
    # Without the model the script writes a page that says so; once the model is there that page is wrong, and this fails.
    for name, made in written.items():
        path = queries.DOCS / name
        assert path.is_file(), f"{name} is missing. Run: python benchmarks/queries.py"
        kept = path.read_text(encoding="utf-8")
        assert SCORE.sub("", kept) == SCORE.sub("", made), "Run: python benchmarks/queries.py"
        # Another processor may round the last digit the other way.
        shown, expected = ([float(score) for score in SCORE.findall(text)] for text in (kept, made))
        assert shown == pytest.approx(expected, abs=0.0101)


def test_no_drawing_is_left_over(written: dict[Path, str]) -> None:
    kept = {path.relative_to(queries.DOCS) for path in (queries.DOCS / "queries").glob("*")}
    assert kept == {name for name in written if name.suffix == ".svg"}


def test_the_page_lists_each_hit_with_its_time_score_and_truth(tour: WordsTour) -> None:
    page = queries.page(tour)
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if re.match(r"\| \d", line)]
    expected = [(hit, query) for query, hits in zip(tour.queries, tour.hits, strict=True) for hit in hits]
    assert [(rank, score, name) for rank, score, name, *_ in rows] == [(str(h.rank), f"{h.score:.2f}", h.name) for h, _ in expected]
    for (*_, done), (hit, query) in zip(rows, expected, strict=True):
        assert str(tour.truth(hit)) in done
        assert ("a miss" in done) == (tour.truth(hit) != query.means)


def test_each_text_has_a_drawing_with_its_hits_in_order_of_time(tour: WordsTour) -> None:
    made = queries.files_of(tour)
    page = made.pop(queries.PAGE)
    assert len(made) == 5
    for (name, drawn), hits in zip(made.items(), tour.hits, strict=True):
        assert f"({name.as_posix()})" in page
        circles = [float(node.get("cx", "nan")) for node in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}circle")][::-1]
        order = sorted(range(len(hits)), key=lambda place: (hits[place].recording, hits[place].start_s))
        assert sorted(range(len(hits)), key=circles.__getitem__) == order
        assert len(drawn) < 40_000


def test_the_script_writes_the_same_twice_and_notices_a_change(tour: WordsTour, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(queries, "words_tour", lambda model: tour)
    told = ["--model", "tiny", "--out", str(tmp_path)]
    assert queries.main([*told, "--check"]) == 1
    assert queries.main(told) == 0
    assert queries.main([*told, "--check"]) == 0
    page = tmp_path / queries.PAGE
    page.write_text(page.read_text(encoding="utf-8").replace("sub_24", "sub_25", 1), encoding="utf-8")
    assert queries.main([*told, "--check"]) == 1


def test_without_the_model_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "published", lambda: False)
    ((name, page),) = queries.files().items()
    assert name == queries.PAGE
    assert "not published yet" in page


def test_each_query_holds_a_word_that_no_training_text_uses() -> None:
    known = queries.training_words()
    assert {"climbing", "chair"} <= known
    assert all(set(queries.words(query.text)) - known for query in QUERIES)
