"""Plots of the protocols of words, as small SVG files: confusion matrices, average precision by class, the sweep over lambda."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from benchmarks.plots import PUBLISHED, STYLE, matrix, save
from benchmarks.words_figures import Words
from sslts.evaluate.protocol import load_protocol
from sslts.evaluate.text_protocols import RetrievalProtocol, ZeroShotProtocol

#: A series of the sweep: what it is, and (lambda, figure in points).
Series = Mapping[str, Sequence[tuple[float, float]]]
_SWEPT = re.compile(r"lambda-(\d+(?:\.\d+)?)\Z")
_OTHER = "another name"


def write(protocol: Words, summary: dict[str, Any], *, root: Path) -> list[Path]:
    """Every plot that the results allow, of the rows that are no trial."""
    rows = {name: row for name, row in summary["rows"].items() if not row["exploratory"]}
    written = []
    with plt.rc_context(STYLE):
        if isinstance(protocol, RetrievalProtocol):
            if rows:
                written.append(save(average_precision(protocol, rows), root / "average-precision.svg"))
            return written
        for name, row in rows.items():
            if not name.startswith(PUBLISHED):
                continue
            for target, source in dict.fromkeys((entry["target"], entry["input"]) for entry in row["targets"]):
                written.append(save(confusion(protocol, row, target, source), root / f"confusion-{name}-{target}-{source}.svg"))
            for entry in row["unseen"]:
                written.append(save(unseen(row, entry), root / f"confusion-{name}-unseen-{entry['input']}.svg"))
    return written


def confusion(protocol: ZeroShotProtocol, row: dict[str, Any], target: str, source: str) -> Figure:
    """Matrices of one target and input, a set of names each, over all wordings and subjects."""
    found = [entry for entry in row["targets"] if (entry["target"], entry["input"]) == (target, source)]
    figure, axes = plt.subplots(1, len(found), figsize=(3.9 * len(found), 3.4), squeeze=False, layout="constrained")
    for axis, entry in zip(axes[0], found, strict=True):
        _draw(axis, entry["confusion"], protocol.classes)
        axis.set_title(f"{entry['set']}, {entry['names']} names")
    axes[0][0].set_ylabel("truth (% of its windows)")
    figure.suptitle(f"{row['title']}: {target}, {source}", fontsize=9)
    return figure


def unseen(row: dict[str, Any], entry: dict[str, Any]) -> Figure:
    """Matrices of unseen classes, one a draw."""
    draws = entry["draws"]
    figure, axes = plt.subplots(len(draws), 1, figsize=(6.4, 3.6 * len(draws)), squeeze=False, layout="constrained")
    for axis, draw in zip(axes[:, 0], draws, strict=True):
        _draw(axis, draw["confusion"], draw["held_out"])
        axis.set_title(f"draw {draw['draw']} of {entry['of']}")
        axis.set_ylabel("truth (% of its windows)")
    figure.suptitle(f"{row['title']}: unseen classes, {entry['input']}", fontsize=9)
    return figure


def average_precision(protocol: RetrievalProtocol, rows: dict[str, Any]) -> Figure:
    """Average precision of each class's text, one bar a row; whiskers are 95 % intervals over subjects."""
    labels = list(protocol.texts)
    figure, axis = plt.subplots(figsize=(7, 0.5 + 0.22 * len(labels) * max(1.5, len(rows))), layout="constrained")
    height = 0.8 / len(rows)
    for index, row in enumerate(rows.values()):
        by = row["by_class"]
        y = [place + (index - (len(rows) - 1) / 2) * height for place, label in enumerate(labels) if label in by]
        mean = [100 * by[label]["mean"] for label in labels if label in by]
        half = [100 * (by[label]["half_width"] or 0) for label in labels if label in by]
        lacking = "" if row["complete"] else " (incomplete)"
        axis.barh(y, mean, height, xerr=half, error_kw={"linewidth": 0.7}, label=row["title"] + lacking)
    axis.set_yticks(range(len(labels)), labels)
    axis.invert_yaxis()
    axis.set_xlim(0, 100)
    axis.set_xlabel("average precision of the class's text")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", fontsize=8)
    return figure


def write_sweep(row: str, weight: float, *, root: Path) -> Path | None:
    """lambda-sweep.svg of the rows `lambda-X` and of `row`, the recipe at their length with lambda `weight`; None before two are judged."""
    found = sweep(_summaries(root), row, weight)
    if len({x for points in found.values() for x, _ in points}) < 2:
        return None
    with plt.rc_context(STYLE):
        return save(lambda_sweep(found), root / "har-retrieval" / "lambda-sweep.svg")


def sweep(summaries: Mapping[str, Mapping[str, Any]], row: str, weight: float) -> dict[str, list[tuple[float, float]]]:
    """Figures over lambda, all on the subjects of group 0 where a protocol leaves people out: probe, text to windows, zero-shot."""
    found: dict[str, list[tuple[float, float]]] = {}
    for protocol, summary in summaries.items():
        for name, entry in summary["rows"].items():
            match = _SWEPT.match(name)
            if match or name == row:
                for what, value in _swept(protocol, entry).items():
                    found.setdefault(what, []).append((float(match[1]) if match else weight, 100 * value))
    return {what: sorted(points) for what, points in found.items()}


def lambda_sweep(series: Series) -> Figure:
    """Figures over the weight of the text term, on a logarithmic axis."""
    figure, axis = plt.subplots(figsize=(5.2, 3.8), layout="constrained")
    for index, (what, points) in enumerate(series.items()):
        axis.plot(*zip(*points, strict=True), marker="o", markersize=3, color=f"C{index}", label=what)
    weights = sorted({x for points in series.values() for x, _ in points})
    axis.set_xscale("log")
    axis.set_xticks(weights, [f"{x:g}" for x in weights])
    axis.minorticks_off()
    axis.set_xlabel("lambda (weight of the text term)")
    axis.set_ylabel("points")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", fontsize=8)
    return figure


def _swept(protocol: str, entry: Mapping[str, Any]) -> dict[str, float]:
    """What of one row's entry in a summary the sweep shows; a mean over group 0 only if every one of its subjects is there."""
    if "targets" in entry:
        return {
            f"zero-shot {found['target']}, {found['input']} (balanced accuracy)": found["balanced_accuracy"]["mean"]
            for found in entry["targets"]
            if found["set"] == "closed"
        }
    if "mean_average_precision" in entry:
        told, scores = "text to windows (mAP)", entry["by_subject"]
        subjects = load_protocol(entry["leave_out"]).groups[0].test
    else:
        loso = load_protocol(protocol)
        told, subjects = f"probe {loso.id} (macro-F1)", loso.groups[0].test
        scores = next((task["by_subject"] for task in entry["tasks"] if task["task"] == loso.main_task), {})
    return {told: float(np.mean([scores[who] for who in subjects]))} if set(subjects) <= set(scores) else {}


def _summaries(root: Path) -> dict[str, dict[str, Any]]:
    """The summaries that are written: probes on two data sets, then words."""
    names = ("dsads-loso", "motionsense-6fold", "har-retrieval", "har-zero-shot")
    paths = {name: root / name / "summary.json" for name in names}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}


def _draw(axis: Any, counts: Any, classes: Sequence[str]) -> None:
    """A matrix [K, K + 1]; the last column, names of no class, is shown if anything is in it."""
    table = np.asarray(counts)
    other = bool(table[:, -1].any())
    matrix(axis, table if other else table[:, :-1], classes, (*classes, _OTHER) if other else classes, wide=False)
    axis.set_xlabel("named")
