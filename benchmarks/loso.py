"""Compute one row of a leave-one-subject-out benchmark, fold by fold and part by part, resumable."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from benchmarks.grid import Grid
from benchmarks.results import ROOT, fold_path, fraction_entry, missing_entry, read_current, task_entry, today, versions, write_json
from benchmarks.rows.base import Row
from sslts.evaluate.protocol import Fold, Protocol

log = logging.getLogger("benchmarks")

PARTS = ("tasks", "label_fractions", "missing", "own_probes")
_MISSING = ("missing", "own_probes")


def compute_row(
    protocol: Protocol,
    row: Row,
    grid: Grid,
    *,
    resume: bool,
    parts: Sequence[str] = PARTS,
    root: Path = ROOT,
    groups: Collection[int] | None = None,
) -> int:
    """Compute the parts of a row's folds that are missing or stale (all of them without `resume`); returns how many were computed.

    groups: only these, so that several processes can share a row.
    """
    computed = 0
    for group in protocol.groups:
        if any(some is not None and group.index not in some for some in (row.parts.groups, groups)):
            continue
        for subject in group.test:
            path = fold_path(protocol.id, row.name, subject, root=root)
            stored = read_current(path, row.digest(protocol))
            for part in parts:
                if (resume and part in stored) or (part in _MISSING and not protocol.missing_modalities):
                    continue
                started = time.perf_counter()
                fold = protocol.fold(subject)
                stored = {**stored, **_facts(protocol, fold, row), part: _judge(part, protocol, fold, row, grid)}
                write_json(path, {key: stored[key] for key in sorted(stored, key=lambda key: PARTS.index(key) if key in PARTS else -1)})
                computed += 1
                log.info("%s %s %s: %.0f s", row.name, subject, part, time.perf_counter() - started)
    return computed


def _facts(protocol: Protocol, fold: Fold, row: Row) -> dict[str, Any]:
    """What a results file says beside its figures."""
    return {
        "protocol": {"id": protocol.id, "version": protocol.version},
        "row": row.name,
        "title": row.title,
        "kind": row.kind,
        "subject": fold.subject,
        "group": fold.group,
        "exploratory": row.parts.exploratory,
        "pretraining_labels": row.pretraining_labels,
        "features_made_from": sorted(row.seen(protocol.groups[fold.group]), key=protocol.subjects.index),
        "date": today(),
        "seed": row.seed,
        "config": row.config(),
        "config_sha256": row.digest(protocol),
        "versions": versions(),
        "classes": {name: list(protocol.task(name).classes) for name in protocol.tasks},
    }


def _judge(part: str, protocol: Protocol, fold: Fold, row: Row, grid: Grid) -> list[dict[str, Any]]:
    if part == "tasks":
        return [task_entry(outcome) for outcome in row.judge_tasks(protocol, fold, grid)]
    if part == "label_fractions":
        return [fraction_entry(outcome) for outcome in row.judge_fractions(protocol, fold, grid)]
    judge = row.judge_missing if part == "missing" else row.judge_own_probes
    return [
        missing_entry(outcome, task=protocol.main_task, setting=setting, modalities=grid.modalities)
        for setting, outcomes in judge(protocol, fold, grid).items()
        for outcome in outcomes
    ]
