"""Trials on a card: differences to the recipe at the same length, and what taking a part away does."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import trials
from benchmarks.rows.jepa import CHANGES, SAME_LENGTH
from sslts.errors import ConfigError


def probe(**scores: tuple[float, float]) -> dict[str, Any]:
    rows = {
        name.replace("_", "-"): {
            "title": f"the row {name}",
            "exploratory": name != "whole",
            "tasks": [{"task": "19-class", "by_subject": dict(zip(("p1", "p5"), values, strict=True))}],
        }
        for name, values in scores.items()
    }
    return {"protocol": {"id": "dsads-loso"}, "rows": rows}


def search(**scores: tuple[float, float]) -> dict[str, Any]:
    rows = {
        name.replace("_", "-"): {
            "title": f"the row {name}",
            "exploratory": name != "whole",
            "by_subject": {"p1": values[0], "p5": values[0]},
            "mean_average_precision": {"mean": values[0]},
            "recall": {"arm-to-leg": {"same_moment_recall_at_1": {"mean": 0.1}, "same_moment_recall_at_5": {"mean": values[1]}}},
        }
        for name, values in scores.items()
    }
    return {"protocol": {"id": "har-retrieval", "kind": "retrieval"}, "rows": rows}


SUMMARIES = [
    probe(whole=(0.99, 0.99), half_as_long=(0.9, 0.92), no_text=(0.8, 0.86), no_jepa=(0.95, 0.95)),
    search(half_as_long=(0.9, 0.4), no_text=(0.1, 0.3), no_jepa=(0.8, 0.5)),
]


def test_the_reference_is_the_recipe_at_the_same_length_and_stands_first():
    assert SAME_LENGTH in CHANGES
    found = trials.table(SUMMARIES)
    assert found.columns == ("row", "19-class probe, macro-F1", "text to windows, mAP", "arm-to-leg, same moment@5")
    assert found.rows == (
        ("the row half_as_long", "91.0", "90.0", "40.0"),
        ("the row no_text", "83.0 (-8.0)", "not judged", "30.0 (-10.0)"),
        ("the row no_jepa", "95.0 (+4.0)", "80.0 (-10.0)", "50.0 (+10.0)"),
    )
    assert "p1 and p5 alone" in found.note


def test_a_part_that_does_not_help_is_said_to_raise_figures():
    told = trials.note(SUMMARIES)
    assert "- Without text: lowers 19-class probe, macro-F1 by 8.0, arm-to-leg, same moment@5 by 10.0." in told
    assert "- Without latent prediction: lowers text to windows, mAP by 10.0; raises 19-class probe, macro-F1 by 4.0" in told


def test_what_was_not_judged_is_said_and_not_called_a_fall():
    given = [SUMMARIES[0], search(half_as_long=(0.9, 0.4), no_jepa=(0.9, 0.4))]
    rows = {row[0]: row[1:] for row in trials.table(given).rows}
    assert rows["the row no_text"] == ("83.0 (-8.0)", "not judged", "not judged")
    assert rows["the row no_jepa"][1] == "90.0 (+0.0)"
    assert "every figure falls" not in trials.note(given)
    assert "nothing changes" in trials.note([search(half_as_long=(0.9, 0.4), no_ema=(0.9, 0.4))])


def test_trials_on_other_people_are_not_put_side_by_side():
    other = probe(half_as_long=(0.9, 0.9), no_jepa=(0.9, 0.9))
    other["rows"]["no-jepa"]["tasks"][0]["by_subject"] = {"p1": 0.5}
    with pytest.raises(ConfigError, match="judged on the same people"):
        trials.table([other])


def test_without_trials_there_is_nothing_to_say():
    assert trials.table([probe(whole=(0.9, 0.9))]) is None
    assert trials.note([probe(whole=(0.9, 0.9))]) == ""


def test_every_part_that_is_spoken_of_is_a_row():
    assert set(trials.WITHOUT) <= set(CHANGES)
