"""Tables, plots and cards of the protocols of words, from tiny results files whose figures are known by hand."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from benchmarks import card, readme, words, words_card, words_plots, words_summary
from benchmarks.prose import PROSE
from benchmarks.rows.jepa import SAME_LENGTH
from benchmarks.words_figures import (
    load_words,
    named_at_random,
    ranked_at_random,
    retrieval_chance,
    summarise_retrieval,
    summarise_zero_shot,
)
from sslts.errors import ConfigError
from sslts.evaluate.metrics import interval
from sslts.evaluate.protocol import load_protocol
from sslts.evaluate.retrieval import average_precision
from sslts.evaluate.text_protocols import Names, load_retrieval, load_zero_shot

ZERO_SHOT, RETRIEVAL = load_zero_shot(), load_retrieval()
LOSO = load_protocol("dsads-loso")
ROW = "sensor-text-jepa-har"


def right(classes: int, share: float) -> list[list[int]]:
    """[K, K + 1]: ten windows a class, a share of them named right, the others by the next class's name."""
    hits = round(10 * share)
    return [
        [hits if column == line else 10 - hits if column == (line + 1) % classes else 0 for column in range(classes)] + [0]
        for line in range(classes)
    ]


def judged(classes: int, shares: dict[str, list[float]]) -> dict[str, Any]:
    """{wording: each subject's share} as a results file holds it."""
    named = {wording: {f"s{i}": right(classes, share) for i, share in enumerate(of)} for wording, of in shares.items()}
    return {"confusion": named}


def fold(protocol: Any, row: str, name: str, content: dict[str, Any], root: Path) -> None:
    """One results file; the content may replace what every file says."""
    told = {
        "protocol": {"id": protocol.id, "version": protocol.version},
        "row": row,
        "title": f"The {row}",
        "kind": "model",
        "exploratory": False,
        "pretraining_labels": "names",
        "fold": name,
        "date": "2026-02-01",
        "seed": 0,
        "config_sha256": "a",
    }
    path = root / protocol.id / row / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**told, **content}), encoding="utf-8")


def zero_shot_folds(root: Path, row: str = ROW, *, draws: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0), gain: float = 0.0) -> None:
    """MotionSense from a phone: two people, two wordings. Unseen classes: one person a draw."""
    closed = judged(6, {"plain": [0.6 + gain, 0.8 + gain], "person": [0.4 + gain, 0.6 + gain]})
    opened = judged(6, {"plain": [0.5, 0.5], "person": [0.5, 0.5]})
    fold(ZERO_SHOT, row, "motionsense", {"inputs": {"phone": {"closed": closed, "open": opened}}}, root)
    fold(ZERO_SHOT, row, "dsads", {"inputs": {"right-leg": {"closed": judged(6, {"plain": [0.3, 0.3]})}}, "date": "2026-02-03"}, root)
    for index, share in enumerate(draws):
        content = {"held_out": list(ZERO_SHOT.unseen.draws[index]), "subjects": ["p1"]}
        fold(ZERO_SHOT, row, f"unseen-{index}", {**content, "inputs": {"all-units": {"closed": judged(5, {"plain": [share]})}}}, root)


def retrieval_fold(root: Path, row: str, group: int, precision: float, recall: float, **facts: Any) -> None:
    """Both people of a group alike, but that the second never sits."""
    who = LOSO.groups[group].test
    text = {who[0]: [precision] * 19, who[1]: [None] + [precision] * 18}
    shares = dict.fromkeys(who, recall)
    cross = {f"recall_at_{k}": {"by_subject": shares} for k in (1, 5)}
    units = {name: {"same_moment": cross, "same_activity": {"recall_at_1": {"by_subject": shares}}} for name in RETRIEVAL.cross}
    fold(RETRIEVAL, row, f"group{group}", {"text": {"by_subject": text}, **units, **facts}, root)


def test_a_target_is_a_mean_over_wordings_with_an_interval_over_people(tmp_path):
    """People: (0.6 + 0.4) / 2 and (0.8 + 0.6) / 2; wordings: 0.7 and 0.5, whose deviation is 0.1 sqrt(2)."""
    zero_shot_folds(tmp_path)
    entry = summarise_zero_shot(ZERO_SHOT, load_words(ZERO_SHOT, [ROW], root=tmp_path))["rows"][ROW]["targets"][0]
    score = entry["balanced_accuracy"]
    assert (entry["target"], entry["input"], entry["set"], entry["names"]) == ("motionsense", "phone", "closed", 6)
    assert (score["mean"], score["wordings"]) == (0.6, {"plain": 0.7, "person": 0.5})
    assert score["half_width"] == pytest.approx(interval([0.5, 0.7]).half_width, abs=1e-5)
    assert score["std"] == pytest.approx(0.1 * np.sqrt(2), abs=1e-5)
    assert entry["macro_f1"]["mean"] == 0.6  # every class is missed as often as it is wrongly said
    assert entry["confusion"][0] == [24, 16, 0, 0, 0, 0, 0]
    assert entry["chance"] == pytest.approx(1 / 6, abs=1e-5)


def test_unseen_classes_are_a_mean_over_draws_whose_classes_are_named(tmp_path):
    zero_shot_folds(tmp_path)
    rows = load_words(ZERO_SHOT, [ROW], root=tmp_path)
    summary = summarise_zero_shot(ZERO_SHOT, rows)
    (entry,) = summary["rows"][ROW]["unseen"]
    score = entry["balanced_accuracy"]
    assert (score["mean"], score["low"], score["high"], entry["chance"]) == (0.6, 0.2, 1.0, 0.2)
    assert score["std"] == pytest.approx(np.sqrt(0.1), abs=1e-5)
    assert rows[ROW].missing == ()
    lines = words_summary.zero_shot_markdown(ZERO_SHOT, summary).splitlines()
    assert "| The sensor-text-jepa-har | all-units | 60.0 +- 31.6 (20.0 to 100.0) | 60.0 +- 31.6 (20.0 to 100.0) | 5 of 5 | 20.0 |" in lines
    assert f"| 1 | {'; '.join(ZERO_SHOT.unseen.draws[1])} | 40.0 |" in lines
    assert "computed 2026-02-01 to 2026-02-03" in "\n".join(lines)


def test_missing_folds_mark_a_row_as_incomplete(tmp_path):
    zero_shot_folds(tmp_path, draws=(0.2, 0.4))
    rows = load_words(ZERO_SHOT, [ROW, "not computed"], root=tmp_path)
    assert rows[ROW].missing == ("unseen-2", "unseen-3", "unseen-4")
    summary = summarise_zero_shot(ZERO_SHOT, rows)
    assert list(summary["rows"]) == [ROW]
    assert not summary["rows"][ROW]["complete"]
    text = words_summary.zero_shot_markdown(ZERO_SHOT, summary)
    marked = "| The sensor-text-jepa-har (incomplete: unseen-2, unseen-3, unseen-4 missing) |"
    assert f"{marked} all-units | 30.0 +- 14.1 (20.0 to 40.0) | 30.0 +- 14.1 (20.0 to 40.0) | 2 of 5 | 20.0 |" in text
    assert f"| 2 | {'; '.join(ZERO_SHOT.unseen.draws[2])} | missing |" in text
    assert "No row is complete yet." in readme.results(summary)


def test_results_of_another_version_count_as_missing_and_two_configurations_are_refused(tmp_path):
    retrieval_fold(tmp_path, ROW, 0, 0.5, 0.5)
    retrieval_fold(tmp_path, ROW, 1, 0.5, 0.5, protocol={"id": RETRIEVAL.id, "version": 0})
    assert load_words(RETRIEVAL, [ROW], root=tmp_path)[ROW].missing == ("group1", "group2", "group3")
    retrieval_fold(tmp_path, ROW, 2, 0.5, 0.5, config_sha256="b")
    with pytest.raises(ConfigError, match="mixes folds of 2 configurations"):
        load_words(RETRIEVAL, [ROW], root=tmp_path)


def test_retrieval_is_a_mean_over_people_and_each_class_over_those_who_show_it(tmp_path):
    for group, (precision, recall) in enumerate([(1.0, 1.0), (0.8, 0.0), (0.8, 0.0), (0.6, 1.0)]):
        retrieval_fold(tmp_path, ROW, group, precision, recall)
    retrieval_fold(tmp_path, "lambda-3", 0, 0.9, 0.5, exploratory=True)
    summary = summarise_retrieval(RETRIEVAL, load_words(RETRIEVAL, [ROW, "lambda-3"], root=tmp_path))
    found = summary["rows"][ROW]
    assert found["mean_average_precision"]["mean"] == 0.8
    assert found["mean_average_precision"]["subjects"] == 8
    half = interval([1, 1, 0.8, 0.8, 0.8, 0.8, 0.6, 0.6]).half_width
    assert found["mean_average_precision"]["half_width"] == pytest.approx(half, abs=1e-5)
    assert found["by_class"]["sitting"]["subjects"] == 4
    assert found["by_class"]["standing"]["subjects"] == 8
    assert {value["mean"] for recalls in found["recall"].values() for value in recalls.values()} == {0.5}
    assert summary["rows"]["lambda-3"]["complete"]  # group 0 is all that it is judged on
    text = words_summary.retrieval_markdown(RETRIEVAL, summary)
    assert "| The lambda-3 (exploratory: group 0) | 90.0 +- 0.0 |" in text
    assert "| row | query and gallery | same moment, recall@1 | same moment, recall@5 | same activity, recall@1 |" in text
    assert "| *chance* |  | 0.1 | 0.4 | 5.4 |" in text  # one and five of 1,140 windows; one activity of 19, or of 17


def test_chance_of_names():
    """Four names, three of which mean one of two classes: each class is met in the mean 3 / 8 of the time."""
    assert named_at_random(Names(("a", "b", "c", "d"), (0, 0, 1, -1)), 2) == 3 / 8


@pytest.mark.parametrize(("relevant", "count"), [(1, 1), (1, 4), (3, 5), (5, 5)])
def test_chance_of_a_ranking_is_the_mean_over_all_orders(relevant, count):
    ranks = -np.arange(count)
    orders = [np.isin(np.arange(count), places) for places in combinations(range(count), relevant)]
    assert ranked_at_random(relevant, count) == pytest.approx(np.mean([average_precision(ranks, order) for order in orders]))


def test_chance_needs_the_windows_that_the_protocol_counts():
    assert retrieval_chance(RETRIEVAL, LOSO.model_copy(update={"windows": {}})) == {}


def test_twins_are_no_part_of_the_chance_of_the_same_activity():
    """p4 and p8 share rowing and jumping: 17 activities are left to each other, 19 to everybody else."""
    expected = (6 / 19 + 2 / 17) / 8
    assert retrieval_chance(RETRIEVAL, LOSO)["same_activity_recall_at_1"] == pytest.approx(expected)


def test_the_command_writes_summary_tables_and_plots_of_published_rows(tmp_path):
    zero_shot_folds(tmp_path, draws=(0.5,))
    zero_shot_folds(tmp_path, "random-init", draws=())
    assert words.main(["har-zero-shot", "--table", "--results", str(tmp_path)]) == 0
    folder = tmp_path / "har-zero-shot"
    assert {path.name for path in folder.glob("*.svg")} == {
        f"confusion-{ROW}-motionsense-phone.svg",
        f"confusion-{ROW}-dsads-right-leg.svg",
        f"confusion-{ROW}-unseen-all-units.svg",
    }
    assert list(json.loads((folder / "summary.json").read_text())["rows"]) == [ROW, "random-init"]
    assert "## Unseen classes, draw by draw" in (folder / "summary.md").read_text()


def test_a_table_without_results_is_written_and_says_so(tmp_path):
    assert words.main(["har-retrieval", "--table", "--results", str(tmp_path)]) == 0
    assert "|" not in (tmp_path / "har-retrieval" / "summary.md").read_text()
    assert not list(tmp_path.rglob("*.svg"))


def test_the_sweep_shows_group_0_of_every_lambda_beside_the_recipe_at_the_same_length(tmp_path):
    """A row that is judged on everybody enters with p1 and p5, group 0, alone."""
    for group in range(4):
        retrieval_fold(tmp_path, SAME_LENGTH, group, 0.5 if group else 0.8, 0.5)
    retrieval_fold(tmp_path, ROW, 0, 0.99, 0.5)
    retrieval_fold(tmp_path, "lambda-0.3", 0, 0.9, 0.5, exploratory=True)
    retrieval_fold(tmp_path, "siglip", 0, 0.95, 0.5, exploratory=True)
    retrieval = summarise_retrieval(RETRIEVAL, load_words(RETRIEVAL, [ROW, SAME_LENGTH, "lambda-0.3", "siglip"], root=tmp_path))
    probe = {"rows": {SAME_LENGTH: {"tasks": [{"task": "19-class", "by_subject": {"p1": 0.9, "p5": 1.0, "p2": 0.1}}]}}}
    found = words_plots.sweep({"dsads-loso": probe, "har-retrieval": retrieval}, SAME_LENGTH, 1.0)
    assert {what: [(x, pytest.approx(y)) for x, y in points] for what, points in found.items()} == {
        "probe dsads-loso (macro-F1)": [(1.0, 95.0)],
        "text to windows (mAP)": [(0.3, 90.0), (1.0, 80.0)],
    }
    assert words.main(["har-retrieval", "--table", "--results", str(tmp_path)]) == 0
    assert (tmp_path / "har-retrieval" / "lambda-sweep.svg").exists()
    assert (tmp_path / "har-retrieval" / "average-precision.svg").exists()


def test_the_readme_shows_words_with_the_best_in_bold(tmp_path):
    zero_shot_folds(tmp_path)
    zero_shot_folds(tmp_path, "random-init", draws=(0.0,) * 5, gain=0.1)
    lines = readme.results(summarise_zero_shot(ZERO_SHOT, load_words(ZERO_SHOT, [ROW, "random-init"], root=tmp_path))).splitlines()
    assert lines[2].startswith("| balanced accuracy | motionsense, phone, closed | motionsense, phone, open | dsads, right-leg, closed |")
    half = 100 * interval([0.5, 0.7]).half_width
    assert lines[4].startswith(f"| The {ROW} | 60.0 ± {half:.1f} |")
    assert lines[4].endswith("| **60.0 ± 31.6** |")
    assert f"| **70.0 ± {half:.1f}** |" in lines[5]


def test_the_site_quotes_the_summaries_that_are_there_probes_first(tmp_path):
    for name, protocol in (("a-words", {"kind": "zero-shot"}), ("b-probe", {}), ("c-empty", None)):
        (tmp_path / name).mkdir()
        if protocol is not None:
            (tmp_path / name / "summary.json").write_text(json.dumps({"protocol": protocol}))
    assert [folder.name for folder in readme.protocols(tmp_path)] == ["b-probe", "a-words"]
    assert readme.quoted([readme.RESULTS / "dsads-loso"]) == '--8<-- "benchmarks/results/dsads-loso/summary.md"'


def test_the_card_names_every_figure_at_which_another_row_is_ahead(tmp_path):
    zero_shot_folds(tmp_path)
    zero_shot_folds(tmp_path, "random-init", draws=(1.0,) * 5, gain=-0.1)
    summary = summarise_zero_shot(ZERO_SHOT, load_words(ZERO_SHOT, [ROW, "random-init"], root=tmp_path))
    told = words_card.note(summary, ROW).splitlines()
    assert told[0] == "Where another row has the higher mean:"
    assert told[2:] == [
        "- Classes of DSADS that training held out, unseen classes, all-units: The random-init 100.0 +- 0.0 (100.0 to 100.0); "
        "ours 60.0 +- 31.6 (20.0 to 100.0)."
    ]
    equal = {**summary, "rows": {ROW: summary["rows"][ROW], "random-init": summary["rows"][ROW]}}
    assert words_card.note(equal, ROW) == f"No other row (The {ROW}) has a higher mean in any figure."


def test_the_card_shows_chance_and_its_metrics_carry_intervals(tmp_path):
    for group in range(4):
        retrieval_fold(tmp_path, ROW, group, 0.9, 1.0)
    summary = summarise_retrieval(RETRIEVAL, load_words(RETRIEVAL, [ROW], root=tmp_path))
    (table,) = words_card.tables(summary)
    assert table.rows[0][:3] == (f"The {ROW}", "90.0 +- 0.0", "100.0 +- 0.0")
    assert table.rows[-1][0] == "*chance*"
    assert table.rows[-1][2:5] == ("0.1", "0.4", "5.4")
    first, second, *_ = words_card.measured(summary, ROW, {"dsads-loso": "dsads"})
    assert (first.task, first.metric, first.value, first.low, first.high) == ("text-to-windows", "mean-average-precision", 0.9, 0.9, 0.9)
    assert second.label == "har-retrieval same-moment (arm-to-leg)"


def test_metrics_of_zero_shot_name_target_input_and_set(tmp_path):
    zero_shot_folds(tmp_path)
    summary = summarise_zero_shot(ZERO_SHOT, load_words(ZERO_SHOT, [ROW], root=tmp_path))
    found = words_card.measured(summary, ROW, {"motionsense": "motionsense", "dsads": "dsads"})
    assert (found[0].dataset, found[0].setting, found[0].value) == ("motionsense", "phone, closed set", 0.6)
    assert (found[-1].setting, found[-1].value, found[-1].low) == ("all-units, mean of 5 draws", 0.6, None)


def probed(protocol: str, task: str, peer: float) -> dict[str, Any]:
    """A leave-out protocol's summary with a peer and ours, whose macro-F1 is 0.9 +- 0.02."""

    def row(kind: str, title: str, mean: float) -> dict[str, Any]:
        score = {"mean": mean, "half_width": 0.02}
        entry = {"setting": "inductive", "task": task, "macro_f1": score}
        return {"kind": kind, "title": title, "exploratory": False, "complete": True, "date": "2026-02-01", "tasks": [entry]}

    rows = {"peer": row("peer", "A simple peer", peer), ROW: row("model", "Ours", 0.9)}
    return {"protocol": {"id": protocol}, "rows": rows}


def test_the_card_of_several_protocols_says_of_each_where_something_simpler_wins(tmp_path):
    zero_shot_folds(tmp_path)
    for group in range(4):
        retrieval_fold(tmp_path, ROW, group, 0.9, 1.0)
        retrieval_fold(tmp_path, "random-init", group, 0.95, 0.5)
    summaries = [
        probed("dsads-loso", "19-class", 0.95),
        probed("motionsense-6fold", "6-class", 0.5),
        summarise_zero_shot(ZERO_SHOT, load_words(ZERO_SHOT, [ROW], root=tmp_path)),
        summarise_retrieval(RETRIEVAL, load_words(RETRIEVAL, [ROW, "random-init"], root=tmp_path)),
    ]
    told = card.sections(summaries, ROW)
    notes = re.split(r"\*\*(?:DSADS|MotionSense|Naming without having seen the data set|Searching)\.\*\*", told.results_note)
    _, dsads, motionsense, named, found = notes
    assert "- 19-class, inductive: A simple peer 95.0 +- 2.0; ours 90.0 +- 2.0." in dsads
    assert "No peer has a higher mean macro-F1" in motionsense
    assert "No other row was judged" in named
    assert "text to windows, mAP: The random-init 95.0 +- 0.0; ours 90.0 +- 0.0." in found
    assert [table.title for table in told.results][:2] == ["DSADS, inductive", "MotionSense, inductive"]
    metrics = card.all_measured(summaries, ROW)
    assert metrics.headline is not None
    assert metrics.headline.label == "dsads-loso 19-class (inductive)"
    assert {result.protocol for result in metrics.results} == {"dsads-loso", "motionsense-6fold", "har-zero-shot", "har-retrieval"}


def test_a_card_is_not_written_before_its_figures_are_complete(tmp_path, monkeypatch):
    monkeypatch.setattr(card, "RESULTS", tmp_path)
    with pytest.raises(ConfigError, match="has no complete row 'sensor-text-jepa-har'"):
        card.summaries_of(ROW)


def test_the_prose_holds_no_figure_that_results_should_give():
    """Percentages and points come from summaries; prose counts people, activities and sizes only."""
    prose = PROSE[ROW]
    text = " ".join((prose.what, prose.differs, prose.data, prose.limits))
    assert not re.search(r"\d\s*(%|percent|points)|macro-F1 (of|is|above) ", text)
