"""What travels in the wheel, and what the package says of itself."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import sslts
from sslts.data import readers, samples
from sslts.errors import UnknownNameError

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_stands_in_both_places() -> None:
    assert PROJECT["version"] == sslts.__version__


def test_no_dependency_has_an_upper_cap() -> None:
    # mkdocs 2 drops plugins, so the documentation's tools are held below it; nothing that users install is.
    extras = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name != "docs"}
    capped = [
        line for line in [*PROJECT["dependencies"], *(line for lines in extras.values() for line in lines)] if "<" in line or "==" in line
    ]
    assert capped == []


@pytest.mark.parametrize("name", samples.names())
def test_a_bundled_sample_reads_and_carries_its_notice(name: str) -> None:
    sample = samples.get(name)
    assert sample.path.stat().st_size < 1_500_000
    assert "Permission is hereby granted" in sample.notice or "public domain dataset" in sample.notice
    assert "doi:" in sample.notice


def test_the_bundled_recording_is_whole() -> None:
    recording = readers.empatica_e4(samples.path("e4_stress_predict_s01"))
    assert {name: len(stream) for name, stream in recording.streams.items()} == {
        "acc": 104_310,
        "bvp": 208_703,
        "eda": 13_032,
        "temp": 13_056,
    }
    assert len(recording.events_s) == 10


def test_an_unknown_sample_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'e4_stress_predict_s01'"):
        samples.path("e4_stress_predict_s02")


@pytest.mark.slow
def test_the_wheel_carries_models_samples_templates_and_protocols(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        "sslts/py.typed",
        "sslts/report/assets/page.html",
        "sslts/report/assets/moments.js",
        "sslts/evaluate/protocols/wesad-loso.json",
        "sslts/data/samples/e4_stress_predict_s01/S01.zip",
        "sslts/data/samples/e4_stress_predict_s01/README.txt",
        "sslts/data/samples/motionsense_sub_24/sub_24.zip",
        "sslts/data/samples/motionsense_sub_24/README.txt",
        "sslts/data/samples/utd_mhad_ten_clips/clips.zip",
        "sslts/data/samples/utd_mhad_ten_clips/README.txt",
        "sslts/text/static.json",
        "sslts/text/static.safetensors",
        "sslts/hub/catalogue.json",
        "sslts/_model_cards/README.md",
        *(f"sslts/_{path.relative_to(ROOT)}" for path in (ROOT / "model_cards").rglob("*") if path.is_file()),
    }
    assert expected <= held
    assert not [name for name in held if name.startswith(("tests/", "benchmarks/", "docs/")) or "__pycache__" in name]
