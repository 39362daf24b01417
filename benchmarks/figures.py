"""From results files to figures: scores by subject, intervals, differences."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.results import ROOT
from sslts.errors import ConfigError
from sslts.evaluate.metrics import Interval, balanced_accuracy, interval, macro_f1, paired_difference
from sslts.evaluate.protocol import Protocol

Score = Callable[[Any], float]
SCORES: dict[str, Score] = {"macro_f1": macro_f1, "balanced_accuracy": balanced_accuracy}


@dataclass(frozen=True)
class RowResults:
    """All folds of a row, by subject in the protocol's order."""

    name: str
    folds: dict[str, dict[str, Any]]

    @property
    def first(self) -> dict[str, Any]:
        """Any fold: title, kind, date and versions are the same in all."""
        return next(iter(self.folds.values()))

    @property
    def dates(self) -> str:
        """`2026-01-05`, or the first and the last date."""
        dates = sorted({fold["date"] for fold in self.folds.values()})
        return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"

    def task_scores(self, setting: str, task: str, score: Score) -> dict[str, float]:
        """By subject; empty if the row was not judged so."""
        return {
            subject: score(entry["confusion"])
            for subject, fold in self.folds.items()
            for entry in fold.get("tasks", [])
            if (entry["setting"], entry["task"]) == (setting, task)
        }

    def confusion(self, setting: str, task: str) -> NDArray[np.int64]:
        """Summed over subjects."""
        entries = (entry for fold in self.folds.values() for entry in fold.get("tasks", []))
        return np.sum([e["confusion"] for e in entries if (e["setting"], e["task"]) == (setting, task)], axis=0)

    def fraction_scores(self, setting: str, fraction: float, score: Score) -> dict[str, float]:
        """By subject, mean over draws."""
        found: dict[str, float] = {}
        for subject, fold in self.folds.items():
            scores = [
                score(e["confusion"]) for e in fold.get("label_fractions", []) if e["setting"] == setting and e["fraction"] == fraction
            ]
            if scores:
                found[subject] = float(np.mean(scores))
        return found

    def fractions(self) -> list[float]:
        """All fractions that were judged."""
        return sorted({entry["fraction"] for fold in self.folds.values() for entry in fold.get("label_fractions", [])})

    def missing_scores(self, setting: str, score: Score, part: str = "missing") -> dict[tuple[str, ...], dict[str, float]]:
        """{present modalities: {subject: score}}, under one probe ("missing") or a probe for each set ("own_probes")."""
        found: dict[tuple[str, ...], dict[str, float]] = {}
        for subject, fold in self.folds.items():
            for entry in fold.get(part, []):
                if entry["setting"] == setting:
                    found.setdefault(tuple(entry["present"]), {})[subject] = score(entry["confusion"])
        return found


def load_results(protocol: Protocol, names: Sequence[str], *, root: Path = ROOT) -> dict[str, RowResults]:
    """The rows that have results, in the order of `names`."""
    found = {}
    for name in names:
        paths = {subject: root / protocol.id / name / f"{subject}.json" for subject in protocol.subjects}
        folds = {subject: json.loads(path.read_text(encoding="utf-8")) for subject, path in paths.items() if path.exists()}
        stale = {subject for subject, fold in folds.items() if fold["protocol"] != {"id": protocol.id, "version": protocol.version}}
        current = {subject: fold for subject, fold in folds.items() if subject not in stale}
        configurations = {fold["config_sha256"] for fold in current.values()}
        if len(configurations) > 1:
            raise ConfigError(
                f"{root / protocol.id / name} mixes folds of {len(configurations)} configurations. Compute the row again: "
                f"python benchmarks/run.py {protocol.id} --rows {name} --resume."
            )
        if current:
            found[name] = RowResults(name, current)
    return found


def summarise(protocol: Protocol, rows: dict[str, RowResults]) -> dict[str, Any]:
    """Everything that the tables show, as JSON. Scores are shares (0..1), losses and differences points / 100."""
    return {
        "protocol": {"id": protocol.id, "version": protocol.version, "title": protocol.title},
        "interval": "95 % t-interval over test subjects: mean and half-width",
        "rows": {name: {**_row(protocol, row, rows), "complete": len(row.folds) == len(protocol.subjects)} for name, row in rows.items()},
    }


def best_peer(rows: dict[str, RowResults], setting: str, task: str) -> str | None:
    """The peer with the largest mean macro-F1 in a column, among those judged on as many subjects as any."""
    peers = {name: row.task_scores(setting, task, macro_f1) for name, row in rows.items() if row.first["kind"] == "peer"}
    most = max((len(scores) for scores in peers.values()), default=0)
    means = {name: float(np.mean(list(scores.values()))) for name, scores in peers.items() if scores and len(scores) == most}
    return max(means, key=means.__getitem__) if means else None


def _row(protocol: Protocol, row: RowResults, rows: dict[str, RowResults]) -> dict[str, Any]:
    first = row.first
    return {
        "title": first["title"],
        "kind": first["kind"],
        "date": row.dates,
        "subjects": list(row.folds),
        "exploratory": first["exploratory"],
        "pretraining_labels": first["pretraining_labels"],
        "seed": first["seed"],
        "config_sha256": first["config_sha256"],
        "tasks": [_task(row, setting, task, rows) for setting, task in protocol.columns if row.task_scores(setting, task, macro_f1)],
        "label_fractions": [
            {"setting": setting, "fraction": fraction, "macro_f1": _interval(row.fraction_scores(setting, fraction, macro_f1))}
            for setting in protocol.settings
            for fraction in row.fractions()
            if row.fraction_scores(setting, fraction, macro_f1)
        ],
        **{
            part: [
                _missing(row, setting, part, protocol.main_task)
                for setting in protocol.settings
                if row.missing_scores(setting, macro_f1, part)
            ]
            for part in ("missing", "own_probes")
        },
    }


def _task(row: RowResults, setting: str, task: str, rows: dict[str, RowResults]) -> dict[str, Any]:
    scores = row.task_scores(setting, task, macro_f1)
    entry: dict[str, Any] = {
        "setting": setting,
        "task": task,
        **{name: _interval(row.task_scores(setting, task, score)) for name, score in SCORES.items()},
        "by_subject": {subject: round(score, 4) for subject, score in scores.items()},
        "confusion": row.confusion(setting, task).tolist(),
    }
    peer = best_peer(rows, setting, task)
    if peer is not None and peer != row.name:
        theirs = rows[peer].task_scores(setting, task, macro_f1)
        if set(scores) <= set(theirs):
            difference = paired_difference(list(scores.values()), [theirs[subject] for subject in scores])
            entry["against_best_peer"] = {
                "peer": peer,
                "difference": _as_json(difference.interval),
                "ahead": difference.ahead,
                "equal": difference.equal,
                "of": len(scores),
            }
    return entry


def _missing(row: RowResults, setting: str, part: str, task: str) -> dict[str, Any]:
    """Loss against the full set under the same probe, by number of missing modalities and by subset."""
    scores = row.missing_scores(setting, macro_f1, part)
    everything = max(scores, key=len)
    judged = set.intersection(*(set(by) for by in scores.values()))  # a run that is not finished lacks some subsets of some subjects
    scores = {present: {s: score for s, score in by.items() if s in judged} for present, by in scores.items()}
    full = scores[everything]
    losses = {present: {s: full[s] - score for s, score in by.items()} for present, by in scores.items() if present != everything}
    by_count = {}
    for count in range(1, len(everything)):
        some = [loss for present, loss in losses.items() if len(everything) - len(present) == count]
        by_count[str(count)] = _interval({subject: float(np.mean([loss[subject] for loss in some])) for subject in full})
    return {
        "setting": setting,
        "full": _interval(full),
        "full_with_plain_probe": _interval(row.task_scores(setting, task, macro_f1)),
        "mean_loss": _interval({subject: float(np.mean([loss[subject] for loss in losses.values()])) for subject in full}),
        "loss_by_number_missing": by_count,
        "subsets": [{"present": list(present), "macro_f1": _interval(by)} for present, by in scores.items()],
    }


def _interval(scores: dict[str, float]) -> dict[str, Any]:
    return _as_json(interval(list(scores.values())))


def _as_json(value: Interval) -> dict[str, Any]:
    half = None if np.isnan(value.half_width) else round(value.half_width, 5)
    return {"mean": round(value.mean, 5), "half_width": half, "subjects": value.count}
