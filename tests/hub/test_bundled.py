"""Where bundled models are looked for: in the wheel's package, else beside a checkout that is sslts's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sslts.hub.bundled import bundled_folders, bundled_root, checkout


def model(root: Path, name: str) -> Path:
    (root / name).mkdir(parents=True)
    (root / name / "config.json").write_text("{}")
    return root / name


def project(root: Path, text: str = '[project]\nname = "sslts"\nversion = "9.9"\n') -> Path:
    (root / "pyproject.toml").write_text(text)
    (root / "sslts").mkdir()
    return root / "sslts"


def test_a_wheel_carries_its_models_inside_the_package(tmp_path):
    folder = model(tmp_path / "sslts" / "_model_cards", "tiny")
    assert bundled_folders(tmp_path / "sslts") == {"tiny": folder}


def test_a_checkout_has_them_beside_the_package(tmp_path):
    package = project(tmp_path)
    folder = model(tmp_path / "model_cards", "tiny")
    assert bundled_folders(package) == {"tiny": folder}


def test_the_two_places_are_never_merged(tmp_path):
    package = project(tmp_path)
    model(tmp_path / "model_cards", "beside")
    inside = model(package / "_model_cards", "inside")
    assert bundled_folders(package) == {"inside": inside}


@pytest.mark.parametrize("text", ['[project]\nname = "other"\n', "[tool.x]\n", "project = 3\n", "not toml", ""])
def test_the_folder_of_another_project_is_not_taken(tmp_path, text):
    package = project(tmp_path, text)
    model(tmp_path / "model_cards", "stranger")
    assert checkout(package) is None
    assert bundled_root(package) is None
    assert bundled_folders(package) == {}


def test_folders_without_config_are_not_models(tmp_path):
    package = project(tmp_path)
    (tmp_path / "model_cards" / "draft").mkdir(parents=True)
    (tmp_path / "model_cards" / "README.md").write_text("")
    assert bundled_folders(package) == {}
