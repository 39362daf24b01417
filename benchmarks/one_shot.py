"""Compute a protocol of episodes: recognition of classes never seen, from one and from five examples, by Mu-MAE, its variants and peers.

    python -m benchmarks.one_shot --rows mu-mae-utd-mhad minirocket-cosine --data data --resume
    python -m benchmarks.one_shot --table
    python -m benchmarks.one_shot --protocol mmact-one-shot --rows mu-mae-paper-small --data data        (data/MMAct, official layout)

Each row and fold becomes benchmarks/results/PROTOCOL/ROW/foldK.json. A row gives, for each input, embeddings of all clips of a fold
that were fitted on base classes and selected on validation classes; episodes are the same for all rows, so that rows can be paired.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import one_shot_summary
from benchmarks.results import ROOT, fold_path, read_current, today, versions, write_json
from benchmarks.rows.one_shot import rows
from benchmarks.rows.one_shot_base import Judged, OneShotRow
from sslts.errors import SslTsError, UnknownNameError, suggest
from sslts.evaluate.episodes import Episodes, accuracies, draw_episodes, over_episodes
from sslts.evaluate.one_shot import OneShotProtocol, load_one_shot
from sslts.interfaces import FewShotHead

log = logging.getLogger("benchmarks")


@dataclass(frozen=True)
class Bench:
    """Where data, pretrainings and results lie."""

    data: Path
    work: Path
    results: Path
    resume: bool

    def judge(self, protocol: OneShotProtocol, row: OneShotRow, fold: int) -> None:
        """One row and fold, unless it is there."""
        config = row.config(protocol)
        digest = hashlib.sha256(json.dumps([protocol.id, protocol.version, config, fold], sort_keys=True).encode()).hexdigest()
        path = fold_path(protocol.id, row.name, f"fold{fold}", root=self.results)
        if self.resume and read_current(path, digest):
            return
        started = time.perf_counter()
        judged = row.judged(protocol, fold, data=self.data, work=self.work)
        facts = {
            "protocol": {"id": protocol.id, "version": protocol.version},
            "row": row.name,
            "title": row.title,
            "kind": row.kind,
            "exploratory": row.exploratory,
            "against": row.against,
            "pretraining_labels": row.pretraining_labels,
            "fold": fold,
            "date": today(),
            "config": config,
            "config_sha256": digest,
            "versions": versions(),
        }
        write_json(path, {**facts, "inputs": {name: figures(protocol, fold, each, name) for name, each in judged.items()}})
        log.info("%s fold %d: %.0f s", row.name, fold, time.perf_counter() - started)


def figures(protocol: OneShotProtocol, fold: int, judged: Judged, name: str) -> dict[str, Any]:
    """Accuracies of one input: {shots: mean and half of the 95 % interval over episodes, ...}."""
    novel = protocol.folds[fold].novel
    rows = np.flatnonzero(np.isin(judged.labels, novel))
    classes = np.asarray([novel.index(judged.labels[row]) for row in rows])
    subjects = [judged.subjects[row] for row in rows]
    embeddings = torch.from_numpy(judged.embeddings[rows])
    asked = None if judged.queries is None else torch.from_numpy(judged.queries[rows])
    found: dict[str, Any] = {}
    for shots in protocol.shots:
        episodes = _drawn(tuple(classes.tolist()), tuple(subjects), tuple(novel), protocol.ways, shots, protocol.episodes, protocol.seed)
        head: FewShotHead = judged.head
        shares = accuracies(head, embeddings, episodes, queries=asked)
        interval = over_episodes(shares)
        found[str(shots)] = {"mean": interval.mean, "half_width": interval.half_width, "episodes": interval.count}
        # For paired comparisons, episode by episode.
        if shots == 1 and name in (next(iter(protocol.inputs)), protocol.whole):
            found[str(shots)]["right"] = "".join(str(round(share * protocol.ways)) for share in shares)
    return found | {"selected": dict(judged.selected)}


@lru_cache(maxsize=16)
def _drawn(
    classes: tuple[int, ...], subjects: tuple[str, ...], novel: tuple[str, ...], ways: int, shots: int, count: int, seed: int
) -> Episodes:
    """The protocol's episodes, drawn once for all inputs and rows."""
    among = range(len(novel))
    return draw_episodes(np.asarray(classes), subjects, among=among, ways=ways, shots=shots, count=count, seed=seed, names=novel)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="*", default=[], help="which rows to compute; an unknown one is answered with those there are")
    parser.add_argument("--protocol", default="utd-one-shot", help="a protocol of episodes")
    parser.add_argument("--folds", nargs="*", type=int, help="only these folds")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the data sets")
    parser.add_argument("--work", type=Path, default=Path("runs"), help="folder of pretrainings and caches")
    parser.add_argument("--results", type=Path, default=ROOT, help="folder of the results")
    parser.add_argument("--resume", action="store_true", help="keep folds that are there and of this configuration")
    parser.add_argument("--table", action="store_true", help="write summary.json and summary.md from what is there")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        protocol = load_one_shot(options.protocol)
        known: Mapping[str, OneShotRow] = {row.name: row for row in rows(protocol)}
        bench = Bench(options.data, options.work, options.results, options.resume)
        for name in options.rows:
            if name not in known:
                raise UnknownNameError(f"No row is named '{name}'. {suggest(name, known)}Rows: {', '.join(known)}.")
            for fold in range(len(protocol.folds)) if known[name].folds is None else known[name].folds:
                if options.folds is None or fold in options.folds:
                    bench.judge(protocol, known[name], fold)
        if options.table:
            one_shot_summary.write(protocol, list(known), root=options.results)
    except SslTsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
