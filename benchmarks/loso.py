"""Compute one row of a leave-one-subject-out benchmark, fold by fold, resumable."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from benchmarks.grid import Grid
from benchmarks.results import ROOT, fold_path, fraction_entry, is_current, missing_entry, task_entry, today, versions, write_json
from benchmarks.rows.base import MAIN_TASK, Row
from sslts.evaluate.protocol import Fold, Protocol

log = logging.getLogger("benchmarks")


def compute_row(protocol: Protocol, row: Row, grid: Grid, *, resume: bool, root: Path = ROOT) -> int:
    """Write the missing or stale folds of a row (all of them without `resume`); returns how many were computed."""
    computed = 0
    for group in protocol.groups:
        if row.parts.groups is not None and group.index not in row.parts.groups:
            continue
        for subject in group.test:
            path = fold_path(protocol.id, row.name, subject, root=root)
            if resume and is_current(path, row.digest(protocol)):
                log.info("%s %s: kept", row.name, subject)
                continue
            started = time.perf_counter()
            write_json(path, compute_fold(protocol, protocol.fold(subject), row, grid))
            computed += 1
            log.info("%s %s: %.0f s", row.name, subject, time.perf_counter() - started)
    return computed


def compute_fold(protocol: Protocol, fold: Fold, row: Row, grid: Grid) -> dict[str, Any]:
    """The content of one results file."""
    judged = row.judge(protocol, fold, grid)
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
        "tasks": [task_entry(outcome) for outcome in judged.tasks],
        "label_fractions": [fraction_entry(outcome) for outcome in judged.fractions],
        "missing": [
            missing_entry(outcome, task=MAIN_TASK, setting=setting, modalities=grid.modalities)
            for setting, outcomes in judged.missing.items()
            for outcome in outcomes
        ],
    }
