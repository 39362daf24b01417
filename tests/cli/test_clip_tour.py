"""The demo's part with clips: what it shows is what the library computes. The model is an untrained one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_mae import tiny_mae
from typer.testing import CliRunner

from sslts.cli import app
from sslts.cli.clip_tour import ClipTour, clip_tour, label_of
from sslts.errors import UnsupportedError
from sslts.hub import catalogue
from sslts.report import Page, render
from sslts.training.recipe import load_recipe
from sslts.training.run import find_recipe


@pytest.fixture(scope="module")
def tour() -> ClipTour:
    return clip_tour(tiny_mae())


def test_five_actions_one_example_each_and_queries_by_somebody_else(tour: ClipTour) -> None:
    assert len(tour.support) == len(tour.asked) == len(tour.classes) == 5
    assert {clip.subject for clip in tour.support}.isdisjoint({clip.subject for clip in tour.asked})
    assert sorted(map(label_of, tour.support)) == sorted(tour.truth) == sorted(tour.classes)


def test_the_actions_are_those_that_the_recipe_never_reads(tour: ClipTour) -> None:
    recipe = load_recipe(find_recipe("mu-mae-utd-mhad"))
    assert recipe.finetune is not None
    novel = set(recipe.data.exclude_labels) - set(recipe.finetune.validation_labels)
    assert set(tour.classes) <= novel


def test_scores_are_those_of_the_library(tour: ClipTour) -> None:
    recogniser = tour.model.few_shot(tour.support, [label_of(clip) for clip in tour.support])
    predicted = [each.predicted[0] for each in recogniser.predict(tour.asked)]
    assert [tour.classes[index] for index in tour.scores.argmax(1)] == predicted
    assert tour.right() == sum(name == truth for name, truth in zip(predicted, tour.truth, strict=True))
    assert set(tour.without) == {"depth", "acc", "gyro", "skeleton"}
    lacking = recogniser.scores(tour.asked[1].without("depth"))[0]
    np.testing.assert_allclose(tour.without["depth"][1], lacking, rtol=1e-5)


def test_what_was_not_hidden_is_shown_as_it_is(tour: ClipTour) -> None:
    for name, part in tour.filled.items():
        assert part.hidden.any(), name
        assert (part.made == part.seen)[~part.hidden].all()
        assert (part.made != part.seen)[part.hidden].any()
    assert tour.filled["depth"].hidden.float().mean() == pytest.approx(0.9, abs=0.02)


def test_the_section_names_the_clip_and_its_truth(tour: ClipTour) -> None:
    section = tour.section()
    assert [film.name for film in section.films] == ["depth"]
    assert [sensor.name for sensor in section.sensors] == ["acc", "gyro", "skeleton"]
    assert [guess.label for guess in section.guesses if guess.truth] == [tour.truth[0]]
    page = render(Page(title="t", lead="l", figures=(), sections=(section,), footer="f"))
    assert "filled in" in page
    assert "right hand wave" in page


def test_what_is_said_of_training_is_what_the_config_says(tour: ClipTour) -> None:
    """The tiny model says of itself neither which actions it left out nor whom it read."""
    assert f"{tour.model.name} may have seen some of these actions in training" in tour.section().lead
    assert not tour.people_met
    told = {"excluded_labels": tour.classes, "subjects": (tour.asked[0].subject,)}
    config = tour.model.config
    other = replace(tour.model, config=config.model_copy(update={"provenance": config.provenance.model_copy(update=told)}))
    met = replace(tour, model=other)
    assert "saw none of these actions in training" in met.section().lead
    assert met.people_met


def test_the_table_says_how_many_are_recognised(tour: ClipTour) -> None:
    shown = tour.table()
    assert f"{tour.right()} of 5 rightly" in shown
    assert f"without depth {tour.right(tour.without['depth'])} of 5" in shown


def test_a_model_that_fills_nothing_in_is_refused(tmp_path: Path) -> None:
    from tiny_e4 import tiny_model

    from sslts.data import specs

    with pytest.raises(UnsupportedError, match="does not fill in clips"):
        clip_tour(tiny_model(specs.empatica_e4(window_s=10, stride_s=5)))


def test_the_demo_shows_clips_when_a_model_for_them_is_there(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_mae().save(tmp_path / "mae")
    monkeypatch.setattr(catalogue, "bundled_folders", lambda: {})
    options = ["--model", f"dir:{model_folder}", "--clip-model", f"dir:{folder}", "--out", str(tmp_path / "demo")]
    done = CliRunner().invoke(app, ["demo", *options])
    assert done.exit_code == 0, done.output
    assert "recognised by mu-mae-utd-mhad from one example each" in done.stdout
    assert "A clip, hidden and filled in" in (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
