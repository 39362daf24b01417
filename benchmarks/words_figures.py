"""From the results files of the protocols of words to figures: means, intervals over subjects, spreads over wordings and draws, chance."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.results import ROOT
from sslts.errors import ConfigError
from sslts.evaluate.metrics import Interval, interval
from sslts.evaluate.protocol import Protocol, load_protocol
from sslts.evaluate.text_protocols import Names, RetrievalProtocol, ZeroShotProtocol
from sslts.evaluate.zero_shot import NO_CLASS, Spread, ZeroShot

Words = ZeroShotProtocol | RetrievalProtocol
SCORES = ("balanced_accuracy", "macro_f1")


@dataclass(frozen=True)
class WordsResults:
    """The folds of a row that are there, in the protocol's order, and the names of those that are not."""

    name: str
    folds: dict[str, dict[str, Any]]
    missing: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """What a summary says of a row beside its figures."""
        first = next(iter(self.folds.values()))
        dates = sorted({fold["date"] for fold in self.folds.values()})
        return {
            "title": first["title"],
            "kind": first["kind"],
            "date": " to ".join(dict.fromkeys((dates[0], dates[-1]))),
            "exploratory": first["exploratory"],
            "pretraining_labels": first["pretraining_labels"],
            "seed": first["seed"],
            "config_sha256": first["config_sha256"],
            "folds": list(self.folds),
            "missing": list(self.missing),
            "complete": not self.missing,
        }


def fold_names(protocol: Words, *, exploratory: bool = False) -> tuple[str, ...]:
    """What a row is judged on: targets and draws, or groups of people (an exploratory row: group 0 alone)."""
    if isinstance(protocol, ZeroShotProtocol):
        return (*protocol.targets, *(f"unseen-{draw}" for draw in range(len(protocol.unseen.draws))))
    groups = load_protocol(protocol.protocol).groups
    return tuple(f"group{group.index}" for group in (groups[:1] if exploratory else groups))


def load_words(protocol: Words, names: Sequence[str], *, root: Path = ROOT) -> dict[str, WordsResults]:
    """The rows that have results of this version of the protocol, in the order of `names` (ConfigError: folds of two configurations)."""
    version, found = {"id": protocol.id, "version": protocol.version}, {}
    for name in names:
        paths = {fold: root / protocol.id / name / f"{fold}.json" for fold in fold_names(protocol)}
        read = {fold: json.loads(path.read_text(encoding="utf-8")) for fold, path in paths.items() if path.exists()}
        folds = {fold: content for fold, content in read.items() if content["protocol"] == version}
        configurations = {content["config_sha256"] for content in folds.values()}
        if len(configurations) > 1:
            raise ConfigError(
                f"{root / protocol.id / name} mixes folds of {len(configurations)} configurations. Compute the row again: "
                f"python -m benchmarks.words {protocol.id} --rows {name} --resume."
            )
        if folds:
            wanted = fold_names(protocol, exploratory=next(iter(folds.values()))["exploratory"])
            found[name] = WordsResults(name, folds, tuple(fold for fold in wanted if fold not in folds))
    return found


def summarise_zero_shot(protocol: ZeroShotProtocol, rows: Mapping[str, WordsResults]) -> dict[str, Any]:
    """Everything that the tables show, as JSON, recomputed from the stored matrices. Scores are shares (0..1)."""
    return {
        "protocol": {"id": protocol.id, "version": protocol.version, "title": protocol.title, "kind": protocol.kind},
        "interval": "95 % t-interval over test subjects of each one's mean over wordings: mean and half-width",
        "rows": {name: {**row.facts(), "targets": _targets(protocol, row), "unseen": _unseen(protocol, row)} for name, row in rows.items()},
    }


def summarise_retrieval(protocol: RetrievalProtocol, rows: Mapping[str, WordsResults]) -> dict[str, Any]:
    """Everything that the tables show, as JSON, recomputed from each subject's figures."""
    loso = load_protocol(protocol.protocol)
    chance = retrieval_chance(protocol, loso)
    return {
        "protocol": {"id": protocol.id, "version": protocol.version, "title": protocol.title, "kind": protocol.kind},
        "interval": "95 % t-interval over test subjects: mean and half-width",
        "chance": chance,
        "rows": {name: {**row.facts(), "leave_out": protocol.protocol, **_retrieved(protocol, row)} for name, row in rows.items()},
    }


def named_at_random(names: Names, classes: int) -> float:
    """Balanced accuracy of names drawn at random: a class is met as often as names mean it."""
    meant = sum(meaning != NO_CLASS for meaning in names.meaning)
    return meant / (len(names.texts) * classes)


def ranked_at_random(relevant: int, count: int) -> float:
    """Expected average precision of `count` windows in random order, `relevant` of them right.

    A right one stands at each rank i equally often, with (i - 1)(R - 1) / (n - 1) other right ones before it on average:
    the mean over i of (1 + (i - 1)(R - 1) / (n - 1)) / i.
    """
    harmonic = math.fsum(1 / rank for rank in range(1, count + 1))
    others = (relevant - 1) / (count - 1) if count > 1 else 0.0
    return (harmonic + others * (count - harmonic)) / count


def retrieval_chance(protocol: RetrievalProtocol, loso: Protocol) -> dict[str, float]:
    """Means over subjects for windows in random order, from the windows that the leave-out protocol counts."""
    counts = {who: np.asarray([by.get(name, 0) for name in loso.classes]) for who, by in loso.windows.items()}
    if set(counts) != set(loso.subjects):
        return {}
    precision = [float(np.mean([ranked_at_random(int(c), int(own.sum())) for c in own if c])) for own in counts.values()]
    found = {"mean_average_precision": float(np.mean(precision))}
    at = sorted({k for cross in protocol.cross.values() for k in cross.recall_at})
    found |= {f"same_moment_recall_at_{k}": float(np.mean([min(1.0, k / own.sum()) for own in counts.values()])) for k in at}
    usable = {who: _without_twins(loso, who, own) for who, own in counts.items()}
    shares = []
    for who, others in protocol.others([group.test for group in loso.groups]).items():
        gallery = np.sum([usable[other] for other in others], axis=0)
        shares.append(float(usable[who] @ gallery / (usable[who].sum() * gallery.sum())))
    return found | {"same_activity_recall_at_1": float(np.mean(shares))}


def _without_twins(loso: Protocol, who: str, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Windows by class that nobody else's recording also holds."""
    shared = loso.twin_windows([who] * len(counts), np.arange(len(counts)))
    return np.where(shared, 0, counts)


def stored(entry: Mapping[str, Any]) -> ZeroShot:
    """What was judged, from its JSON: matrices by wording and subject, with the empty last row that the file leaves out."""
    return ZeroShot(
        {
            wording: {who: np.vstack([np.asarray(m, dtype=np.int64), np.zeros(len(m) + 1, dtype=np.int64)]) for who, m in by.items()}
            for wording, by in entry["confusion"].items()
        }
    )


def _targets(protocol: ZeroShotProtocol, row: WordsResults) -> list[dict[str, Any]]:
    found = []
    for target, told in protocol.targets.items():
        for source, kinds in row.folds.get(target, {}).get("inputs", {}).items():
            for kind, entry in kinds.items():
                names, judged = protocol.names(told.reader, open_set=kind == "open"), stored(entry)
                found.append(
                    {
                        "target": target,
                        "input": source,
                        "set": kind,
                        "names": len(names.texts),
                        "chance": round(named_at_random(names, len(protocol.classes)), 5),
                        **{score: _over_wordings(judged, score) for score in SCORES},
                        "confusion": _summed(judged),
                    }
                )
    return found


def _unseen(protocol: ZeroShotProtocol, row: WordsResults) -> list[dict[str, Any]]:
    """One entry an input: each draw that is there, and the mean and spread over these."""
    held_out, found = protocol.unseen.draws, []
    for source in protocol.unseen.inputs:
        draws = []
        for index in range(len(held_out)):
            fold = row.folds.get(f"unseen-{index}")
            if fold is not None:
                judged = stored(fold["inputs"][source]["closed"])
                scores = {score: round(judged.over_wordings(score).mean, 5) for score in SCORES}
                told = {"draw": index, "held_out": fold["held_out"], "subjects": fold["subjects"]}
                draws.append({**told, "chance": round(1 / len(fold["held_out"]), 5), **scores, "confusion": _summed(judged)})
        if draws:
            spreads = {score: _spread(Spread.of([draw[score] for draw in draws])) for score in SCORES}
            chance = round(float(np.mean([draw["chance"] for draw in draws])), 5)
            found.append({"input": source, "chance": chance, "of": len(held_out), **spreads, "draws": draws})
    return found


def _retrieved(protocol: RetrievalProtocol, row: WordsResults) -> dict[str, Any]:
    precision = _by_subject(fold["text"]["by_subject"] for fold in row.folds.values())
    table = np.asarray([[np.nan if value is None else value for value in found] for found in precision.values()])
    mean = {who: float(np.nanmean(found)) for who, found in zip(precision, table, strict=True)}
    shown = {label: column[~np.isnan(column)] for label, column in zip(protocol.texts, table.T, strict=True)}
    recalls: dict[str, Any] = {}
    for name, cross in protocol.cross.items():
        wanted = [("same_moment", k) for k in cross.recall_at] + [("same_activity", 1)]
        recalls[name] = {
            f"{task}_recall_at_{k}": _interval(_by_subject(f[name][task][f"recall_at_{k}"]["by_subject"] for f in row.folds.values()))
            for task, k in wanted
        }
    return {
        "mean_average_precision": _interval(mean),
        "by_subject": {who: round(value, 5) for who, value in mean.items()},
        "by_class": {label: _as_json(interval(values.tolist())) for label, values in shown.items() if values.size},
        "recall": recalls,
    }


def _by_subject(parts: Any) -> dict[str, Any]:
    """One table of all folds."""
    return {who: value for part in parts for who, value in part.items()}


def _over_wordings(judged: ZeroShot, score: str) -> dict[str, Any]:
    by = {wording: round(value, 5) for wording, value in judged.by_wording(score).items()}
    return {**_as_json(judged.over_subjects(score)), "wordings": by, **_spread(judged.over_wordings(score))}


def _summed(judged: ZeroShot) -> list[list[int]]:
    """Over wordings and subjects: each line's shares are means over wordings."""
    total: list[list[int]] = np.sum([judged.confusion(wording) for wording in judged.confusions], axis=0).tolist()
    return total


def _spread(spread: Spread) -> dict[str, Any]:
    std = None if np.isnan(spread.std) else round(spread.std, 5)
    return {"mean": round(spread.mean, 5), "std": std, "low": round(spread.low, 5), "high": round(spread.high, 5)}


def _interval(scores: Mapping[str, float]) -> dict[str, Any]:
    return _as_json(interval(list(scores.values())))


def _as_json(value: Interval) -> dict[str, Any]:
    half = None if np.isnan(value.half_width) else round(value.half_width, 5)
    return {"mean": round(value.mean, 5), "half_width": half, "subjects": value.count}
