"""A new plugin: what is written is what the example in the repository holds, and nonsense is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sslts.cli import app
from sslts.errors import ArtefactError, ConfigError
from sslts.scaffold import write_plugin

ROOT = Path(__file__).parent.parent


def files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in found}


def test_the_example_in_the_repository_is_what_the_templates_give(tmp_path: Path):
    assert files(write_plugin("example", tmp_path / "sslts-example")) == files(ROOT / "plugins" / "sslts-example")


def test_a_name_of_several_words_becomes_a_module(tmp_path: Path):
    written = files(write_plugin("my-lab", tmp_path / "plugin"))
    assert "sslts_my_lab/spectrum.py" in written
    assert '"my-lab.spectrum" = "sslts_my_lab.spectrum:Spectrum"' in written["pyproject.toml"]
    assert "example" not in " ".join(text for name, text in written.items() if name.endswith(".toml"))


def test_the_command_says_what_to_do_next(tmp_path: Path):
    result = CliRunner().invoke(app, ["new-plugin", "acme", "--folder", str(tmp_path / "acme")])
    assert result.exit_code == 0
    assert f"pip install -e '{tmp_path / 'acme'}[test]'" in result.stdout


@pytest.mark.parametrize("name", ["Acme", "acme.x", "../acme", "acme_x", "-acme", "a" * 41, ""])
def test_what_is_no_namespace_is_refused(tmp_path: Path, name: str):
    with pytest.raises(ConfigError, match="is no namespace"):
        write_plugin(name, tmp_path / "plugin")
    assert not (tmp_path / "plugin").exists()


def test_nothing_is_written_over(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ArtefactError, match=r"not empty. Choose another folder\.$"):
        write_plugin("acme", tmp_path / "mine")
    assert files(tmp_path / "mine") == {"notes.txt": "mine"}
