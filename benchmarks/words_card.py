"""What a card shows and says of the protocols of words: their figures, and which other row names or finds better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.words_summary import marked, recall_name, spread
from sslts.hub.card import Table
from sslts.hub.metrics import Result

#: Kinds of protocols whose summaries are read here.
KINDS = ("zero-shot", "retrieval")
_UNSEEN = "Classes of DSADS that training held out"


def is_words(summary: Mapping[str, Any]) -> bool:
    """True for a summary of `benchmarks.words`."""
    return summary["protocol"].get("kind") in KINDS


def measured(summary: Mapping[str, Any], row: str, datasets: Mapping[str, str]) -> list[Result]:
    """The row's figures as results; datasets: {target or leave-out protocol: data set}."""
    protocol, entry = summary["protocol"]["id"], summary["rows"][row]
    if summary["protocol"]["kind"] == "retrieval":
        dataset = datasets[entry["leave_out"]]
        found = [("text-to-windows", "mean-average-precision", "", entry["mean_average_precision"])]
        for cross, recalls in entry["recall"].items():
            for column, value in recalls.items():
                task, k = column.split("_recall_at_")
                found.append((task.replace("_", "-"), f"recall-at-{k}", cross, value))
        return [_result(protocol, task, dataset, metric, setting, value, entry["date"]) for task, metric, setting, value in found]
    results = []
    for told in entry["targets"]:
        setting = f"{told['input']}, {told['set']} set"
        value = told["balanced_accuracy"]
        results.append(_result(protocol, told["target"], datasets[told["target"]], "balanced-accuracy", setting, value, entry["date"]))
    for told in entry["unseen"]:
        value, setting = {**told["balanced_accuracy"], "half_width": None}, f"{told['input']}, mean of {told['of']} draws"
        results.append(_result(protocol, "unseen-classes", "dsads", "balanced-accuracy", setting, value, entry["date"]))
    return results


def tables(summary: Mapping[str, Any]) -> tuple[Table, ...]:
    """Every row that is no trial, one column a figure, and what chance gives."""
    rows = {name: entry for name, entry in summary["rows"].items() if not entry["exploratory"]}
    named = {name: figures(summary, entry) for name, entry in rows.items()}
    protocol = summary["protocol"]["id"]
    found = []
    for title, note in _PARTS[summary["protocol"]["kind"]]:
        columns = list(dict.fromkeys(name for told in named.values() for part, name in told if part == title))
        lines = [(marked(rows[row]), *(_cell(told.get((title, name))) for name in columns)) for row, told in named.items()]
        chance = ("*chance*", *(_chance(summary, title, name, rows) for name in columns))
        if columns:
            found.append(Table(title=title, columns=("row", *columns), rows=(*lines, chance), note=f"{note}; protocol {protocol}."))
    return tuple(found)


def note(summary: Mapping[str, Any], row: str) -> str:
    """Which rows beside ours have the higher mean, figure by figure: nothing is left out, trials on group 0 excepted."""
    ours = figures(summary, summary["rows"][row])
    others = {name: entry for name, entry in summary["rows"].items() if name != row and not entry["exploratory"]}
    if not others:
        return "No other row was judged under this protocol."
    lines = []
    for (title, name), mine in ours.items():
        ahead = []
        for entry in others.values():
            theirs = figures(summary, entry).get((title, name))
            if theirs is not None and theirs["mean"] > mine["mean"]:
                ahead.append((theirs["mean"], f"{marked(entry)} {_cell(theirs)}"))
        if ahead:
            lines.append(f"- {title}, {name}: {', '.join(told for _, told in sorted(ahead, reverse=True))}; ours {_cell(mine)}.")
    if not lines:
        return f"No other row ({', '.join(entry['title'] for entry in others.values())}) has a higher mean in any figure."
    return "Where another row has the higher mean:\n\n" + "\n".join(lines)


def figures(summary: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """{(table, column): figure} of a row."""
    if summary["protocol"]["kind"] == "retrieval":
        found = {(_FOUND, "text to windows, mAP"): entry["mean_average_precision"]}
        for cross, recalls in entry["recall"].items():
            found |= {(_FOUND, f"{cross}: {recall_name(column)}"): value for column, value in recalls.items()}
        return found
    named = {(_NAMED, _column(told)): told["balanced_accuracy"] for told in entry["targets"]}
    return named | {(_UNSEEN, _column(told)): {**told["balanced_accuracy"], "draws": len(told["draws"])} for told in entry["unseen"]}


def _column(told: Mapping[str, Any]) -> str:
    """Of a target's entry or of one of unseen classes."""
    return f"{told['target']}, {told['input']}, {told['set']}" if "target" in told else f"unseen classes, {told['input']}"


_NAMED, _FOUND = "Activities of a data set never seen", "Moments of unseen people"
_INTERVAL = "mean over test subjects +- half of the 95 % t-interval, in points"
_PARTS = {
    "zero-shot": (
        (_NAMED, f"Balanced accuracy, mean over wordings, {_INTERVAL}"),
        (_UNSEEN, "Balanced accuracy, mean over draws +- standard deviation over draws (smallest to largest draw), in points"),
    ),
    "retrieval": ((_FOUND, f"Mean average precision and recall, {_INTERVAL}"),),
}


def _chance(summary: Mapping[str, Any], title: str, name: str, rows: Mapping[str, Any]) -> str:
    if title == _FOUND:
        keys = {"text to windows, mAP": "mean_average_precision"}
        for entry in rows.values():
            keys |= {f"{cross}: {recall_name(column)}": column for cross, recalls in entry["recall"].items() for column in recalls}
        value = summary["chance"].get(keys[name])
    else:
        at = {_column(told): told["chance"] for entry in rows.values() for told in (*entry["targets"], *entry["unseen"])}
        value = at[name]
    return "not known" if value is None else f"{100 * value:.1f}"


def _cell(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return "not judged"
    if "draws" in value:
        return spread(dict(value))
    half = "" if value["half_width"] is None else f" +- {100 * value['half_width']:.1f}"
    return f"{100 * value['mean']:.1f}{half}"


def _result(protocol: str, task: str, dataset: str, metric: str, setting: str, value: Mapping[str, Any], date: str) -> Result:
    mean, half = value["mean"], value["half_width"]
    low, high = (None, None) if half is None else (round(max(0.0, mean - half), 4), round(min(1.0, mean + half), 4))
    return Result(
        protocol=protocol, task=task, dataset=dataset, metric=metric, value=round(mean, 4), low=low, high=high, setting=setting, date=date
    )
