"""What a card shows and says of a protocol of episodes: accuracies of each input, each fold apart, what is missing, and trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.markdown import points
from sslts.hub.card import Table
from sslts.hub.metrics import Result

KIND = "episodes"
_NOTE = "Accuracy in %, mean of the folds (each fold) +- half of the 95 % interval over episodes of the widest fold; protocol {}."


def is_one_shot(summary: Mapping[str, Any]) -> bool:
    """True for a summary of `benchmarks.one_shot`."""
    return bool(summary["protocol"].get("kind") == KIND)


def measured(summary: Mapping[str, Any], row: str, datasets: Mapping[str, str]) -> list[Result]:
    """The row's figures as results, one an input and number of examples; the protocol's first input first."""
    protocol, entry = summary["protocol"]["id"], summary["rows"][row]
    return [
        Result(
            protocol=protocol,
            task=f"{shots}-shot",
            dataset=datasets[protocol],
            metric="accuracy",
            value=round(value["mean"], 4),
            low=round(max(0.0, value["mean"] - value["half_width"]), 4),
            high=round(min(1.0, value["mean"] + value["half_width"]), 4),
            setting=name,
            date=entry["date"],
        )
        for name, found in entry["inputs"].items()
        for shots, value in found.items()
        if shots != "selected"
    ]


def tables(summary: Mapping[str, Any]) -> tuple[Table, ...]:
    """Ours beside the peers for each number of examples; what is missing at test; trials on fold 0."""
    rows = {name: entry for name, entry in summary["rows"].items() if not entry["exploratory"]}
    inputs, note = summary["inputs"], _NOTE.format(summary["protocol"]["id"])
    chance = f"{100 * summary['chance']:.0f}"
    found = []
    for shots in summary["shots"]:
        lines = [
            (entry["title"], *(_cell(entry["inputs"].get(given, {}).get(shots)) for given in inputs), entry["date"])
            for entry in rows.values()
        ]
        title = f"{shots} example{'s' if shots != '1' else ''} a class"
        found.append(
            Table(title=title, columns=("row", *inputs, "date"), rows=(*lines, ("*chance*", *[chance] * len(inputs), "")), note=note)
        )
    missing = [
        (entry["title"], given, *(_cell(value.get(shots)) for shots in summary["shots"]))
        for entry in rows.values()
        for given, value in entry["inputs"].items()
        if given not in inputs
    ]
    heads = tuple(f"{shots}-shot" for shots in summary["shots"])
    if missing:
        told = f"Fitted with everything. {note}"
        found.append(Table(title="Missing at test", columns=("row", "input", *heads), rows=tuple(missing), note=told))
    trials = [
        (
            entry["title"],
            given,
            f"{100 * entry['inputs'][given]['1']['by_fold']['0']:.1f}",
            points(value, sign=True),
            entry["against"],
            *_chosen(entry.get("selected", {}).get(given, {}).get("0")),
        )
        for entry in summary["rows"].values()
        for given, value in entry.get("paired_on_fold_0", {}).items()
    ]
    if trials:
        told = (
            "Fold 0, one example a class; differences are taken episode by episode. Joint view: the weight that validation classes gave "
            "it, 0 to 1. Kept: the step of stage 2 whose state recognised validation classes best; 0 is the closed form, where nothing "
            "that gradients train in stage 2 had a part in the figure."
        )
        columns = ("row", "input", "accuracy", "difference", "from", "joint view", "kept")
        found.append(Table(title="Trials and differences", columns=columns, rows=tuple(trials), note=told))
    return tuple(found)


def note(summary: Mapping[str, Any], row: str) -> str:
    """Where another row has the higher mean; what a missing modality costs; what the intervals do not say."""
    ours = figures(summary["rows"][row])
    others = [entry for name, entry in summary["rows"].items() if name != row and not entry["exploratory"]]
    lines = []
    for name, mine in ours.items():
        ahead = [
            (found[name], entry["title"]) for entry in others if name in (found := figures(entry)) and found[name]["mean"] > mine["mean"]
        ]
        if ahead:
            told = ", ".join(f"{title} {_cell(value)}" for value, title in sorted(ahead, key=lambda pair: -pair[0]["mean"]))
            lines.append(f"- {name}: {told}; ours {_cell(mine)}.")
    parts = ["Intervals over episodes say nothing about other classes or other people: the folds apart show how much classes matter."]
    parts += (
        ["Where another row has the higher mean:\n\n" + "\n".join(lines)] if lines else ["No other row has a higher mean in any figure."]
    )
    entry = summary["rows"][row]
    return "\n\n".join([*parts, *costs(entry, summary["whole"], summary["missing"]), *gains(summary, row), *shares(entry)])


def costs(entry: Mapping[str, Any], whole: str, missing: Mapping[str, str]) -> list[str]:
    """What the absence of a modality costs a model that was fitted with everything, against one fitted for what is left."""
    told = []
    for name, left in missing.items():
        given = f"{whole}, {name} missing"
        if given in entry["inputs"] and left in entry["inputs"]:
            gap = 100 * (entry["inputs"][left]["1"]["mean"] - entry["inputs"][given]["1"]["mean"])
            told.append(f"without {name} {abs(gap):.1f} points {'less' if gap >= 0 else 'more'} than a model fitted for {left}")
    return [f"Fitted with everything and asked without a modality, one example: {'; '.join(told)}."] if told else []


def gains(summary: Mapping[str, Any], row: str) -> list[str]:
    """What pretraining adds to the same model with random weights, input by input; nothing before that row is complete."""
    random, ours = summary["rows"].get("random-init"), summary["rows"][row]
    if random is None or not random["complete"]:
        return []
    added = {name: 100 * (ours["inputs"][name]["1"]["mean"] - random["inputs"][name]["1"]["mean"]) for name in summary["inputs"]}
    told = "; ".join(f"{name} {points:+.1f}" for name, points in added.items())
    return [
        "Against the same model with random weights in the ViT, whose fixed views, whitening and choices on validation classes are made "
        f"alike, pretraining adds, in points (one example, mean of the folds): {told}."
    ]


def shares(entry: Mapping[str, Any]) -> list[str]:
    """In how many fits, one an input and fold, validation classes left out what was trained."""
    fits = [each for folds in entry.get("selected", {}).values() for each in folds.values()]
    if not fits:
        return []
    unused, closed = (sum(each[key] == 0 for each in fits) for key in ("joint", "step"))
    return [
        f"Validation classes gave the joint view, the one that is trained, no weight in {unused} of {len(fits)} fits (one an input and "
        f"fold), and kept the closed form, no gradient step of stage 2, in {closed}."
    ]


def _chosen(found: Mapping[str, Any] | None) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    return "left out" if found["joint"] is None else f"{found['joint']:g}", str(found["step"])


def figures(entry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """{"1-shot, depth+inertial": figure} of a row."""
    return {
        f"{shots}-shot, {name}": value for name, found in entry["inputs"].items() for shots, value in found.items() if shots != "selected"
    }


def _cell(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return "not judged"
    folds = value["by_fold"].values()
    apart = f" ({' / '.join(f'{100 * each:.1f}' for each in folds)})" if len(folds) > 1 else ""
    return f"{points(dict(value))}{apart}"
