"""Results files resume, and the tables show what they hold."""

import json
import shutil
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
from benchmarks import loso, summary
from benchmarks.figures import best_peer, load_results, summarise
from benchmarks.results import dump, fold_path
from benchmarks.rows import all_rows, find_rows
from benchmarks.rows.base import FeatureRow, Parts
from sslts.errors import ConfigError, UnknownNameError
from sslts.evaluate.protocol import load_protocol


@dataclass(frozen=True)
class Nearest:
    """Nearest class mean: quick, so that the test is."""

    classes: np.ndarray
    means: np.ndarray
    chosen: float | None = None

    def predict(self, values):
        return self.classes[((np.nan_to_num(values)[:, None] - self.means) ** 2).sum(-1).argmin(1)]


def fit_nearest(values, labels, subjects):
    classes = np.unique(labels)
    return Nearest(classes, np.stack([np.nan_to_num(values[labels == c]).mean(0) for c in classes]))


@dataclass(frozen=True)
class Toy(FeatureRow):
    """Features that tell all classes apart, as well as `noise` allows."""

    noise: float = 0.1
    kind = "peer"

    def config(self):
        return {"noise": self.noise}

    def compute(self, protocol, group, grid, present):
        values = np.repeat(np.eye(4)[grid.classes], 2, axis=1) + self.noise * np.random.default_rng(0).normal(size=(len(grid), 8))
        return np.where(np.repeat(present, 4, axis=1), values, np.nan)


@dataclass(frozen=True)
class Model(Toy):
    """The same as a model."""

    kind = "model"


class Grid(SimpleNamespace):
    def __len__(self):
        return len(self.subjects)


@pytest.fixture(scope="module")
def protocol():
    """The real protocol with few windows, so that the test is quick."""
    real = load_protocol("wesad-loso")
    return real.model_copy(update={"windows": {}})


@pytest.fixture(scope="module")
def grid(protocol):
    subjects = tuple(subject for subject in protocol.subjects for _ in range(12))
    return Grid(subjects=subjects, classes=np.tile(np.repeat(np.arange(4), 3), 15), modalities=("acc", "eda"))


def row(work, cls=Toy, name="toy", noise=0.1, **parts):
    return cls(name, f"The {name}", parts=Parts(label_fractions=("inductive",), **parts), noise=noise, work=work, classifier=fit_nearest)


@pytest.fixture(scope="module")
def computed(tmp_path_factory, protocol, grid):
    root = tmp_path_factory.mktemp("results")
    work = tmp_path_factory.mktemp("work")
    loso.compute_row(protocol, row(work, missing=("inductive",), own_probes=("inductive",)), grid, resume=False, root=root)
    loso.compute_row(protocol, row(work, Model, "worse", noise=0.6), grid, resume=False, root=root)
    return root, work


def test_one_file_a_fold_holds_what_recomputes_the_figures(computed, protocol, grid):
    root, _ = computed
    stored = json.loads(fold_path(protocol.id, "toy", "S7", root=root).read_text())
    assert stored["features_made_from"] == list(protocol.groups[0].train)
    assert "S7" not in stored["features_made_from"]
    entry = stored["tasks"][0]
    assert np.sum(entry["confusion"]) == len(entry["predicted"]) == 12
    assert len(stored["missing"]) == len(stored["own_probes"]) == 3
    assert len(stored["label_fractions"]) == 26


def test_resume_keeps_finished_folds_and_recomputes_changed_ones(computed, protocol, grid):
    root, work = computed
    same = row(work, missing=("inductive",), own_probes=("inductive",))
    assert loso.compute_row(protocol, same, grid, resume=True, root=root) == 0
    path = fold_path(protocol.id, "toy", "S2", root=root)
    before = path.read_text()
    path.unlink()
    assert loso.compute_row(protocol, same, grid, resume=True, root=root) == len(loso.PARTS)
    assert json.loads(path.read_text())["tasks"] == json.loads(before)["tasks"]


def test_parts_are_added_to_what_is_there(tmp_path, protocol, grid):
    mine = row(tmp_path / "work", groups=(0,))
    assert loso.compute_row(protocol, mine, grid, resume=True, parts=["tasks"], root=tmp_path, groups=[]) == 0
    assert loso.compute_row(protocol, mine, grid, resume=True, parts=["tasks"], root=tmp_path) == 3
    path = fold_path(protocol.id, "toy", "S2", root=tmp_path)
    tasks = json.loads(path.read_text())["tasks"]
    assert "label_fractions" not in json.loads(path.read_text())
    assert loso.compute_row(protocol, mine, grid, resume=True, root=tmp_path) == 9
    assert json.loads(path.read_text())["tasks"] == tasks
    assert len(json.loads(path.read_text())["label_fractions"]) == 26


def test_another_configuration_has_another_digest(tmp_path, protocol):
    digests = {row(tmp_path, noise=noise).digest(protocol) for noise in (0.1, 0.2)}
    assert len(digests) == 2


def test_tables_name_protocol_interval_date_and_labels(computed, protocol):
    root, _ = computed
    summary.write(protocol, ["toy", "worse", "absent"], root=root)
    text = (root / protocol.id / "summary.md").read_text()
    assert "`wesad-loso` version 1" in text
    assert "95 % t-interval" in text
    assert "| The worse |" in text
    assert "## Missing modalities" in text
    assert "Ablations" not in text
    assert (root / protocol.id / "label-efficiency.svg").stat().st_size < 200_000


def test_the_summary_compares_with_the_best_peer_subject_by_subject(computed, protocol):
    root, _ = computed
    figures = summarise(protocol, load_results(protocol, ["toy", "worse"], root=root))
    entry = next(e for e in figures["rows"]["worse"]["tasks"] if (e["setting"], e["task"]) == ("inductive", "4-class"))
    mine = np.array(list(entry["by_subject"].values()))
    theirs = next(e for e in figures["rows"]["toy"]["tasks"] if (e["setting"], e["task"]) == ("inductive", "4-class"))["by_subject"]
    assert entry["against_best_peer"]["peer"] == "toy"
    assert entry["against_best_peer"]["difference"]["mean"] == pytest.approx(np.mean(mine - np.array(list(theirs.values()))), abs=2e-4)


def test_folds_of_two_configurations_are_not_averaged(computed, protocol, tmp_path):
    root, _ = computed
    shutil.copytree(root / protocol.id / "toy", tmp_path / protocol.id / "toy")
    path = fold_path(protocol.id, "toy", "S2", root=tmp_path)
    path.write_text(path.read_text().replace(json.loads(path.read_text())["config_sha256"], "0" * 64))
    with pytest.raises(ConfigError, match="mixes folds of 2 configurations"):
        load_results(protocol, ["toy"], root=tmp_path)


def test_a_peer_judged_on_few_subjects_is_not_the_best_and_half_a_fold_is_left_out(computed, protocol, tmp_path):
    root, _ = computed
    for row in ("toy", "worse"):
        shutil.copytree(root / protocol.id / row, tmp_path / protocol.id / row)
    few = tmp_path / protocol.id / "few"
    few.mkdir()
    for subject in ("S2", "S3"):
        told = json.loads(fold_path(protocol.id, "toy", subject, root=root).read_text())
        (few / f"{subject}.json").write_text(json.dumps({**told, "row": "few"}))
    half = fold_path(protocol.id, "toy", "S4", root=tmp_path)
    told = json.loads(half.read_text())
    half.write_text(json.dumps({**told, "missing": told["missing"][:1]}))
    rows = load_results(protocol, ["few", "toy", "worse"], root=tmp_path)
    assert best_peer(rows, "inductive", "4-class") == "toy"
    (missing,) = summarise(protocol, rows)["rows"]["toy"]["missing"]
    assert missing["full"]["subjects"] == len(protocol.subjects) - 1


def test_json_keeps_numbers_on_one_line_and_round_trips():
    content = {"a": list(range(100)), "b": [{"c": [1, 2]}, {"d": "x" * 200}], "e": {}}
    text = dump(content)
    assert json.loads(text) == content
    assert len(text.splitlines()) == 10


@dataclass(frozen=True)
class Activities(Toy):
    """Features that tell all 19 activities apart."""

    def compute(self, protocol, group, grid, present):
        return np.eye(19)[grid.classes] + self.noise * np.random.default_rng(0).normal(size=(len(grid), 19))


def test_a_protocol_with_one_setting_and_no_missing_modalities_has_no_such_columns(tmp_path):
    protocol = load_protocol("dsads-loso").model_copy(update={"windows": {}})
    subjects = tuple(subject for subject in protocol.subjects for _ in range(19 * 4))
    grid = Grid(subjects=subjects, classes=np.tile(np.repeat(np.arange(19), 4), 8), modalities=("acc",))
    mine = row(tmp_path / "work", Activities)
    assert loso.compute_row(protocol, mine, grid, resume=True, root=tmp_path) == 16
    assert loso.compute_row(protocol, mine, grid, resume=True, root=tmp_path) == 0
    stored = json.loads(fold_path(protocol.id, "toy", "p4", root=tmp_path).read_text())
    (task,) = stored["tasks"]
    assert task["predicted"] == "".join(4 * character for character in "0123456789abcdefghi")
    assert "missing" not in stored
    assert [entry["fraction"] for entry in stored["label_fractions"]] == [0.01] * 5 + [0.05] * 5 + [0.1] * 5 + [1.0]
    assert stored["label_fractions"][-1]["labels"] == 19 * 4 * 7 - 2 * 4  # rowing and jumping of p8 are p4's signal
    summary.write(protocol, ["toy"], root=tmp_path)
    text = (tmp_path / protocol.id / "summary.md").read_text()
    assert "| row | inductive 19-class | labels |" in text
    assert "normalised" not in text
    assert "## Missing modalities" not in text
    assert "run.py dsads-loso --table" in text
    assert (tmp_path / protocol.id / "label-efficiency.svg").exists()
    assert (tmp_path / protocol.id / "confusion-toy.svg").exists()


def test_rows_are_those_of_the_protocol():
    phone, wrist = (all_rows(load_protocol(name)) for name in ("motionsense-6fold", "wesad-loso"))
    assert list(phone)[:3] == ["handmade-lr", "handmade-extratrees", "minirocket-ridge"] == list(wrist)[:3]
    with pytest.raises(UnknownNameError, match="motionsense-6fold has no row 'crossl-wesad'"):
        find_rows(["crossl-wesad"], load_protocol("motionsense-6fold"))
    assert [row.name for row in find_rows(["peers"], load_protocol("dsads-loso"))] == list(phone)[:3]
