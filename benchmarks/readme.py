"""Write the generated parts of README.md (weights, results, speed) and of docs/results.md (which protocols' tables it quotes).

    python benchmarks/readme.py            write
    python benchmarks/readme.py --check    exit code 1 if one of them is not what would be written

A part stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. Weights come from model_cards/, results from the summary.json of each
protocol under benchmarks/results/; a protocol without one is left out.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a script: make `benchmarks` importable

from benchmarks import one_shot_card, words_card  # noqa: E402
from sslts.hub.catalogue import list_models  # noqa: E402
from sslts.hub.entry import Entry  # noqa: E402

README = ROOT / "README.md"
PAGE = ROOT / "docs" / "results.md"
RESULTS = ROOT / "benchmarks" / "results"
#: What is measured under a kind of protocol of words, and how it is said.
_OVER_SUBJECTS = "mean over test subjects ± half of the 95 % t-interval over subjects"
MEASURES = {
    "zero-shot": ("balanced accuracy", f"mean over wordings; {_OVER_SUBJECTS}, for unseen classes ± standard deviation over draws"),
    "retrieval": ("points", _OVER_SUBJECTS),
    "episodes": (
        "accuracy",
        "mean over folds of novel classes ± half of the 95 % interval over episodes of the widest fold, which says nothing of other "
        "classes or people: everybody was trained on, doing other actions",
    ),
}
#: Of a protocol of episodes: the inputs that the README shows for five examples as well.
_BOTH = ("depth+inertial", "all")
SETTINGS = {"inductive": "inductive", "subject-normalised": "normalised"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 if `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args(arguments).check
    stale = False
    for path, named in ((README, parts()), (PAGE, {"protocols": quoted(protocols())})):
        before = path.read_text(encoding="utf-8")
        after = filled(before, named)
        if check and before != after:
            print(f"{path.relative_to(ROOT)} does not show what the results files hold. Run: python benchmarks/readme.py", file=sys.stderr)
            stale = True
        if not check:
            path.write_text(after, encoding="utf-8")
    return int(stale)


def protocols(root: Path = RESULTS) -> list[Path]:
    """The folders of the protocols that have a summary, probes before words."""
    folders = [path.parent for path in sorted(root.glob("*/summary.json"))]
    return sorted(folders, key=lambda folder: "kind" in _summary(folder)["protocol"])


def quoted(folders: Iterable[Path]) -> str:
    """Lines that make the site include each summary; only files that are there, since a missing one fails the build."""
    lines = [f'--8<-- "{(folder / "summary.md").relative_to(ROOT)}"' for folder in folders]
    return "\n\n".join(lines) or "No results are computed yet."


def parts() -> dict[str, str]:
    """The generated text by name."""
    ours = [entry for entry in list_models() if "." not in entry.name]  # a dotted name is an installed plugin's
    return {
        "weights": weights(ours),
        "results": "\n\n".join(results(_summary(folder)) for folder in protocols()) or "No results are computed yet.",
        "speed": speed(json.loads((RESULTS / "speed.json").read_text(encoding="utf-8"))),
    }


def _summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return found


def filled(text: str, named: Mapping[str, str]) -> str:
    """The text with each named part replaced (ValueError if its markers are not there exactly once)."""
    for name, content in named.items():
        part = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        if len(part.findall(text)) != 1:
            raise ValueError(f"Expected one part between '<!-- {name}:begin -->' and '<!-- {name}:end -->'.")
        text = part.sub(lambda found, content=content: f"{found[1]}\n{content}\n\n{found[2]}", text)
    return text


def weights(entries: Iterable[Entry]) -> str:
    """One line a pretrained model."""
    rows = [
        (
            f"`{entry.name}`",
            entry.method,
            ", ".join(entry.modalities),
            entry.window,
            f"{entry.size_bytes / 1e6:.1f} MB",
            ", ".join(entry.data) or "-",
            entry.licence or "-",
        )
        for entry in entries
    ]
    head = ("name", "method", "reads", "window", "size", "trained on", "licence of the weights")
    return table(head, rows) if rows else "No weights are published yet."


def results(summary: Mapping[str, Any]) -> str:
    """Every complete row of a protocol, the best of each column in bold."""
    rows = [row for row in summary["rows"].values() if row["complete"] and not row["exploratory"]]
    scores = [figures(summary, row) for row in rows]
    columns = list(dict.fromkeys(column for found in scores for column in found))
    best = {column: max(found[column]["mean"] for found in scores if column in found) for column in columns}
    body = [(row["title"], *(cell(found.get(column), best[column]) for column in columns)) for row, found in zip(rows, scores, strict=True)]
    protocol = summary["protocol"]
    dates = sorted({date for row in rows for date in row["date"].split(" to ")})
    when = f", computed {' to '.join(dict.fromkeys((dates[0], dates[-1])))}" if dates else ""
    what, means = MEASURES.get(protocol.get("kind", ""), ("macro-F1", _OVER_SUBJECTS))
    stamp = f"`{protocol['id']}` version {protocol['version']}: {means}{when}."
    if not body:
        return f"{stamp}\n\nNo row is complete yet."
    told = one_shot_card.shares(rows[0]) if one_shot_card.is_one_shot(summary) else []
    return "\n\n".join([stamp, table((what, *columns), body), *told])


def figures(summary: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """{column: figure} of a row."""
    if one_shot_card.is_one_shot(summary):
        found = one_shot_card.figures(row)
        names = [f"1-shot, {name}" for name in summary["inputs"]] + [f"5-shot, {name}" for name in _BOTH]
        return {name: found[name] for name in names if name in found}
    if summary["protocol"].get("kind") in MEASURES:
        return {column: _spread_as_half(value) for (_, column), value in words_card.figures(summary, row).items()}
    return {f"{SETTINGS.get(entry['setting'], entry['setting'])} {entry['task']}": entry["macro_f1"] for entry in row["tasks"]}


def _spread_as_half(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Draws of classes have a standard deviation where subjects have an interval."""
    return {**value, "half_width": value["std"]} if "draws" in value else value


def speed(found: Mapping[str, Any]) -> str:
    """What `benchmarks/speed.py` measured, one line a figure, with what it is compared with."""
    start, hour, training, memory = found["start_up"], found["encode_hour"], found["training"], found["memory"]
    ours, *peers = found["windows_per_s"]["rows"]
    rows = [
        ("`import sslts`", f"{start['import_sslts_s']:.2f} s", f"`import torch`: {start['import_torch_s']:.1f} s"),
        ("`import sslts; sslts.list_models()`", f"{start['import_and_list_models_s']:.2f} s", "no torch imported"),
        (f"`sslts.load('{found['model']}')`", f"{start['load_after_torch_s']:.2f} s", "torch imported before"),
        ("encode one hour of an Empatica E4", f"{hour['seconds']:.2f} s", f"{hour['threads']} threads"),
        *(
            (
                f"windows a second, of 60 s, against {peer['of']}",
                f"{ours['windows_per_s']:.0f} against {peer['windows_per_s']:.0f}",
                f"ratio {ours['windows_per_s'] / peer['windows_per_s']:.1f}; ours at {_rates(ours)}, MiniRocket {_rates(peer)}; one thread",
            )
            for peer in peers
        ),
        (
            "training the paper's network, windows a second",
            f"{training['sslts_windows_per_s']:.0f}",
            f"{training['ratio']:.2f} times a plain `nn.Conv1d` translation; {training['threads']} threads",
        ),
        (
            f"memory that encoding {memory['hours']:g} hours adds",
            f"{memory['added_mib']:.0f} MiB",
            f"recording: {memory['recording_mib']:.0f} MiB",
        ),
    ]
    machine = found["machine"]
    stamp = f"`benchmarks/speed.py`, {found['date']}, {machine['cpus']} cores ({machine['processor']}), no GPU; the best of several runs."
    return f"{stamp}\n\n{table(('what', 'measured', 'beside it'), rows)}"


def _rates(row: Mapping[str, Any]) -> str:
    rates = row["rates_hz"]
    one = len(set(rates.values())) == 1
    return f"all at {next(iter(rates.values())):g} Hz" if one else ", ".join(f"{name} {rate:g} Hz" for name, rate in rates.items())


def cell(score: Mapping[str, Any] | None, best: float) -> str:
    """`72.5 ± 4.8`, in bold if it is the best; empty if the row was not judged so."""
    if score is None:
        return ""
    half = "" if score["half_width"] is None else f" ± {100 * score['half_width']:.1f}"
    text = f"{100 * score['mean']:.1f}{half}"
    return f"**{text}**" if score["mean"] == best else text


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    sys.exit(main())
