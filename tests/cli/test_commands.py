"""Each command on small real files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_e4 import tiny_model, write_e4
from typer.testing import CliRunner

from sslts.cli import app
from sslts.data import readers, specs
from sslts.hub import catalogue
from sslts.model import from_folder

run = CliRunner()


@pytest.fixture
def as_bundled(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model is the only bundled one."""
    monkeypatch.setattr(catalogue, "bundled_folders", lambda: {"tiny": model_folder})
    monkeypatch.setattr(catalogue, "_on_the_hub", lambda: ())


@pytest.mark.usefixtures("as_bundled")
def test_list_shows_names_that_fit_the_pattern_and_the_filters() -> None:
    assert "tiny" in run.invoke(app, ["list"]).stdout
    assert "tiny" in run.invoke(app, ["list", "t*", "--modality", "eda", "--licence", "apache*"]).stdout
    assert run.invoke(app, ["list", "crossl*"]).stdout.strip() == "no models"
    assert run.invoke(app, ["list", "--modality", "video"]).stdout.strip() == "no models"


@pytest.mark.usefixtures("as_bundled")
def test_list_as_json_is_json() -> None:
    (entry,) = json.loads(run.invoke(app, ["list", "--json"]).stdout)
    assert (entry["name"], entry["modalities"]) == ("tiny", ["acc", "bvp", "eda", "temp"])


def test_info_shows_the_input_contract_and_the_card_without_its_front_matter(model_folder: Path) -> None:
    shown = run.invoke(app, ["info", str(model_folder)]).stdout
    assert "x [g], y [g], z [g] at 32 Hz" in shown
    assert "10 s, every 5 s" in shown
    assert "A model for tests." in shown
    assert "license:" not in shown
    assert "A model for tests." not in run.invoke(app, ["info", str(model_folder), "--no-card"]).stdout


def encode(model: Path, inputs: list[Path], out: Path, *more: str) -> str:
    result = run.invoke(app, ["encode", f"dir:{model}", *map(str, inputs), "--out", str(out), *more])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_encode_writes_what_the_library_computes(model_folder: Path, e4_folder: Path, tmp_path: Path) -> None:
    expected = from_folder(model_folder).encode(readers.empatica_e4(e4_folder))
    encode(model_folder, [e4_folder], tmp_path / "z.npz")
    with np.load(tmp_path / "z.npz") as table:
        np.testing.assert_array_equal(table["values"], expected.values)
        np.testing.assert_array_equal(table["time_s"], [0, 5, 10, 15, 20, 25, 30])
        assert table["recording"].tolist() == ["S01"] * 7
        assert table["modalities"].tolist() == ["acc", "bvp", "eda", "temp"]


def test_csv_reads_back_to_the_same_numbers(model_folder: Path, e4_folder: Path, tmp_path: Path) -> None:
    encode(model_folder, [e4_folder], tmp_path / "z.npz")
    encode(model_folder, [e4_folder], tmp_path / "z.csv")
    with (tmp_path / "z.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    values = np.asarray([[np.float32(row[f"e{index}"]) for index in range(8)] for row in rows])
    with np.load(tmp_path / "z.npz") as table:
        np.testing.assert_array_equal(values, table["values"])
    assert {row["present_bvp"] for row in rows} == {"True"}


def test_parquet_holds_the_same_numbers_or_says_what_to_install(model_folder: Path, e4_folder: Path, tmp_path: Path) -> None:
    try:
        from pyarrow import parquet
    except ImportError:
        result = run.invoke(app, ["encode", f"dir:{model_folder}", str(e4_folder), "--out", str(tmp_path / "z.parquet")])
        assert result.exit_code == 1
        assert "pip install 'sslts[parquet]'" in result.stderr
        return
    encode(model_folder, [e4_folder], tmp_path / "z.parquet")
    encode(model_folder, [e4_folder], tmp_path / "z.npz")
    with np.load(tmp_path / "z.npz") as table:
        np.testing.assert_array_equal(parquet.read_table(tmp_path / "z.parquet")["e3"].to_numpy(), table["values"][:, 3])


def test_encode_takes_several_recordings_and_names_each_row(model_folder: Path, e4_folder: Path, tmp_path: Path) -> None:
    second = write_e4(tmp_path / "S02", seconds=20)
    told = encode(model_folder, [e4_folder, second], tmp_path / "z.npz")
    assert "10 windows of 2 recordings, 8 numbers each" in told
    with np.load(tmp_path / "z.npz") as table:
        assert table["recording"].tolist() == ["S01"] * 7 + ["S02"] * 3


def test_session_selects_and_an_unknown_one_is_named(model_folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "all"
    for name in ("A", "B"):
        write_e4(root / name, seconds=20)
    encode(model_folder, [root], tmp_path / "z.npz", "--session", "B")
    with np.load(tmp_path / "z.npz") as table:
        assert set(table["recording"]) == {"B"}
    result = run.invoke(app, ["encode", f"dir:{model_folder}", str(root), "--session", "C", "--out", str(tmp_path / "y.npz")])
    assert result.exit_code == 1
    assert "No session 'C'" in result.stderr


def test_reader_options_reach_the_reader(model_folder: Path, e4_folder: Path, tmp_path: Path) -> None:
    encode(model_folder, [e4_folder], tmp_path / "z.npz", "--option", "subject=anna", "--option", "allow_truncated=true")
    for option, complaint in (("colour=1", "colour: unknown key"), ("subject", "KEY=VALUE")):
        result = run.invoke(app, ["encode", f"dir:{model_folder}", str(e4_folder), "--out", str(tmp_path / "y.npz"), "--option", option])
        assert result.exit_code == 1
        assert complaint in result.stderr


def test_a_device_that_is_not_there_ends_in_one_line(model_folder: Path, e4_folder: Path, tmp_path: Path) -> None:
    commands = (
        ["encode", f"dir:{model_folder}", str(e4_folder), "--out", str(tmp_path / "z.npz")],
        ["evaluate", "wesad-loso", f"dir:{model_folder}", "--root", str(tmp_path)],
    )
    for command in commands:
        result = run.invoke(app, [*command, "--device", "cuda:99"])
        assert result.exit_code == 1
        assert result.stderr.startswith("sslts: device 'cuda:99' cannot be used (")
        assert "This machine has cpu" in result.stderr


def test_an_existing_file_is_kept_unless_told_otherwise(model_folder: Path, e4_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "z.npz"
    out.write_bytes(b"mine")
    result = run.invoke(app, ["encode", f"dir:{model_folder}", str(e4_folder), "--out", str(out)])
    assert result.exit_code == 1
    assert "--overwrite" in result.stderr
    assert out.read_bytes() == b"mine"
    encode(model_folder, [e4_folder], out, "--overwrite")
    assert out.read_bytes() != b"mine"


@pytest.mark.parametrize(("out", "complaint"), [("z.xlsx", "must end in .npz, .csv, .parquet"), ("no/such/z.npz", "no folder")])
def test_a_target_that_cannot_be_written_is_refused_first(out: str, complaint: str, tmp_path: Path) -> None:
    result = run.invoke(app, ["encode", "dir:nowhere", "nothing", "--out", str(tmp_path / out)])
    assert result.exit_code == 1
    assert complaint in result.stderr


def test_demo_writes_a_report_and_prints_a_line_for_each_modality(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "list_models", lambda *_: [])  # what it shows in words is tested beside it
    result = run.invoke(app, ["demo", "--model", f"dir:{model_folder}", "--out", str(tmp_path / "demo")])
    assert result.exit_code == 0, result.output
    report = tmp_path / "demo" / "report.html"
    assert str(report.resolve()) in result.stdout
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
    for line in ("all signals", "no acc", "no bvp", "no eda", "no temp"):
        assert f"\n{line} " in result.stdout


def test_train_passes_its_options_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from sslts.training import run as training

    told: dict[str, object] = {}

    def record(recipe: str, **options: object) -> training.Trained:
        told.update(options, recipe=recipe)
        return training.Trained(tiny_model(specs.empatica_e4(window_s=10, stride_s=5)), tmp_path / "artefact", None)

    monkeypatch.setattr(training, "run_recipe", record)
    result = run.invoke(app, ["train", "mine.yaml", "--root", "data", "--out", "runs/x", "--no-resume", "--quiet"])
    assert result.exit_code == 0, result.output
    assert told == {"recipe": "mine.yaml", "root": Path("data"), "out": Path("runs/x"), "resume": False, "progress": False}
    assert str(tmp_path / "artefact") in result.stdout


def test_train_names_a_recipe_that_is_not_there() -> None:
    result = run.invoke(app, ["train", "no-such-recipe"])
    assert result.exit_code == 1
    assert "No recipe is named 'no-such-recipe'" in result.stderr


def test_evaluate_names_an_unknown_protocol(model_folder: Path, tmp_path: Path) -> None:
    result = run.invoke(app, ["evaluate", "wesad-lozo", f"dir:{model_folder}", "--root", str(tmp_path)])
    assert result.exit_code == 1
    assert "Did you mean 'wesad-loso'?" in result.stderr
