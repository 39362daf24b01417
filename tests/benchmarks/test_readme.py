"""The README's figures are those of the results files."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import readme


def row(title: str, mean: float, *, complete: bool = True, exploratory: bool = False, half_width: float | None = 0.048) -> dict[str, Any]:
    score = {"mean": mean, "half_width": half_width, "subjects": 15}
    return {
        "title": title,
        "complete": complete,
        "exploratory": exploratory,
        "date": "2026-01-05 to 2026-01-07",
        "tasks": [{"setting": "subject-normalised", "task": "4-class", "macro_f1": score}],
    }


def summary(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"protocol": {"id": "wesad-loso", "version": 1}, "rows": {str(index): found for index, found in enumerate(rows)}}


def test_the_readme_shows_what_the_results_files_hold() -> None:
    assert readme.main(["--check"]) == 0


def test_the_best_of_a_column_is_bold_and_stands_with_its_interval() -> None:
    lines = readme.results(summary(row("ours", 0.7251), row("peer", 0.7))).splitlines()
    assert lines[0].startswith("`wesad-loso` version 1:")
    assert "computed 2026-01-05 to 2026-01-07" in lines[0]
    assert lines[2:] == [
        "| macro-F1 | normalised 4-class |",
        "| --- | --- |",
        "| ours | **72.5 ± 4.8** |",
        "| peer | 70.0 ± 4.8 |",
    ]


def test_incomplete_and_exploratory_rows_stay_out() -> None:
    shown = readme.results(
        summary(row("ours", 0.5, half_width=None), row("unfinished", 0.9, complete=False), row("trial", 0.9, exploratory=True))
    )
    assert "unfinished" not in shown
    assert "trial" not in shown
    assert "| ours | **50.0** |" in shown


def test_only_the_named_part_is_replaced() -> None:
    text = "before\n<!-- a:begin -->\nold\n<!-- a:end -->\nafter\n"
    once = readme.filled(text, {"a": "new"})
    assert once == "before\n<!-- a:begin -->\n\nnew\n\n<!-- a:end -->\nafter\n"
    assert readme.filled(once, {"a": "new"}) == once


def test_missing_markers_are_an_error() -> None:
    with pytest.raises(ValueError, match="a:begin"):
        readme.filled("nothing here", {"a": "new"})
