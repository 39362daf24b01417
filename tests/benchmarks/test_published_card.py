"""A published card quotes the committed results, and says plainly where a peer is ahead."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.card import CARDS, against_peers, against_random, measured, peers_ahead, tables, up_to_date

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
                    task["against_best_peer"] = {"peer": "peer", "difference": difference, "ahead": 5, "equal": 3, "of": 15}
                found.append(task)
        return found

    entry = {"exploratory": False, "date": "2026-01-01"}
    return {
        "protocol": {"id": "wesad-loso"},
        "rows": {
            "peer": {**entry, "kind": "peer", "title": "A simple peer", "tasks": tasks(0.7, ours=False)},
            "mine": {**entry, "kind": "model", "title": "Mine", "tasks": tasks(0.97, ours=True)},
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


def test_subjects_on_which_both_are_level_are_counted():
    assert "ahead on 5 of 15 subjects, level on 3:" in against_peers(summary(), "mine")


def test_a_peer_ahead_with_few_labels_or_sensors_is_named_although_it_is_behind_in_every_task():
    def more(share: float, subset: float) -> dict[str, Any]:
        cells = [{"setting": "inductive", "fraction": part, "macro_f1": {"mean": share, "half_width": 0.02}} for part in (0.01, 1.0)]
        subsets = [{"present": ["eda", "temp"], "macro_f1": {"mean": subset, "half_width": 0.02}}]
        return {"label_fractions": cells, "missing": [{"setting": "subject-normalised", "subsets": subsets}]}

    made = summary()
    assert "No peer has a higher mean macro-F1" in peers_ahead(made, "mine")
    made["rows"]["peer"] |= more(0.6, 0.7)
    made["rows"]["mine"] |= more(0.5, 0.65)
    assert peers_ahead(made, "mine").split("\n\n")[2].splitlines() == [
        "- 4-class with 1 % of the labels, inductive: A simple peer 60.0 +- 2.0; ours 50.0 +- 2.0.",
        "- 4-class from eda + temp, probe trained with subsets, normalised per subject: A simple peer 70.0 +- 2.0; ours 65.0 +- 2.0.",
    ]


def test_what_training_adds_is_paired_by_subject_and_counted_where_it_exceeds_its_interval():
    """Gains 0.1 and 0.1 (no spread: clear), and 0.1 and -0.1 (mean zero: not clear); subjects stand in another order there."""
    made = summary()
    ours, theirs = ({"setting": "inductive", "task": "stress"} for _ in range(2))
    made["rows"]["mine"]["tasks"] = [ours | {"by_subject": {"a": 0.6, "b": 0.9}}, ours | {"by_subject": {"a": 0.6, "b": 0.6}}]
    made["rows"]["random-init"] = {"tasks": [theirs | {"by_subject": {"b": 0.8, "a": 0.5}}, theirs | {"by_subject": {"b": 0.7, "a": 0.5}}]}
    told = against_random(made, "mine")
    assert "stress, inductive +10.0 +- 0.0; stress, inductive +0.0 +- " in told
    assert "more than its interval in 1 of 2 columns" in told


def test_tables_put_every_row_beside_ours():
    first, second = tables(summary())
    assert first.rows == (("A simple peer", *["70.0 +- 5.0"] * 3), ("Mine", *["97.0 +- 5.0"] * 3))
    assert second.columns == ("row", "4-class", "3-class", "stress")
