"""summary.json and summary.md of a protocol of episodes, from its results files alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import one_shot_card
from benchmarks.markdown import section, table
from benchmarks.results import ROOT, fold_path, write_json
from benchmarks.rows.one_shot_base import RECIPES
from sslts.evaluate.episodes import over_episodes
from sslts.evaluate.one_shot import OneShotProtocol


def reference(protocol: OneShotProtocol) -> str:
    """The row that the others are compared with, on the same episodes."""
    return RECIPES[protocol.id]


def missing_leaves(protocol: OneShotProtocol) -> dict[str, str]:
    """{device that is missing of everything: the input that is left}, where that is an input of the protocol."""
    left = {device: set(protocol.modalities) - set(parts) for device, parts in protocol.devices.items()}
    return {device: name for device, parts in left.items() for name, given in protocol.inputs.items() if parts and set(given) == parts}


def write(protocol: OneShotProtocol, names: Sequence[str], *, root: Path = ROOT) -> None:
    """Make both; rows without results are left out."""
    summary = summarise(protocol, names, root=root)
    folder = root / protocol.id
    write_json(folder / "summary.json", summary)
    (folder / "summary.md").write_text(markdown(protocol, summary), encoding="utf-8")


def summarise(protocol: OneShotProtocol, names: Sequence[str], *, root: Path = ROOT) -> dict[str, Any]:
    """Means over the folds that are there, each fold apart, and trials against the reference episode by episode."""
    rows: dict[str, Any] = {}
    for name in names:
        folds = {fold: _read(protocol, name, fold, root) for fold in range(len(protocol.folds))}
        there = {fold: content for fold, content in folds.items() if content}
        if not there:
            continue
        first = next(iter(there.values()))
        rows[name] = {
            **{key: first[key] for key in ("title", "kind", "exploratory", "pretraining_labels", "date")},
            "folds": sorted(there),
            "complete": bool(first["exploratory"]) or len(there) == len(protocol.folds),
            "inputs": {given: _figures(protocol, there, given) for given in first["inputs"]},
            "selected": {given: _selected(there, given) for given in first["inputs"] if first["inputs"][given].get("selected")},
        }
        other = first.get("against") or reference(protocol)
        theirs = _read(protocol, other, 0, root)
        if name != other and theirs and 0 in there:
            paired = {given: _paired(there[0], theirs, given, protocol.ways) for given in first["inputs"]}
            rows[name]["paired_on_fold_0"] = {given: found for given, found in paired.items() if found}
            rows[name]["against"] = theirs["title"]
    return {
        "protocol": {"id": protocol.id, "version": protocol.version, "kind": protocol.kind, "title": protocol.title},
        "chance": 1 / protocol.ways,
        "shots": [str(shots) for shots in protocol.shots],
        "inputs": list(protocol.inputs),
        "whole": protocol.whole,
        "missing": missing_leaves(protocol),
        "published": [each.model_dump(mode="json") for each in protocol.published],
        "rows": rows,
    }


def markdown(protocol: OneShotProtocol, summary: dict[str, Any]) -> str:
    """A table a number of shots, missing modalities, and trials: those of the card."""
    stamp = (
        f"Protocol `{protocol.id}` version {protocol.version}: {protocol.episodes:,} episodes of {protocol.ways} novel classes a fold, "
        "accuracy in %: mean of the folds (each fold), +- half of the 95 % interval over episodes of the widest fold. "
        "Intervals over episodes say nothing about other classes or people."
    )
    parts = [
        f"# {protocol.title}",
        "Fitted on base classes, selected on validation classes; support and query never share a person.",
        stamp,
    ]
    for made in one_shot_card.tables(summary):
        parts += section(made.title, made.note, table(made.columns, made.rows))
    if summary["published"]:
        said = [[each["title"], f"{100 * each['value']:.2f}", each["caveat"]] for each in summary["published"]]
        parts += section("Reported elsewhere", "Not figures of this protocol.", table(["source", "accuracy", "differs"], said))
    return "\n\n".join(parts) + "\n"


def _read(protocol: OneShotProtocol, name: str, fold: int, root: Path) -> dict[str, Any]:
    path = fold_path(protocol.id, name, f"fold{fold}", root=root)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _figures(protocol: OneShotProtocol, folds: dict[int, dict[str, Any]], given: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for shots in protocol.shots:
        each = {fold: content["inputs"][given][str(shots)] for fold, content in folds.items()}
        found[str(shots)] = {
            "mean": float(np.mean([value["mean"] for value in each.values()])),
            "half_width": max(value["half_width"] for value in each.values()),
            "by_fold": {str(fold): value["mean"] for fold, value in each.items()},
        }
    return found


def _selected(folds: dict[int, dict[str, Any]], given: str) -> dict[str, Any]:
    """{fold: what validation classes chose}: the joint view's weight, None where it was left out, and the step that was kept."""
    found = {}
    for fold, content in folds.items():
        chosen = content["inputs"][given]["selected"]
        if "step" in chosen:
            asked = content["config"]["finetune"]["joint"]
            found[str(fold)] = {"joint": chosen["weights"]["joint"] if asked else None, "step": chosen["step"]}
    return found


def _paired(row: dict[str, Any], other: dict[str, Any], given: str, ways: int) -> dict[str, Any] | None:
    """The row's minus the other's share of right answers, 1-shot, over the same episodes."""
    ours, theirs = (content["inputs"].get(given, {}).get("1", {}).get("right") for content in (row, other))
    same = row["protocol"] == other["protocol"]
    if not ours or not theirs or len(ours) != len(theirs) or not same:
        return None
    difference = (np.asarray(list(ours), dtype=float) - np.asarray(list(theirs), dtype=float)) / ways
    interval = over_episodes(difference)
    return {"mean": interval.mean, "half_width": interval.half_width}
