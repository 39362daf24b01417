"""What a card shows of trials on group 0: one choice of the recipe changed, beside the recipe trained equally long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.rows.jepa import SAME_LENGTH
from sslts.errors import ConfigError
from sslts.evaluate.protocol import Protocol, load_protocol
from sslts.hub.card import Table

#: Rows that take one part of the method away -> what they take away.
WITHOUT = {
    "no-text": "text",
    "no-jepa": "latent prediction",
    "no-channel-text": "text of channels",
    "no-ema": "the moving average of the target",
}
_LEAST = 0.05  # points: less is a tie in what is shown
_BY_TEXT = "text to windows, mAP"
_MEANINGLESS = {("no-text", _BY_TEXT)}


def table(summaries: Sequence[Mapping[str, Any]]) -> Table | None:
    """One row a trial, one column a figure; in brackets the difference to the recipe at the same length. None without trials."""
    found = figures(summaries)
    reference = found.pop(SAME_LENGTH, None)
    if reference is None or not found:
        return None
    titles = {name: entry["title"] for summary in summaries for name, entry in summary["rows"].items()}
    columns = list(reference)
    lines = [(titles[SAME_LENGTH], *(f"{reference[column]:.1f}" for column in columns))]
    for name, mine in found.items():
        lines.append((titles[name], *(_against(mine.get(column), reference[column]) for column in columns)))
    who = subjects(summaries)
    note = (
        f"Means over {' and '.join(who)} alone, in points, half as many epochs as the recipe; in brackets the difference to the recipe at "
        "that length. Exploratory: so few people do not rank what is a few points apart."
    )
    return Table(title="One choice changed", columns=("row", *columns), rows=tuple(lines), note=note)


def note(summaries: Sequence[Mapping[str, Any]]) -> str:
    """What taking a part of the method away lowers, and what it raises."""
    found = figures(summaries)
    reference = found.get(SAME_LENGTH)
    lines = []
    for name, what in WITHOUT.items():
        if reference is None or name not in found:
            continue
        gaps = {column: value - reference[column] for column, value in found[name].items() if column in reference}
        lower = [f"{column} by {-gap:.1f}" for column, gap in gaps.items() if gap <= -_LEAST]
        higher = [f"{column} by {gap:.1f}" for column, gap in gaps.items() if gap >= _LEAST]
        verdict = "every figure falls" if len(lower) == len(reference) else ""
        told = "; ".join(
            part for part in (f"lowers {', '.join(lower)}" if lower else "", f"raises {', '.join(higher)}" if higher else "") if part
        )
        lines.append(f"- Without {what}{f' ({verdict})' if verdict else ''}: {told or 'nothing changes'}.")
    people = " and ".join(subjects(summaries)) if lines else ""
    return f"What each part is worth, on {people} and at half the length:\n\n" + "\n".join(lines) if lines else ""


def figures(summaries: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """{row: {figure: points}} of the trials under protocols that leave people out; `subjects` says over whom. What a row has no map for
    (texts, at lambda 0) is left out."""
    found: dict[str, dict[str, float]] = {}
    for summary in summaries:
        for name, entry in summary["rows"].items():
            if entry["exploratory"]:
                told = _of(summary, entry)
                found.setdefault(name, {}).update({column: value for column, value in told.items() if (name, column) not in _MEANINGLESS})
    return {name: told for name, told in found.items() if told}


def _of(summary: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, float]:
    protocol = summary["protocol"]
    if protocol.get("kind") == "retrieval":
        told = {_BY_TEXT: 100 * entry["mean_average_precision"]["mean"]}
        for cross, recalls in entry["recall"].items():
            for column in ("same_moment_recall_at_5", "same_activity_recall_at_1"):
                if column in recalls:
                    told[f"{cross}, {column.replace('_recall_at_', '@').replace('_', ' ')}"] = 100 * recalls[column]["mean"]
        return told
    if not entry.get("tasks"):
        return {}
    loso = load_protocol(protocol["id"])
    task = _main_task(loso, entry)
    return {f"{loso.main_task} probe, macro-F1": 100 * float(np.mean(list(task["by_subject"].values())))}


def _main_task(loso: Protocol, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(task for task in entry["tasks"] if task["task"] == loso.main_task)
    return found


def subjects(summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """On whom the trials were judged (ConfigError: not all on the same people, so that their figures cannot stand side by side)."""
    judged: dict[frozenset[str], str] = {}
    for summary in summaries:
        for name, entry in summary["rows"].items():
            if entry["exploratory"] and _of(summary, entry):
                told = entry.get("by_subject") or _main_task(load_protocol(summary["protocol"]["id"]), entry)["by_subject"]
                judged.setdefault(frozenset(told), f"{name} ({summary['protocol']['id']})")
    if len(judged) > 1:
        each = "; ".join(f"{row}: {', '.join(sorted(people))}" for people, row in judged.items())
        raise ConfigError(f"Trials must be judged on the same people, got {each}. Compute them on one group.")
    return sorted(next(iter(judged), frozenset()))


def _against(value: float | None, reference: float) -> str:
    return "not judged" if value is None else f"{value:.1f} ({round(value - reference, 1) + 0.0:+.1f})"
