"""The demo's half in words: what it shows is what the library finds. The model is an untrained one unless a test says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from tiny_text import tiny_jepa
from typer.testing import CliRunner

from sslts.cli import app
from sslts.cli.clip_tour import label_of
from sslts.cli.words import CLIP_MODEL, DEFAULT_MODEL
from sslts.cli.words_tour import QUERIES, TOP_K, WordsTour, spans, truth_at, words_tour
from sslts.hub import catalogue
from sslts.interfaces import TextMethod
from sslts.report.end_to_end import end_to_end
from sslts.text import load_static

run = CliRunner()
# The untrained model's tower knows a dozen words.
pytestmark = pytest.mark.filterwarnings("ignore::sslts.errors.VocabularyWarning")


@pytest.fixture(scope="module")
def tour() -> WordsTour:
    return words_tour(tiny_jepa(name="tiny"))


def test_every_recording_is_named_among_the_six_true_activities(tour: WordsTour) -> None:
    truths = {label for recording in tour.recordings if recording.labels for label in recording.labels.names}
    assert len(truths) == 6
    assert set(tour.labels) == truths
    assert [len(found) for found in tour.named] == np.bincount(tour.index.recording).tolist()


def test_windows_named_rightly_are_counted(tour: WordsTour) -> None:
    expected = sum(
        found.predicted.count(recording.labels.names[0])
        for recording, found in zip(tour.recordings, tour.named, strict=True)
        if recording.labels
    )
    assert tour.right() == (expected, len(tour.index))


def test_cosines_are_those_of_text_and_window(tour: WordsTour) -> None:
    import torch

    for text in ("sitting", QUERIES[0].text):
        with torch.inference_mode():
            told = cast(TextMethod, tour.model.method).embed_text([text])
            vector = torch.nn.functional.normalize(told.float(), dim=1)[0].numpy()
        np.testing.assert_allclose(tour.cosine[text], tour.index.words @ vector, atol=1e-5)


def test_hits_are_the_greatest_cosines(tour: WordsTour) -> None:
    for query, hits in zip(tour.queries, tour.hits, strict=True):
        assert len(hits) == TOP_K
        assert hits[0].score == pytest.approx(tour.cosine[query.text].max(), abs=1e-6)
        assert tour.truth(hits[0]) == label_of(tour.recordings[hits[0].recording])


def test_each_window_owns_the_time_up_to_half_way_to_its_neighbours(tour: WordsTour) -> None:
    line = end_to_end(tour.recordings, gap_s=2.0)
    owned = spans(tour.index, line)
    for number, (recording, shift) in enumerate(zip(tour.recordings, line.shift_s, strict=True)):
        mine = owned[tour.index.recording == number]
        np.testing.assert_allclose(mine[1:, 0], mine[:-1, 1])
        np.testing.assert_allclose(np.diff(mine[1:-1, 0]), 1.0)
        assert mine[0, 0] == shift
        assert mine[-1, 1] <= shift + recording.duration_s + 1e-6


def test_the_table_says_who_was_named_what_and_where_each_text_was_found(tour: WordsTour) -> None:
    shown = tour.table()
    for query, hits in zip(tour.queries, tour.hits, strict=True):
        (line,) = (line for line in shown.splitlines() if line.startswith(query.text))
        assert hits[0].name in line
        assert line.endswith(str(tour.truth(hits[0])))


def test_what_was_truly_done_is_the_label_at_the_middle(tour: WordsTour) -> None:
    first = tour.recordings[0]
    assert truth_at(first, first.duration_s - 4.0, 5.0) == label_of(first)
    assert truth_at(first, first.duration_s - 2.0, 5.0) is None


def test_every_query_means_an_activity_of_the_sample_and_is_in_words_that_the_tower_knows(tour: WordsTour) -> None:
    assert len(QUERIES) == 5
    assert {query.means for query in QUERIES} <= set(tour.labels)
    assert [load_static().unknown_words(query.text) for query in QUERIES] == [()] * 5


def demo(model_folder: Path, out: Path, *more: str):
    return run.invoke(app, ["demo", "--model", f"dir:{model_folder}", "--out", str(out), *more])


def test_the_demo_shows_both_halves_in_one_file_that_loads_nothing(model_folder: Path, tmp_path: Path) -> None:
    text_model = tiny_jepa(name="tiny").save(tmp_path / "tiny-text")
    result = demo(model_folder, tmp_path / "demo", "--text-model", f"dir:{text_model}")
    assert result.exit_code == 0, result.output
    assert "looked for" in result.stdout
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["report.html"]
    page = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    for kind in ("moments", "words", "provenance"):
        assert f'class="section {kind}"' in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_without_the_bundled_model_the_demo_says_so_in_one_line_and_goes_on(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "list_models", lambda *_: [])
    result = demo(model_folder, tmp_path / "demo", "--quiet")
    assert result.exit_code == 0, result.output
    words, clips = result.stderr.splitlines()
    assert words.startswith(f"sslts: {DEFAULT_MODEL} does not come with this copy")
    assert clips.startswith(f"sslts: {CLIP_MODEL} does not come with this copy")
    assert 'class="section words"' not in (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")


def test_a_model_that_somebody_names_must_be_there(model_folder: Path, tmp_path: Path) -> None:
    result = demo(model_folder, tmp_path / "demo", "--text-model", "sensor-text-nothing", "--quiet")
    assert result.exit_code == 1
    assert "No pretrained model is named 'sensor-text-nothing'" in result.stderr
