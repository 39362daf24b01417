"""summary.json, summary.md and the plots of a protocol, from its results files alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import plots
from benchmarks.figures import load_results, summarise
from benchmarks.markdown import points, section, table
from benchmarks.results import ROOT, write_json
from sslts.evaluate.protocol import Protocol

_COUNTS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
SHORT = {"inductive": "inductive", "subject-normalised": "normalised"}


def write(protocol: Protocol, names: Sequence[str], *, root: Path = ROOT) -> None:
    """Make all three; rows without results are left out."""
    rows = load_results(protocol, names, root=root)
    summary = summarise(protocol, rows)
    write_json(root / protocol.id / "summary.json", summary)
    (root / protocol.id / "summary.md").write_text(markdown(protocol, summary), encoding="utf-8")
    plots.write(protocol, summary, root=root / protocol.id)


def markdown(protocol: Protocol, summary: dict[str, Any]) -> str:
    """The tables, each with its protocol, interval, dates and labels used."""
    rows = {name: row for name, row in summary["rows"].items() if not row["exploratory"]}
    dates = sorted({date for row in summary["rows"].values() for date in row["date"].split(" to ")})
    span = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "no results yet"
    stamp = (
        f"Protocol `{protocol.id}` version {protocol.version}; mean over {len(protocol.subjects)} test subjects +- half of the 95 % "
        f"t-interval over subjects, in points; computed {span}."
    )
    parts = [
        f"# {protocol.title} (`{protocol.id}`)",
        f"Written by `python benchmarks/run.py {protocol.id} --table` from the JSON files beside it; do not edit.",
        _windows(protocol),
        *section("Macro-F1", stamp, _scores(protocol, rows, "macro_f1")),
        *section("Balanced accuracy", stamp, _scores(protocol, rows, "balanced_accuracy")),
        *section(
            "Against the best peer, subject by subject",
            f"{stamp} Macro-F1 minus that of the peer with the best mean of the column; in brackets on how many subjects the row is ahead.",
            _differences(protocol, rows),
        ),
        *section("Label efficiency", f"{stamp} {_draws(protocol, rows)}", _fractions(rows)),
        *section(
            "Missing modalities",
            f"{stamp} {protocol.main_task} macro-F1. The probe is trained with random subsets of the modalities; "
            "losses are against the full set under "
            "the same probe, mean over all subsets. "
            "*A probe for each set* is trained and judged on that set alone: what its modalities can tell.",
            _missing(rows),
        ),
        *section(
            "Ablations (exploratory)",
            f"Protocol `{protocol.id}` version {protocol.version}, group 0 only ({', '.join(protocol.groups[0].test)}), one seed: "
            f"macro-F1 in points, computed {span}. {_COUNTS[len(protocol.groups[0].test)]} subjects cannot rank neighbours.",
            _ablations(protocol, summary["rows"]),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _windows(protocol: Protocol) -> str:
    """Windows, who is left out, and what the words of the tables mean."""
    held_out = len(protocol.subjects) - len(protocol.folds[0].train)
    who = "leave one subject out" if held_out == 1 else f"leave {held_out} subjects out"
    every = f"{protocol.window_s:g} s windows every {protocol.stride_s:g} s"
    normalised = "*normalised*: features also z-scored per subject over all its windows, without labels. "
    return (
        f"{len(protocol.subjects)} subjects, {every}, {who}, {len(protocol.groups)} groups with one pretraining each. "
        f"{normalised if 'subject-normalised' in protocol.settings else ''}*labels*: which labels the row's pretraining used."
    )


def _draws(protocol: Protocol, rows: dict[str, Any]) -> str:
    supervised = " (the supervised row: 1)" if "supervised" in rows else ""
    drawn = " Windows are drawn among those that the pretraining of the fold's group may see." if protocol.label_draws == "group" else ""
    return f"{protocol.main_task} macro-F1, mean of 5 draws{supervised}.{drawn}"


def _head(protocol: Protocol) -> list[str]:
    return [f"{SHORT[setting]} {task}" for setting, task in protocol.columns]


def _entries(row: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(entry["setting"], entry["task"]): entry for entry in row["tasks"]}


def _scores(protocol: Protocol, rows: dict[str, Any], score: str) -> list[str]:
    body = []
    for row in rows.values():
        found = _entries(row)
        body.append([_name(row), *(points(found[c][score]) if c in found else "" for c in protocol.columns), row["pretraining_labels"]])
    return table(["row", *_head(protocol), "labels"], body)


def _differences(protocol: Protocol, rows: dict[str, Any]) -> list[str]:
    body = []
    for row in rows.values():
        found = {key: entry["against_best_peer"] for key, entry in _entries(row).items() if "against_best_peer" in entry}
        cells = [
            f"{points(found[c]['difference'], sign=True)} ({found[c]['ahead']}/{found[c]['of']})" if c in found else ""
            for c in protocol.columns
        ]
        body.append([_name(row), *cells])
    peers = {
        (e["setting"], e["task"]): e["against_best_peer"]["peer"] for row in rows.values() for e in row["tasks"] if "against_best_peer" in e
    }
    return table(["row", *_head(protocol)], [["*best peer*", *(peers.get(c, "") for c in protocol.columns)], *body])


def _fractions(rows: dict[str, Any]) -> list[str]:
    fractions = sorted({entry["fraction"] for row in rows.values() for entry in row["label_fractions"]})
    body = []
    for setting in SHORT:
        for row in rows.values():
            found = {e["fraction"]: e["macro_f1"] for e in row["label_fractions"] if e["setting"] == setting}
            if found:
                cells = [points(found[f]) if f in found else "" for f in fractions]
                body.append([SHORT[setting], row["title"], *cells, row["pretraining_labels"]])
    return table(["setting", "row", *(f"{100 * fraction:g} %" for fraction in fractions), "labels in pretraining"], body)


def _missing(rows: dict[str, Any]) -> list[str]:
    head = ["setting", "row", "full set", "full set, plain probe", "mean loss", "1 missing", "2 missing", "3 missing"]
    body = []
    for setting in SHORT:
        for row in rows.values():
            for part, added in (("missing", ""), ("own_probes", ", a probe for each set")):
                for entry in (e for e in row[part] if e["setting"] == setting):
                    counts = entry["loss_by_number_missing"].values()
                    shown = (entry["full"], entry["full_with_plain_probe"], entry["mean_loss"], *counts)
                    body.append([SHORT[setting], row["title"] + added, *(points(value) for value in shown)])
    return table(head, body)


def _ablations(protocol: Protocol, rows: dict[str, Any]) -> list[str]:
    """Every exploratory row, after the rows it varies, judged on the subjects of group 0."""
    subjects = protocol.groups[0].test
    body = []
    for row in rows.values():
        if not row["exploratory"] and row["kind"] != "model":
            continue
        found = _entries(row)
        cells = []
        for column in protocol.columns:
            scores = [found[column]["by_subject"].get(subject) for subject in subjects] if column in found else [None]
            cells.append("" if None in scores else f"{100 * sum(scores) / len(scores):.1f}")
        if any(cells):
            body.append([row["title"], *cells])
    return table(["row", *_head(protocol)], body) if any(row["exploratory"] for row in rows.values()) else []


def _name(row: dict[str, Any]) -> str:
    return row["title"] + ("" if row["complete"] else f" ({len(row['subjects'])} subjects only)")
