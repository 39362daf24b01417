"""The card's part on episodes, from a summary made by hand."""

from __future__ import annotations

from typing import Any

from benchmarks import card, one_shot_card, readme
from benchmarks.one_shot_summary import missing_leaves
from sslts.evaluate.one_shot import load_one_shot

INPUTS = list(load_one_shot().inputs)


def value(mean: float) -> dict[str, Any]:
    return {"mean": mean, "half_width": 0.004, "by_fold": {"0": mean - 0.02, "1": mean, "2": mean + 0.02}}


def row(title: str, start: float, *, exploratory: bool = False, missing: bool = False) -> dict[str, Any]:
    inputs = {name: {"1": value(start - 0.01 * place), "5": value(start + 0.05)} for place, name in enumerate(INPUTS)}
    if missing:
        inputs["all, depth missing"] = {"1": value(0.8), "5": value(0.9)}
    told = {"title": title, "kind": "ours", "exploratory": exploratory, "pretraining_labels": "base classes", "date": "2026-01-31"}
    return {**told, "folds": [0, 1, 2], "complete": True, "inputs": inputs}


def summary() -> dict[str, Any]:
    difference = {"all": {"mean": -0.013, "half_width": 0.004}}
    trial = {**row("another fusion", 0.7, exploratory=True), "paired_on_fold_0": difference, "against": "Mu-MAE"}
    rows = {"mu-mae-utd-mhad": row("Mu-MAE", 0.9, missing=True), "minirocket-cosine": row("MiniRocket", 0.85), "trial": trial}
    rows["minirocket-cosine"]["inputs"]["skeleton"]["1"] = value(0.97)
    protocol = {"id": "utd-one-shot", "version": 1, "kind": "episodes", "title": "t"}
    return {
        "protocol": protocol,
        "chance": 0.2,
        "shots": ["1", "5"],
        "inputs": INPUTS,
        "whole": "all",
        "missing": missing_leaves(load_one_shot()),
        "rows": rows,
    }


def test_the_first_figure_is_the_headline_and_intervals_go_along():
    first = card.measured(summary(), "mu-mae-utd-mhad").results[0]
    assert (first.task, first.setting, first.value, first.low, first.high) == ("1-shot", "depth+inertial", 0.9, 0.896, 0.904)
    assert first.dataset == "utd-mhad"


def test_tables_show_folds_apart_chance_missing_and_trials():
    one, five, missing, trials = card.tables(summary())
    assert (one.title, five.title) == ("1 example a class", "5 examples a class")
    assert one.rows[0][1] == "90.0 +- 0.4 (88.0 / 90.0 / 92.0)"
    assert one.rows[-1] == ("*chance*", *["20"] * len(INPUTS), "")
    assert missing.rows == (("Mu-MAE", "all, depth missing", "80.0 +- 0.4 (78.0 / 80.0 / 82.0)", "90.0 +- 0.4 (88.0 / 90.0 / 92.0)"),)
    assert trials.rows[0][0] == "another fusion"
    assert trials.rows[0][3].startswith("-1.3")
    assert trials.rows[0][4] == "Mu-MAE"


def test_where_a_peer_wins_and_what_missing_costs_is_said():
    told = one_shot_card.note(summary(), "mu-mae-utd-mhad")
    assert "- 1-shot, skeleton: MiniRocket 97.0" in told
    assert "depth+inertial: MiniRocket" not in told
    left = 100 * (0.9 - 0.01 * INPUTS.index("inertial+skeleton") - 0.8)
    assert f"without depth {left:.1f} points less than a model fitted for inertial+skeleton" in told
    assert "say nothing about other classes" in told


def test_the_readme_shows_every_input_for_one_example():
    shown = readme.results(summary())
    assert all(f"1-shot, {name}" in shown for name in INPUTS)
    assert "5-shot, all" in shown
    assert "another fusion" not in shown


def test_what_validation_left_out_is_counted_and_shown_with_trials():
    told = summary()
    told["rows"]["mu-mae-utd-mhad"]["selected"] = {
        "all": {"0": {"joint": 0.0, "step": 0}, "1": {"joint": 0.5, "step": 20}},
        "depth": {"0": {"joint": 0.0, "step": 40}},
    }
    said = "no weight in 2 of 3 fits (one an input and fold), and kept the closed form, no gradient step of stage 2, in 1."
    assert said in one_shot_card.note(told, "mu-mae-utd-mhad")
    assert said in readme.results(told)
    *_, trials = card.tables(told)
    assert trials.columns[-2:] == ("joint view", "kept")
    assert trials.rows[0][-2:] == ("-", "-")
    told["rows"]["trial"]["selected"] = {"all": {"0": {"joint": 0.5, "step": 60}}}
    assert card.tables(told)[-1].rows[0][-2:] == ("0.5", "60")
    told["rows"]["trial"]["selected"] = {"all": {"0": {"joint": None, "step": 0}}}
    assert card.tables(told)[-1].rows[0][-2:] == ("left out", "0")


def test_a_missing_modality_that_costs_nothing_is_said_so():
    told = summary()
    told["rows"]["mu-mae-utd-mhad"]["inputs"]["all, depth missing"]["1"] = value(0.99)
    assert "points more than a model fitted for inertial+skeleton" in one_shot_card.note(told, "mu-mae-utd-mhad")


def test_what_pretraining_adds_is_said_once_its_row_is_complete():
    told = summary()
    assert "random weights in the ViT" not in one_shot_card.note(told, "mu-mae-utd-mhad")
    told["rows"]["random-init"] = row("the same, not pretrained", 0.91)
    assert "pretraining adds, in points (one example, mean of the folds): depth+inertial -1.0; all" in one_shot_card.note(
        told, "mu-mae-utd-mhad"
    )
    told["rows"]["random-init"]["complete"] = False
    assert "random weights in the ViT" not in one_shot_card.note(told, "mu-mae-utd-mhad")
