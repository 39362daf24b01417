"""Write a published model's folder: the trained artefact, with metrics and card made from the results files.

python -m benchmarks.card crossl-wesad --artefact runs/crossl-wesad/artefact     write model_cards/crossl-wesad/
python -m benchmarks.card crossl-wesad --check                                   exit code 1 if card or metrics are not the results'
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from sslts.config import ModelConfig
from sslts.evaluate.metrics import paired_difference
from sslts.hub import artefact
from sslts.hub.card import Sections, Table, render_card
from sslts.hub.metrics import Metrics, Result

ROOT = Path(__file__).resolve().parent.parent
CARDS = ROOT / "model_cards"
RESULTS = ROOT / "benchmarks" / "results"
SETTINGS = {"inductive": "inductive", "subject-normalised": "normalised per subject"}

WHAT = """CroSSL (Deldari et al., WSDM 2024): one embedding a modality, some of them hidden twice and independently, and two aggregates that
should agree without collapsing. No labels, no negatives, no augmentation. Here each modality is described by a wide fixed front end
(kernel shares on an octave pyramid and descriptors that know the sensor); two trained layers a modality and an aggregator that infers
what is hidden are what latent masking trains. One embedding of 320 numbers for each minute of an Empatica E4 wristband: with all four
sensors there, 224 of them are principal components of the front end, which latent masking does not change, and 96 are the trained
summary. Where a sensor is missing, its 56 numbers are inferred."""

DIFFERS = """- The encoder is not the paper's CNN but fixed multi-scale descriptors with two trained layers (`descriptor`).
- The aggregate keeps a place for each modality and infers hidden ones (`completion`), instead of compressing to 32 numbers.
- VICReg's own weights 25 / 25 / 1, the covariance term inside the places and inside the summary; the paper uses 10 / 10 / 100.
- Modalities are kept with probability 0.6 (paper: 0.9), and at least one always stays visible.
- 60 s windows of the wrist device every 10 s over whole recordings, labelled or not; the paper uses 1,000 samples of the chest device.
- AdamW with a cosine schedule and batches of 512 windows; the paper uses Adam and batches of 8.

The paper-faithful configuration is the recipe `crossl-paper`."""

DATA = """Trained on the wrist part of WESAD (15 subjects, 29.7 hours; Schmidt et al., ICMI 2018) without its labels. The data are not part
of this package: obtain them from their authors. Thresholds of the fixed front end were measured on one recording of the Stress-Predict data
set (MIT licence; Iqbal et al., Sensors 2022). The weights are published under the Apache-2.0 licence."""

LIMITS = """- Fifteen people in one laboratory protocol with one wristband model: margins inside an interval are ties.
- These weights have seen all 15 subjects. The figures come from five models of the same recipe, each trained without the subjects it was
  judged on; judging the published weights on WESAD would leak.
- The recipe was chosen on these same 15 people: about fifty variants (`benchmarks/results/selection`) were compared by validation inside
  the training subjects of each group, averaged over groups, so that every person's labels had a say, and test scores of one earlier
  candidate had been seen.
  By how much this flatters the figures was not measured. No search like it is on record for the peers.
- *Normalised per subject* needs a recording of the person through different states, without labels; it is not available at once.
- Shares are computed for 60 s windows at the E4's rates; other devices are resampled and were not measured.
- Not a medical device, and no detector of anybody's stress outside the laboratory."""

CITE = """Deldari et al.: CroSSL: Cross-modal Self-Supervised Learning for Time-series through Latent Masking. WSDM 2024, arXiv:2307.16847.
Schmidt, Reiss, Duerichen, Marberger, Van Laerhoven: Introducing WESAD, a Multimodal Dataset for Wearable Stress and Affect Detection.
ICMI 2018. Bardes, Ponce, LeCun: VICReg: Variance-Invariance-Covariance Regularization. ICLR 2022, arXiv:2105.04906."""


def measured(summary: Mapping[str, Any], row: str) -> Metrics:
    """The row's figures as metrics.json; the first, the headline, is stress normalised per subject."""
    protocol, entry = summary["protocol"]["id"], summary["rows"][row]
    results = [
        Result(
            protocol=protocol,
            task=task["task"],
            dataset="wesad",
            metric="macro-f1",
            value=round(task["macro_f1"]["mean"], 4),
            low=round(task["macro_f1"]["mean"] - task["macro_f1"]["half_width"], 4),
            high=round(min(1.0, task["macro_f1"]["mean"] + task["macro_f1"]["half_width"]), 4),
            setting=SETTINGS[task["setting"]],
            date=entry["date"],
        )
        for task in entry["tasks"]
    ]
    results.sort(key=lambda result: (result.task != "stress", result.setting == "inductive"))
    return Metrics(results=tuple(results), source=f"benchmarks/results/{protocol}/summary.json")


def tables(summary: Mapping[str, Any]) -> tuple[Table, ...]:
    """Ours beside the peers: the tasks of each setting, label efficiency, missing modalities. Exploratory rows are left out."""
    rows = {name: entry for name, entry in summary["rows"].items() if not entry["exploratory"] and entry["tasks"]}
    note = f"Macro-F1, mean over test subjects +- half of the 95 % t-interval, in points; protocol {summary['protocol']['id']}."
    found = []
    for setting, title in SETTINGS.items():
        tasks = [task["task"] for task in next(iter(rows.values()))["tasks"] if task["setting"] == setting]
        lines = []
        for entry in rows.values():
            cells = {task["task"]: _points(task["macro_f1"]) for task in entry["tasks"] if task["setting"] == setting}
            if cells:
                lines.append((entry["title"], *(cells.get(name, "not judged") for name in tasks)))
        found.append(Table(title=f"WESAD, {title}", columns=("row", *tasks), rows=tuple(lines), note=note))
    fractions: list[tuple[str, ...]] = []
    missing: list[tuple[str, ...]] = []
    shares: list[float] = []
    for setting, title in SETTINGS.items():
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
        found.append(Table(title="WESAD, share of the labels (4-class)", columns=columns, rows=tuple(fractions), note=note))
    if missing:
        columns = ("row", "full set", "mean loss of 14 subsets", "1 missing", "2 missing", "3 missing")
        why = (
            f"{note} One probe is trained with random subsets, or one for each set on that set alone; "
            "losses are against the full set under the same kind of probe."
        )
        found.append(Table(title="WESAD, missing modalities (4-class)", columns=columns, rows=tuple(missing), note=why))
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


def against_random(summary: Mapping[str, Any], row: str) -> str:
    """What training adds to the same network with random weights, whose front end and components are the same."""
    random = summary["rows"].get("random-init")
    if random is None:
        return ""
    cells, clear = [], 0
    for ours, theirs in zip(summary["rows"][row]["tasks"], random["tasks"], strict=True):
        subjects = list(ours["by_subject"])
        gain = paired_difference([ours["by_subject"][who] for who in subjects], [theirs["by_subject"][who] for who in subjects])
        clear += gain.interval.mean > gain.interval.half_width
        cells.append(f"{ours['task']}, {SETTINGS[ours['setting']]} {100 * gain.interval.mean:+.1f} +- {100 * gain.interval.half_width:.1f}")
    return (
        "\n\nThe same network with random weights keeps the fixed front end and its principal components. Against it, latent masking adds, "
        f"in points subject by subject: {'; '.join(cells)}. That is more than its interval in {clear} of {len(cells)} columns."
    )


def peers_ahead(summary: Mapping[str, Any], row: str) -> str:
    """Every figure of the tables at which a peer's mean is higher, one line each."""
    entry = summary["rows"][row]
    peers = [found for found in summary["rows"].values() if found["kind"] == "peer" and not found["exploratory"]]
    lines = []
    for name, ours in _figures(entry).items():
        ahead = [(found[name], peer["title"]) for peer in peers if name in (found := _figures(peer)) and found[name]["mean"] > ours["mean"]]
        if ahead:
            told = ", ".join(f"{title} {_points(cell)}" for cell, title in sorted(ahead, key=lambda pair: -pair[0]["mean"]))
            lines.append(f"- {name}: {told}; ours {_points(ours)}.")
    if not lines:
        return "\n\nNo peer has a higher mean macro-F1 in any column that was measured."
    return (
        "\n\nWhere a simple peer has the higher mean macro-F1, in all columns, shares of the labels and subsets that were measured:\n\n"
        + "\n".join(lines)
    )


def _figures(entry: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """Macro-F1 of a row by what was measured: tasks, shares of the labels, subsets of the modalities."""
    found: dict[str, Mapping[str, float]] = {}
    for task in entry["tasks"]:
        found[f"{task['task']}, {SETTINGS[task['setting']]}"] = task["macro_f1"]
    for cell in entry.get("label_fractions", []):
        if cell["fraction"] < 1:  # all labels: the task itself
            found[f"4-class with {100 * cell['fraction']:g} % of the labels, {SETTINGS[cell['setting']]}"] = cell["macro_f1"]
    for missing in entry.get("missing", []):
        for subset in missing["subsets"]:
            name = f"4-class from {' + '.join(subset['present'])}, probe trained with subsets, {SETTINGS[missing['setting']]}"
            found[name] = subset["macro_f1"]
    return found


def sections(summary: Mapping[str, Any], row: str) -> Sections:
    """The card's prose and tables."""
    return Sections(
        what_it_is=WHAT,
        differs_from_paper=DIFFERS,
        data_and_licence=DATA,
        limits=LIMITS,
        how_to_cite=CITE,
        results=tables(summary),
        results_note=against_peers(summary, row) + peers_ahead(summary, row) + against_random(summary, row),
    )


def completed(config: ModelConfig) -> ModelConfig:
    """The artefact's config with the provenance that a card needs."""
    provenance = config.provenance.model_copy(update={"licence": "Apache-2.0", "datasets": ("wesad",)})
    return config.model_copy(update={"provenance": provenance})


def summary_of(protocol: str = "wesad-loso") -> dict[str, Any]:
    """The results that cards quote."""
    found: dict[str, Any] = json.loads((RESULTS / protocol / "summary.json").read_text(encoding="utf-8"))
    return found


def up_to_date(name: str) -> bool:
    """True if the card and the metrics of a published model are what the results files give."""
    summary, folder = summary_of(), CARDS / name
    metrics = measured(summary, name)
    card = render_card(artefact.read_config(folder), metrics, sections(summary, name))
    told = Metrics.model_validate(json.loads((folder / "metrics.json").read_text(encoding="utf-8")))
    return told == metrics and (folder / "README.md").read_text(encoding="utf-8") == card


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 if `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="row of the benchmark and name of the model")
    parser.add_argument("--artefact", type=Path, help="the trained folder; default: the published one (only card and metrics change)")
    parser.add_argument("--check", action="store_true", help="only compare")
    given = parser.parse_args(arguments)
    if given.check:
        fine = up_to_date(given.name)
        if not fine:
            print(f"model_cards/{given.name} is not what the results give. Run: python -m benchmarks.card {given.name}", file=sys.stderr)
        return 0 if fine else 1
    source = given.artefact or CARDS / given.name
    config, summary = completed(artefact.read_config(source)), summary_of()
    state = load_file(source / "model.safetensors")
    metrics = measured(summary, given.name)
    card = render_card(config, metrics, sections(summary, given.name))
    print(artefact.write(CARDS / given.name, config, state, card=card, metrics=metrics, overwrite=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
