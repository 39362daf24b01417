"""A published card quotes the committed results, and says plainly where a peer is ahead."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.card import CARDS, against_peers, measured, tables, up_to_date

PUBLISHED = sorted(folder.name for folder in CARDS.iterdir() if (folder / "config.json").exists())


def summary() -> dict[str, Any]:
    """Two rows, two settings of three tasks; the peer is better by 4 +- 3 points at the first."""

    def tasks(value: float, ours: bool) -> list[dict[str, Any]]:
        found = []
        for setting in ("inductive", "subject-normalised"):
            for name in ("4-class", "3-class", "stress"):
                task: dict[str, Any] = {"setting": setting, "task": name, "macro_f1": {"mean": value, "half_width": 0.05}}
                if ours:
                    first = (setting, name) == ("inductive", "4-class")
                    difference = {"mean": -0.04 if first else 0.02, "half_width": 0.03}
                    task["against_best_peer"] = {"peer": "peer", "difference": difference, "ahead": 5, "of": 15}
                found.append(task)
        return found

    entry = {"exploratory": False, "date": "2026-01-01"}
    return {
        "protocol": {"id": "wesad-loso"},
        "rows": {
            "peer": {**entry, "title": "A simple peer", "tasks": tasks(0.7, ours=False)},
            "mine": {**entry, "title": "Mine", "tasks": tasks(0.97, ours=True)},
        },
    }


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_card_is_what_the_results_give(name):
    assert up_to_date(name)


def test_crossl_wesad_is_published():
    assert "crossl-wesad" in PUBLISHED


def test_the_headline_is_stress_and_intervals_end_at_one():
    results = measured(summary(), "mine").results
    assert (results[0].task, results[0].setting) == ("stress", "normalised per subject")
    assert (results[0].low, results[0].high) == (0.92, 1.0)
    assert len(results) == 6


def test_a_winning_peer_is_named_and_ties_are_called_undecided():
    told = against_peers(summary(), "mine").splitlines()
    assert "4-class, inductive: -4.0 +- 3.0" in told[2]
    assert "behind; **A simple peer has the higher mean**" in told[2]
    assert all("undecided." in line and "higher mean" not in line for line in told[3:])


def test_tables_put_every_row_beside_ours():
    first, second = tables(summary())
    assert first.rows == (("A simple peer", *["70.0 +- 5.0"] * 3), ("Mine", *["97.0 +- 5.0"] * 3))
    assert second.columns == ("row", "4-class", "3-class", "stress")
