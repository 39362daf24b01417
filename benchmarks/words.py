"""Compute the benchmarks of words: zero-shot recognition and retrieval by sensor-text JEPA and its variants.

    python -m benchmarks.words har-zero-shot --rows sensor-text-jepa-har --data data --resume
    python -m benchmarks.words har-retrieval --rows sensor-text-jepa-har --data data --resume
    python -m benchmarks.words wesad-text --rows sensor-text-jepa-wesad --data data --resume
    python -m benchmarks.words har-zero-shot --table

Each row and fold becomes benchmarks/results/PROTOCOL/ROW/FOLD.json. A fold is a target data set, a draw of unseen classes, or a group of
subjects; nothing of it was read by the model that is judged on it. --table makes summary.json, summary.md and the plots from these files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import har, words_plots, words_summary
from benchmarks.grid import Grid, load_grid
from benchmarks.results import ROOT, fold_path, read_current, today, versions, write_json
from benchmarks.rows.jepa import SAME_LENGTH, Jepa, recipe_lambda, rows, state_rows
from sslts.errors import SslTsError, UnknownNameError, suggest
from sslts.evaluate.protocol import Protocol, load_protocol
from sslts.evaluate.retrieval import same_activity, same_moment, text_to_windows
from sslts.evaluate.text_protocols import RetrievalProtocol, ZeroShotProtocol, load_retrieval, load_zero_shot
from sslts.evaluate.zero_shot import zero_shot
from sslts.model import Model

log = logging.getLogger("benchmarks")

#: Data sets of the recipe, as its entries name them.
_SETS: dict[str, dict[str, Any]] = {
    "dsads": {"reader": "dsads", "root": "DSADS"},
    "motionsense": {"reader": "motionsense", "root": "MotionSense", "exclude": ["sub_24"]},
    "utd-mhad-inertial": {"reader": "utd-mhad-inertial", "root": "UTD-MHAD", "short": "pad"},
}


@dataclass(frozen=True)
class Bench:
    """What all folds share: where data, pretrainings and results lie; grids are read once."""

    data: Path
    work: Path
    results: Path
    resume: bool
    folds: Collection[str] | None = None
    _grids: dict[str, Grid] = field(default_factory=dict)

    def grid(self, protocol: Protocol) -> Grid:
        """The windows of a leave-out protocol."""
        if protocol.id not in self._grids:
            self._grids[protocol.id] = load_grid(protocol, self.data)
        return self._grids[protocol.id]

    def model(self, row: Jepa, place: str, *, sets: Mapping[str, Mapping[str, Any]], unseen: list[str]) -> Model:
        """Trained on these sets, nobody of `unseen`."""
        first, *more = sets.values()
        overrides = {"data": dict(first), "more": [dict(each) for each in more], **row.overrides}
        out = self.work / place / row.name / digest(place, row, overrides)[:12]
        store = self.work / "cache" / "har-windows"
        return har.trained(
            overrides,
            data=self.data,
            out=out,
            store=store,
            unseen=unseen,
            train_weights=row.trained,
            seed=row.seed,
            recipe=row.recipe,
        )

    def keep(self, protocol: ZeroShotProtocol | RetrievalProtocol, row: Jepa, fold: str, judge: Callable[[], dict[str, Any]]) -> None:
        """Compute one fold and write it, unless it is there or not wanted."""
        if self.folds is not None and fold not in self.folds:
            return
        mine = digest(f"{protocol.id} {protocol.version}", row, row.overrides)
        path = fold_path(protocol.id, row.name, fold, root=self.results)
        if self.resume and read_current(path, mine):
            return
        started = time.perf_counter()
        found = judge()
        facts = {
            "protocol": {"id": protocol.id, "version": protocol.version},
            "row": row.name,
            "title": row.title,
            "kind": row.kind,
            "exploratory": row.parts.exploratory,
            "pretraining_labels": row.pretraining_labels,
            "fold": fold,
            "date": today(),
            "seed": row.seed,
            "config": row.config(),
            "config_sha256": mine,
            "versions": versions(),
        }
        write_json(path, {**facts, **found})
        log.info("%s %s %s: %.0f s", protocol.id, row.name, fold, time.perf_counter() - started)


def digest(place: str, row: Jepa, overrides: Mapping[str, Any]) -> str:
    """sha256 of everything that decides a model."""
    told = {"place": place, **row.config(), "overrides": dict(overrides), "seed": row.seed}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def judge_zero_shot(bench: Bench, protocol: ZeroShotProtocol, row: Jepa) -> None:
    """Both targets, then the unseen classes."""
    for name, target in protocol.targets.items():
        bench.keep(protocol, row, name, partial(_target, bench, protocol, row, name, target))
    for draw in range(len(protocol.unseen.draws)):
        bench.keep(protocol, row, f"unseen-{draw}", partial(_unseen, bench, protocol, row, draw))


def _target(bench: Bench, protocol: ZeroShotProtocol, row: Jepa, name: str, target: Any) -> dict[str, Any]:
    loso = load_protocol(target.protocol)
    grid = bench.grid(loso)
    sets = {key: value for key, value in _SETS.items() if key != target.reader}
    model = bench.model(row, f"har-zero-shot/{name}", sets=sets, unseen=[])
    if target.reader in model.config.provenance.datasets:
        raise RuntimeError(f"The model has read {target.reader}.")
    labels = protocol.labels(target.reader, [loso.classes[k] for k in grid.classes])
    found: dict[str, Any] = {"trained_on": list(model.config.provenance.datasets), "inputs": {}}
    for source, sensors in target.inputs.items():
        windows = har.in_text_space(model, har.embeddings(model, grid, loso, sensors=sensors))
        found["inputs"][source] = {
            kind: _named(model, protocol, windows, labels, grid, protocol.names(target.reader, open_set=kind == "open"))
            for kind in ("closed", "open")
        }
    return found


def _named(model: Model, protocol: ZeroShotProtocol, windows: Any, labels: Any, grid: Grid, names: Any) -> dict[str, Any]:
    texts = {wording: har.embed_text(model, list(said)) for wording, said in protocol.worded(names.texts).items()}
    return zero_shot(windows, texts, labels, grid.subjects, meaning=names.meaning, classes=len(protocol.classes)).as_json()


def _unseen(bench: Bench, protocol: ZeroShotProtocol, row: Jepa, draw: int) -> dict[str, Any]:
    """The held-out classes of one draw, on the subjects of one group, whom the model has not seen either."""
    loso = load_protocol(protocol.unseen.protocol)
    grid, group = bench.grid(loso), loso.groups[draw % len(loso.groups)]
    excluded = protocol.excluded(draw)
    sets = {name: {**each, "exclude_labels": list(excluded.get(name, ()))} for name, each in _SETS.items()}
    unseen = [f"{protocol.unseen.reader}:{who}" for who in group.test]
    model = bench.model(row, f"har-zero-shot/unseen-{draw}", sets=sets, unseen=unseen)
    labels = protocol.unseen_labels(draw, [loso.classes[k] for k in grid.classes])
    labels = np.where(np.isin(np.asarray(grid.subjects), group.test), labels, -1)
    names = protocol.unseen_names(draw)
    texts = {wording: har.embed_text(model, list(said)) for wording, said in protocol.worded(names.texts).items()}
    found: dict[str, Any] = {"held_out": list(protocol.unseen.draws[draw]), "subjects": list(group.test), "inputs": {}}
    for source, sensors in protocol.unseen.inputs.items():
        windows = har.in_text_space(model, har.embeddings(model, grid, loso, sensors=sensors))
        judged = zero_shot(windows, texts, labels, grid.subjects, meaning=names.meaning, classes=len(names.texts))
        found["inputs"][source] = {"closed": judged.as_json()}
    return found


def judge_retrieval(bench: Bench, protocol: RetrievalProtocol, row: Jepa) -> None:
    """Each group's pretraining on its own unseen subjects."""
    loso = load_protocol(protocol.protocol)
    for group in loso.groups:
        if row.parts.groups is None or group.index in row.parts.groups:
            fold = f"group{group.index}"
            bench.keep(protocol, row, fold, partial(_retrieved, bench, protocol, loso, row, group))


def _retrieved(bench: Bench, protocol: RetrievalProtocol, loso: Protocol, row: Jepa, group: Any) -> dict[str, Any]:
    grid = bench.grid(loso)
    model = row.placed(bench.work).model(loso, group, bench.data)
    mine = np.flatnonzero(np.isin(np.asarray(grid.subjects), group.test))
    who, classes = [grid.subjects[index] for index in mine], np.asarray(grid.classes)[mine]
    windows = har.in_text_space(model, har.embeddings(model, grid, loso, rows=mine))
    found: dict[str, Any] = {"text": text_to_windows(windows, har.embed_text(model, list(protocol.queries)), classes, who).as_json()}
    for name, cross in protocol.cross.items():
        asked, there = (
            har.in_sensor_space(model, har.embeddings(model, grid, loso, sensors=sensors, rows=mine))
            for sensors in (cross.queries, cross.gallery)
        )
        found[name] = {
            "same_moment": same_moment(asked, there, who, at=cross.recall_at).as_json(),
            "same_activity": same_activity(
                asked, there, classes, who, others=protocol.others([group.test]), left_out=loso.twin_windows(who, classes)
            ).as_json(),
        }
    return found


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 1 with one line on what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protocol", choices=("har-zero-shot", "har-retrieval", "wesad-text"))
    parser.add_argument("--rows", nargs="+", default=[], metavar="ROW")
    parser.add_argument("--folds", nargs="+", metavar="FOLD", help="only these (group0, dsads, unseen-3): several processes share a row")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder that holds the data sets (default: data)")
    parser.add_argument("--work", type=Path, default=Path("runs"), help="folder for pretrainings (default: runs)")
    parser.add_argument("--results", type=Path, default=ROOT)
    parser.add_argument("--resume", action="store_true", help="keep what is already computed with the same configuration")
    parser.add_argument("--table", action="store_true", help="write summary.json, summary.md and the plots")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    states = options.protocol == "wesad-text"
    known = {row.name: row for row in (state_rows() if states else rows()) if isinstance(row, Jepa)}
    bench = Bench(options.data, options.work, options.results, options.resume, options.folds)
    try:
        protocol = load_zero_shot() if options.protocol == "har-zero-shot" else load_retrieval(options.protocol)
        for name in options.rows:
            if name not in known:
                raise UnknownNameError(f"No row is named '{name}'. {suggest(name, list(known))}Known rows: {', '.join(known)}.")
            if isinstance(protocol, ZeroShotProtocol):
                judge_zero_shot(bench, protocol, known[name])
            else:
                judge_retrieval(bench, protocol, known[name])
        if options.table:
            words_summary.write(protocol, list(known), root=options.results)
            if not states:
                words_plots.write_sweep(SAME_LENGTH, recipe_lambda(), root=options.results)
    except SslTsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
