"""summary.json, summary.md and the plots of a protocol of words, from its results files alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import words_plots
from benchmarks.markdown import points, section, table
from benchmarks.results import ROOT, write_json
from benchmarks.words_figures import SCORES, Words, load_words, summarise_retrieval, summarise_zero_shot
from sslts.evaluate.text_protocols import RetrievalProtocol, ZeroShotProtocol

_SCORE_NAMES = {"balanced_accuracy": "balanced accuracy", "macro_f1": "macro-F1"}


def write(protocol: Words, names: Sequence[str], *, root: Path = ROOT) -> None:
    """Make all three; rows without results are left out."""
    rows = load_words(protocol, names, root=root)
    folder = root / protocol.id
    if isinstance(protocol, ZeroShotProtocol):
        summary = summarise_zero_shot(protocol, rows)
        text = zero_shot_markdown(protocol, summary)
    else:
        summary = summarise_retrieval(protocol, rows)
        text = retrieval_markdown(protocol, summary)
    write_json(folder / "summary.json", summary)
    (folder / "summary.md").write_text(text, encoding="utf-8")
    words_plots.write(protocol, summary, root=folder)


def zero_shot_markdown(protocol: ZeroShotProtocol, summary: dict[str, Any]) -> str:
    """Targets, each wording, and unseen classes with what was held out."""
    rows = summary["rows"]
    stamp = f"Protocol `{protocol.id}` version {protocol.version}, in points; computed {_span(rows)}."
    words = ", ".join(f"*{name}*: “{template.replace('{}', 'rowing')}”" for name, template in protocol.wordings.items())
    return _page(
        protocol,
        "A window is called what the nearest text says; nothing of the target was used in training. *Closed*: the names of the target's "
        f"shared classes; *open*: the names of all data sets. Wordings: {words}.",
        *section(
            "Targets",
            f"{stamp} Mean over test subjects and wordings +- half of the 95 % t-interval over subjects; in brackets the standard "
            "deviation over wordings. Chance: balanced accuracy of names drawn at random.",
            _targets(rows),
        ),
        *section("Wordings", f"{stamp} Balanced accuracy, mean over test subjects.", _wordings(protocol, rows)),
        *section(
            "Unseen classes",
            f"{stamp} {len(protocol.unseen.draws)} draws of {len(protocol.unseen.draws[0])} classes that training held out under every "
            "name, named against each other on people whom it has not seen: mean over draws +- standard deviation over draws, smallest and "
            "largest draw.",
            _unseen(rows),
        ),
        *section("Unseen classes, draw by draw", f"{stamp} Balanced accuracy, mean over subjects and wordings.", _draws(protocol, rows)),
    )


def retrieval_markdown(protocol: RetrievalProtocol, summary: dict[str, Any]) -> str:
    """Text to windows, unit to unit, and each class."""
    rows, chance = summary["rows"], summary["chance"]
    stamp = (
        f"Protocol `{protocol.id}` version {protocol.version}; mean over test subjects +- half of the 95 % t-interval over subjects, in "
        f"points; computed {_span(rows)}. Chance: windows in random order."
    )
    return _page(
        protocol,
        f"Windows of `{protocol.protocol}`, each person's by models that never saw that person; one fixed text a class "
        f"(“{protocol.queries[0]}”).",
        *section("Text to windows", f"{stamp} mAP: mean of average precision over classes.", _precision(rows, chance)),
        *section(
            "Unit to unit",
            f"{stamp} *Same moment*: among all leg windows of the same person. *Same activity*: among the leg windows of the other unseen "
            "person, so that the same moment is not among them.",
            _recalls(protocol, rows, chance),
        ),
        *section("Average precision by class", stamp, _classes(protocol, rows)),
    )


def marked(row: dict[str, Any]) -> str:
    """The row's title, with what it lacks."""
    lacking = f" (incomplete: {', '.join(row['missing'])} missing)" if row["missing"] else ""
    return row["title"] + (" (exploratory: group 0)" if row["exploratory"] else "") + lacking


def _page(protocol: Words, told: str, *sections: str) -> str:
    written = f"Written by `python -m benchmarks.words {protocol.id} --table` from the JSON files beside it; do not edit."
    return "\n\n".join([f"# {protocol.title} (`{protocol.id}`)", written, told, *sections]) + "\n"


def _span(rows: dict[str, Any]) -> str:
    dates = sorted({date for row in rows.values() for date in row["date"].split(" to ")})
    return " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "no results yet"


def _targets(rows: dict[str, Any]) -> list[str]:
    body = []
    for row in rows.values():
        for entry in row["targets"]:
            scores = [points(entry[score]) + _bracket(entry[score]["std"]) for score in SCORES]
            where = [entry["target"], entry["input"], f"{entry['set']}, {entry['names']} names"]
            body.append([marked(row), *where, *scores, f"{100 * entry['chance']:.1f}"])
    return table(["row", "target", "input", "set", *(_SCORE_NAMES[score] for score in SCORES), "chance"], body)


def _wordings(protocol: ZeroShotProtocol, rows: dict[str, Any]) -> list[str]:
    body = []
    for row in rows.values():
        for entry in row["targets"]:
            by = entry["balanced_accuracy"]["wordings"]
            cells = [f"{100 * by[wording]:.1f}" if wording in by else "" for wording in protocol.wordings]
            body.append([marked(row), f"{entry['target']}, {entry['input']}, {entry['set']}", *cells])
    return table(["row", "target", *protocol.wordings], body)


def _unseen(rows: dict[str, Any]) -> list[str]:
    body = []
    for row in rows.values():
        for entry in row["unseen"]:
            count = f"{len(entry['draws'])} of {entry['of']}"
            body.append([marked(row), entry["input"], *(spread(entry[score]) for score in SCORES), count, f"{100 * entry['chance']:.1f}"])
    return table(["row", "input", *(_SCORE_NAMES[score] for score in SCORES), "draws", "chance"], body)


def _draws(protocol: ZeroShotProtocol, rows: dict[str, Any]) -> list[str]:
    """One line a draw, its classes named; a draw that a row lacks is called missing."""
    judged = [(row, entry) for row in rows.values() for entry in row["unseen"]]
    body = []
    for index, held_out in enumerate(protocol.unseen.draws):
        cells = []
        for _, entry in judged:
            found = next((draw for draw in entry["draws"] if draw["draw"] == index), None)
            cells.append("missing" if found is None else f"{100 * found['balanced_accuracy']:.1f}")
        body.append([str(index), "; ".join(held_out), *cells])
    several = len(protocol.unseen.inputs) > 1
    head = [marked(row) + (f", {entry['input']}" if several else "") for row, entry in judged]
    return table(["draw", "held out", *head], body if judged else [])


def _precision(rows: dict[str, Any], chance: dict[str, float]) -> list[str]:
    name = "mean_average_precision"
    return table(["row", "mAP", "chance"], [[marked(row), points(row[name]), _chance(chance, name)] for row in rows.values()])


def _recalls(protocol: RetrievalProtocol, rows: dict[str, Any], chance: dict[str, float]) -> list[str]:
    columns = dict.fromkeys(column for row in rows.values() for found in row["recall"].values() for column in found)
    body = [["*chance*", "", *(_chance(chance, column) for column in columns)]]
    for cross in protocol.cross:
        for row in rows.values():
            found = row["recall"][cross]
            body.append([marked(row), cross, *(points(found[column]) if column in found else "" for column in columns)])
    return table(["row", "query and gallery", *map(recall_name, columns)], body if len(body) > 1 else [])


def _classes(protocol: RetrievalProtocol, rows: dict[str, Any]) -> list[str]:
    body = []
    for label, text in zip(protocol.texts, protocol.queries, strict=True):
        cells = [points(row["by_class"][label]) if label in row["by_class"] else "" for row in rows.values()]
        body.append([label, text, *cells])
    return table(["class", "text", *(marked(row) for row in rows.values())], body if rows else [])


def recall_name(column: str) -> str:
    """same_moment_recall_at_5 -> "same moment, recall@5"."""
    task, k = column.split("_recall_at_")
    return f"{task.replace('_', ' ')}, recall@{k}"


def spread(value: dict[str, Any]) -> str:
    """`61.0 +- 4.2 (55.1 to 66.0)`; a single draw has neither."""
    mean = f"{100 * value['mean']:.1f}"
    return mean if value["std"] is None else f"{mean} +- {100 * value['std']:.1f} ({100 * value['low']:.1f} to {100 * value['high']:.1f})"


def _bracket(std: float | None) -> str:
    return "" if std is None else f" ({100 * std:.1f})"


def _chance(chance: dict[str, float], name: str) -> str:
    return f"{100 * chance[name]:.1f}" if name in chance else "not known"
