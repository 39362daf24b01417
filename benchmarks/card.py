"""Write a published model's folder: the trained artefact, with metrics and card made from the results files.

python -m benchmarks.card crossl-wesad --artefact runs/crossl-wesad/artefact     write model_cards/crossl-wesad/
python -m benchmarks.card crossl-wesad --check                                   exit code 1 if card or metrics are not the results'
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from benchmarks import one_shot_card, trials, words_card
from benchmarks.prose import CROSSL_WESAD, PROSE, Prose
from sslts.config import ModelConfig
from sslts.errors import ConfigError
from sslts.evaluate.metrics import paired_difference
from sslts.evaluate.protocol import load_protocol
from sslts.hub import artefact
from sslts.hub.card import Sections, Table, render_card
from sslts.hub.metrics import Metrics, Result

ROOT = Path(__file__).resolve().parent.parent
CARDS = ROOT / "model_cards"
RESULTS = ROOT / "benchmarks" / "results"
SETTINGS = {"inductive": "inductive", "subject-normalised": "normalised per subject"}


@dataclass(frozen=True)
class Facts:
    """How a card speaks of a protocol: its data set in tables and in metrics.json, and its headline (task, setting)."""

    title: str
    dataset: str
    headline: tuple[str, str]


FACTS = {
    "wesad-loso": Facts("WESAD", "wesad", ("stress", "subject-normalised")),
    "dsads-loso": Facts("DSADS", "dsads", ("19-class", "inductive")),
    "motionsense-6fold": Facts("MotionSense", "motionsense", ("6-class", "inductive")),
}

#: Titles of the protocols of words, and the data set that each of their targets is.
WORDS = {"har-zero-shot": "Naming without having seen the data set", "har-retrieval": "Searching"}
TARGETS = {"motionsense": "motionsense", "dsads": "dsads", "dsads-loso": "dsads"}
#: Data sets of protocols of episodes.
EPISODES = {"utd-one-shot": "utd-mhad"}


def measured(summary: Mapping[str, Any], row: str) -> Metrics:
    """The row's figures under one protocol as metrics.json; the protocol's headline stands first."""
    protocol, entry = summary["protocol"]["id"], summary["rows"][row]
    source = f"benchmarks/results/{protocol}/summary.json"
    if words_card.is_words(summary):
        return Metrics(results=tuple(words_card.measured(summary, row, TARGETS)), source=source)
    if one_shot_card.is_one_shot(summary):
        return Metrics(results=tuple(one_shot_card.measured(summary, row, EPISODES)), source=source)
    facts = FACTS[protocol]
    task_first, setting_first = facts.headline[0], SETTINGS[facts.headline[1]]
    results = [
        Result(
            protocol=protocol,
            task=task["task"],
            dataset=facts.dataset,
            metric="macro-f1",
            value=round(task["macro_f1"]["mean"], 4),
            low=round(task["macro_f1"]["mean"] - task["macro_f1"]["half_width"], 4),
            high=round(min(1.0, task["macro_f1"]["mean"] + task["macro_f1"]["half_width"]), 4),
            setting=SETTINGS[task["setting"]],
            date=entry["date"],
        )
        for task in entry["tasks"]
    ]
    results.sort(key=lambda result: (result.task != task_first, result.setting != setting_first))
    return Metrics(results=tuple(results), source=source)


def tables(summary: Mapping[str, Any]) -> tuple[Table, ...]:
    """Ours beside the peers: the tasks of each setting, label efficiency, missing modalities. Exploratory rows are left out."""
    if words_card.is_words(summary):
        return words_card.tables(summary)
    if one_shot_card.is_one_shot(summary):
        return one_shot_card.tables(summary)
    protocol = load_protocol(summary["protocol"]["id"])
    title_of_data, main = FACTS[protocol.id].title, protocol.main_task
    settings = {setting: SETTINGS[setting] for setting in protocol.settings}
    rows = {name: entry for name, entry in summary["rows"].items() if not entry["exploratory"] and entry["tasks"]}
    note = f"Macro-F1, mean over test subjects +- half of the 95 % t-interval, in points; protocol {summary['protocol']['id']}."
    found = []
    for setting, title in settings.items():
        tasks = [task["task"] for task in next(iter(rows.values()))["tasks"] if task["setting"] == setting]
        lines = []
        for entry in rows.values():
            cells = {task["task"]: _points(task["macro_f1"]) for task in entry["tasks"] if task["setting"] == setting}
            if cells:
                lines.append((entry["title"], *(cells.get(name, "not judged") for name in tasks)))
        found.append(Table(title=f"{title_of_data}, {title}", columns=("row", *tasks), rows=tuple(lines), note=note))
    fractions: list[tuple[str, ...]] = []
    missing: list[tuple[str, ...]] = []
    shares: list[float] = []
    for setting, title in settings.items():
        for entry in rows.values():
            cells = {cell["fraction"]: cell["macro_f1"] for cell in entry.get("label_fractions", []) if cell["setting"] == setting}
            if cells:
                shares = sorted(cells)
                fractions.append((f"{entry['title']} ({title})", *(_points(cells[share]) for share in shares)))
            for part, added in (("missing", ""), ("own_probes", ", a probe for each set")):
                for cell in (each for each in entry.get(part, []) if each["setting"] == setting):
                    losses = [cell["loss_by_number_missing"][number] for number in ("1", "2", "3")]
                    missing.append((f"{entry['title']}{added} ({title})", *map(_points, [cell["full"], cell["mean_loss"], *losses])))
    if fractions:
        columns = ("row", *(f"{100 * share:g} %" for share in shares))
        found.append(Table(title=f"{title_of_data}, share of the labels ({main})", columns=columns, rows=tuple(fractions), note=note))
    if missing:
        columns = ("row", "full set", "mean loss of 14 subsets", "1 missing", "2 missing", "3 missing")
        why = (
            f"{note} One probe is trained with random subsets, or one for each set on that set alone; "
            "losses are against the full set under the same kind of probe."
        )
        found.append(Table(title=f"{title_of_data}, missing modalities ({main})", columns=columns, rows=tuple(missing), note=why))
    return tuple(found)


def _points(cell: Mapping[str, float]) -> str:
    return f"{100 * cell['mean']:.1f} +- {100 * cell['half_width']:.1f}"


def against_peers(summary: Mapping[str, Any], row: str) -> str:
    """Column by column, the paired difference to the best peer and what it allows to say."""
    lines = []
    for task in summary["rows"][row]["tasks"]:
        against = task.get("against_best_peer")
        if not against:
            continue
        gap, half = 100 * against["difference"]["mean"], 100 * against["difference"]["half_width"]
        verdict = "undecided" if abs(gap) <= half else "ahead" if gap > 0 else "behind"
        level = f", level on {against['equal']}" if against["equal"] else ""
        if gap < 0:
            verdict += f"; **{summary['rows'][against['peer']]['title']} has the higher mean**"
        lines.append(
            f"- {task['task']}, {SETTINGS[task['setting']]}: {gap:+.1f} +- {half:.1f} points against `{against['peer']}`, "
            f"ahead on {against['ahead']} of {against['of']} subjects{level}: {verdict}."
        )
    return "Subject by subject against the best peer of each column:\n\n" + "\n".join(lines)


def against_random(summary: Mapping[str, Any], row: str, told: Prose = CROSSL_WESAD) -> str:
    """What training adds to the same network with random weights; `told` says what both have in common, and what is trained."""
    random = summary["rows"].get("random-init")
    if random is None or not random.get("complete", True):
        return ""
    cells, clear = [], 0
    for ours, theirs in zip(summary["rows"][row]["tasks"], random["tasks"], strict=True):
        subjects = list(ours["by_subject"])
        gain = paired_difference([ours["by_subject"][who] for who in subjects], [theirs["by_subject"][who] for who in subjects])
        clear += gain.interval.mean > gain.interval.half_width
        cells.append(f"{ours['task']}, {SETTINGS[ours['setting']]} {100 * gain.interval.mean:+.1f} +- {100 * gain.interval.half_width:.1f}")
    return (
        f"\n\nThe same network with random weights keeps {told.untrained}. Against it, {told.trained} adds, "
        f"in points subject by subject: {'; '.join(cells)}. That is more than its interval in {clear} of {len(cells)} columns."
    )


def peers_ahead(summary: Mapping[str, Any], row: str) -> str:
    """Every figure of the tables at which a peer's mean is higher, one line each."""
    entry, main = summary["rows"][row], load_protocol(summary["protocol"]["id"]).main_task
    peers = [found for found in summary["rows"].values() if found["kind"] == "peer" and not found["exploratory"]]
    lines = []
    for name, ours in _figures(entry, main).items():
        ahead = [
            (found[name], peer["title"]) for peer in peers if name in (found := _figures(peer, main)) and found[name]["mean"] > ours["mean"]
        ]
        if ahead:
            told = ", ".join(f"{title} {_points(cell)}" for cell, title in sorted(ahead, key=lambda pair: -pair[0]["mean"]))
            lines.append(f"- {name}: {told}; ours {_points(ours)}.")
    if not lines:
        return "\n\nNo peer has a higher mean macro-F1 in any column that was measured."
    return (
        "\n\nWhere a simple peer has the higher mean macro-F1, in all columns, shares of the labels and subsets that were measured:\n\n"
        + "\n".join(lines)
    )


def _figures(entry: Mapping[str, Any], main: str) -> dict[str, Mapping[str, float]]:
    """Macro-F1 of a row by what was measured: tasks, shares of the labels, subsets of the modalities."""
    found: dict[str, Mapping[str, float]] = {}
    for task in entry["tasks"]:
        found[f"{task['task']}, {SETTINGS[task['setting']]}"] = task["macro_f1"]
    for cell in entry.get("label_fractions", []):
        if cell["fraction"] < 1:  # all labels: the task itself
            found[f"{main} with {100 * cell['fraction']:g} % of the labels, {SETTINGS[cell['setting']]}"] = cell["macro_f1"]
    for missing in entry.get("missing", []):
        for subset in missing["subsets"]:
            name = f"{main} from {' + '.join(subset['present'])}, probe trained with subsets, {SETTINGS[missing['setting']]}"
            found[name] = subset["macro_f1"]
    return found


def sections(summaries: Sequence[Mapping[str, Any]], row: str) -> Sections:
    """The card's prose, and the tables of each protocol with what they allow to say."""
    prose = PROSE[row]
    tried, told = trials.table(summaries), trials.note(summaries)
    notes = [_note(summary, row, prose) for summary in summaries]
    if len(summaries) > 1:
        notes = [f"**{_title(summary)}.** {note}" for summary, note in zip(summaries, notes, strict=True)]
    return Sections(
        what_it_is=prose.what,
        differs_from_paper=prose.differs,
        data_and_licence=prose.data,
        limits=prose.limits,
        how_to_cite=prose.cite,
        results=(*(table for summary in summaries for table in tables(summary)), *([tried] if tried else [])),
        results_note="\n\n".join([*notes, *([told] if told else [])]),
    )


def _note(summary: Mapping[str, Any], row: str, prose: Prose) -> str:
    if words_card.is_words(summary):
        return words_card.note(summary, row)
    if one_shot_card.is_one_shot(summary):
        return one_shot_card.note(summary, row)
    return against_peers(summary, row) + peers_ahead(summary, row) + against_random(summary, row, prose)


def _title(summary: Mapping[str, Any]) -> str:
    protocol: str = summary["protocol"]["id"]
    return WORDS[protocol] if words_card.is_words(summary) else FACTS[protocol].title


def completed(config: ModelConfig, name: str) -> ModelConfig:
    """The artefact's config with the provenance that a card needs."""
    provenance = config.provenance.model_copy(update={"licence": "Apache-2.0", "datasets": PROSE[name].datasets})
    return config.model_copy(update={"provenance": provenance})


def summaries_of(name: str) -> list[dict[str, Any]]:
    """The results that the model's card quotes, one summary a protocol (ConfigError: one lacks the model, or some of its folds)."""
    found = []
    for protocol in PROSE[name].protocols:
        path = RESULTS / protocol / "summary.json"
        summary = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"rows": {}}
        if not summary["rows"].get(name, {}).get("complete", False):
            raise ConfigError(f"{path} has no complete row '{name}': the card quotes it. Compute it, then write the table (--table).")
        found.append(summary)
    return found


def all_measured(summaries: Sequence[Mapping[str, Any]], row: str) -> Metrics:
    """The row's figures under every protocol, the headline of the first protocol first."""
    found = [measured(summary, row) for summary in summaries]
    source = found[0].source if len(found) == 1 else "benchmarks/results"
    return Metrics(results=tuple(result for metrics in found for result in metrics.results), source=source)


def up_to_date(name: str) -> bool:
    """True if the card and the metrics of a published model are what the results files give."""
    summaries, folder = summaries_of(name), CARDS / name
    metrics = all_measured(summaries, name)
    card = render_card(artefact.read_config(folder), metrics, sections(summaries, name), load=name)
    told = Metrics.model_validate(json.loads((folder / "metrics.json").read_text(encoding="utf-8")))
    return told == metrics and (folder / "README.md").read_text(encoding="utf-8") == card


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 if `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(PROSE), help="row of the benchmark and name of the model")
    parser.add_argument("--artefact", type=Path, help="the trained folder; default: the published one (only card and metrics change)")
    parser.add_argument("--check", action="store_true", help="only compare")
    given = parser.parse_args(arguments)
    if given.check:
        fine = up_to_date(given.name)
        if not fine:
            print(f"model_cards/{given.name} is not what the results give. Run: python -m benchmarks.card {given.name}", file=sys.stderr)
        return 0 if fine else 1
    source = given.artefact or CARDS / given.name
    config, summaries = completed(artefact.read_config(source), given.name), summaries_of(given.name)
    state = load_file(source / "model.safetensors")
    metrics = all_measured(summaries, given.name)
    card = render_card(config, metrics, sections(summaries, given.name), load=given.name)
    half = artefact.is_half(source / "model.safetensors")
    print(artefact.write(CARDS / given.name, config, state, card=card, metrics=metrics, half=half, overwrite=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
