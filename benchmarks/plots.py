"""Plots of a summary, as small SVG files: confusion matrices, the label-efficiency curve, missing-modality bars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import numpy as np  # noqa: E402
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from sslts.evaluate.protocol import Protocol  # noqa: E402

#: How the names of rows begin whose weights are published.
PUBLISHED = ("crossl", "sensor-text-jepa")
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sslts",  # the same figures give the same file
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def write(protocol: Protocol, summary: dict[str, Any], *, root: Path) -> list[Path]:
    """Every plot that the results allow."""
    rows = {name: row for name, row in summary["rows"].items() if not row["exploratory"]}
    written = []
    with plt.rc_context(STYLE):
        for name in _shown(protocol, rows):
            written.append(save(confusion(protocol, rows[name]), root / f"confusion-{name}.svg"))
        if any(row["label_fractions"] for row in rows.values()):
            written.append(save(label_efficiency(protocol, rows), root / "label-efficiency.svg"))
        if any(row["missing"] for row in rows.values()):
            written.append(save(missing_modalities(protocol, rows), root / "missing-modalities.svg"))
    return written


def confusion(protocol: Protocol, row: dict[str, Any]) -> Figure:
    """Confusion matrices of a row in the main task, one a setting; each line sums to 100 %."""
    found = {entry["setting"]: entry for entry in row["tasks"] if entry["task"] == protocol.main_task}
    classes = protocol.task(protocol.main_task).classes
    wide = 1.0 if len(classes) <= 6 else len(classes) / 6  # room for the numbers and the names of many classes
    size = (3.4 * wide * len(found), 3.2 * wide)
    figure, axes = plt.subplots(1, len(found), figsize=size, squeeze=False, layout="constrained")
    for axis, (setting, entry) in zip(axes[0], found.items(), strict=True):
        matrix(axis, entry["confusion"], classes, classes, wide=wide > 1)
        axis.set_title(setting)
        axis.set_xlabel("predicted")
    axes[0][0].set_ylabel("truth (% of its windows)")
    figure.suptitle(row["title"])
    return figure


def matrix(axis: Axes, confusion: Any, truths: Sequence[str], predicted: Sequence[str], *, wide: bool) -> None:
    """Draw one confusion matrix [K, L] in percent of each line's windows; a line without windows stays empty. wide: many classes."""
    share = np.asarray(confusion, dtype=float)
    share = 100 * share / np.maximum(share.sum(1, keepdims=True), 1)
    axis.imshow(share, vmin=0, vmax=100, cmap="Blues")
    for (line, column), value in np.ndenumerate(share):
        if not wide or value >= 0.5:
            axis.text(column, line, f"{value:.0f}", ha="center", va="center", color="white" if value > 55 else "black")
    axis.set_xticks(range(len(predicted)), predicted, rotation=60 if wide else 30, ha="right")
    axis.set_yticks(range(len(truths)), truths)


def label_efficiency(protocol: Protocol, rows: dict[str, Any]) -> Figure:
    """Macro-F1 of the main task over the share of labelled training windows."""
    count = len(protocol.settings)
    figure, grid = plt.subplots(1, count, figsize=(4 * count, 3.4), sharey=True, squeeze=False, layout="constrained")
    axes, shares = grid[0], [100 * fraction for fraction in protocol.label_fractions]
    for axis, setting in zip(axes, protocol.settings, strict=True):
        for index, row in enumerate(rows.values()):
            points = [entry for entry in row["label_fractions"] if entry["setting"] == setting]
            if points:
                x, y = [100 * p["fraction"] for p in points], [100 * p["macro_f1"]["mean"] for p in points]
                axis.plot(x, y, marker="o", markersize=3, color=f"C{index}", label=row["title"])
        axis.set_xscale("log")
        axis.set_xticks(shares, [f"{share:g}" for share in shares])
        axis.minorticks_off()
        axis.set_xlabel("labelled training windows (%)")
        axis.set_title(setting)
    axes[0].set_ylabel(f"{protocol.main_task} macro-F1")
    handles = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, fontsize=8)
    return figure


def missing_modalities(protocol: Protocol, rows: dict[str, Any]) -> Figure:
    """Macro-F1 of the main task for each set of present modalities; whiskers are 95 % intervals."""
    count = len(protocol.settings)
    figure, grid = plt.subplots(count, 1, figsize=(8, 2.8 * count), sharex=True, squeeze=False, layout="constrained")
    axes = grid[:, 0]
    for axis, setting in zip(axes, protocol.settings, strict=True):
        shown = [(row["title"], entry) for row in rows.values() for entry in row["missing"] if entry["setting"] == setting]
        for index, (title, entry) in enumerate(shown):
            width = 0.8 / len(shown)
            x = np.arange(len(entry["subsets"])) + (index - (len(shown) - 1) / 2) * width
            mean = [100 * subset["macro_f1"]["mean"] for subset in entry["subsets"]]
            half = [100 * (subset["macro_f1"]["half_width"] or 0) for subset in entry["subsets"]]
            axis.bar(x, mean, width, yerr=half, error_kw={"linewidth": 0.7}, label=title)
            axis.set_xticks(range(len(mean)), [" + ".join(subset["present"]) for subset in entry["subsets"]], rotation=35, ha="right")
        axis.set_ylabel(f"{protocol.main_task} macro-F1")
        axis.set_title(setting)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8)
    return figure


def _shown(protocol: Protocol, rows: dict[str, Any]) -> list[str]:
    """Which rows get a confusion matrix: the models that are published, and the best peer of the main task."""
    task = protocol.main_task
    judged = {name: row for name, row in rows.items() if any(entry["task"] == task for entry in row["tasks"])}
    peers = [name for name, row in judged.items() if row["kind"] == "peer"]
    best = max(peers, key=lambda name: _mean(judged[name], task), default=None)
    return [name for name in judged if name == best or name.startswith(PUBLISHED)]


def _mean(row: dict[str, Any], task: str) -> float:
    return float(np.mean([entry["macro_f1"]["mean"] for entry in row["tasks"] if entry["task"] == task]))


def save(figure: Figure, path: Path) -> Path:
    """Write and close it; the same figure gives the same bytes."""
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
