"""The command group: help, version, exit codes, errors in one line."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

import sslts
from sslts.cli import app
from sslts.errors import ConfigError, TrainingInterrupted

run = CliRunner()


def test_version_is_the_packages() -> None:
    result = run.invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.strip()) == (0, f"sslts {sslts.__version__}")


@pytest.mark.parametrize("command", ["list", "info", "encode", "classify", "search", "train", "evaluate", "demo"])
def test_every_command_explains_itself(command: str) -> None:
    result = run.invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"Usage: sslts {command}" in result.stdout or f"Usage: root {command}" in result.stdout


@pytest.mark.parametrize(
    "arguments", [["encode"], ["list", "--no-such-option"], ["no-such-command"], ["encode", "m", "x", "--stride-s", "a"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert run.invoke(app, arguments).exit_code == 2


def test_a_typed_error_is_one_line_on_stderr_and_ends_with_1() -> None:
    result = run.invoke(app, ["info", "crosl-wesad-of-nobody"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("sslts: No pretrained model is named 'crosl-wesad-of-nobody'.")
    assert result.stderr.count("\n") == 1


def test_debug_shows_the_traceback_as_well() -> None:
    result = run.invoke(app, ["--debug", "info", "nobodys-model"])
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.rstrip().splitlines()[-1].startswith("sslts: No pretrained model")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (KeyboardInterrupt(), 130),
        (TrainingInterrupted("Stopped at step 7; the state is saved."), 130),
        (ConfigError("two\nlines \x1b[31mand a colour"), 1),
        (PermissionError(13, "Permission denied", "out.npz"), 1),
    ],
)
def test_what_a_command_raises_decides_the_exit_code(monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr("sslts.hub.catalogue.list_models", fail)
    result = run.invoke(app, ["list"])
    assert result.exit_code == code
    assert result.stderr.count("\n") == 1
    assert "\x1b" not in result.stderr


def test_list_imports_neither_torch_nor_the_hub_client() -> None:
    program = (
        "import sys; from sslts.cli import app; app(['list'], standalone_mode=False); "
        "sys.exit(', '.join({'torch', 'scipy', 'huggingface_hub', 'jinja2'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_module_and_command_are_the_same() -> None:
    done = subprocess.run([sys.executable, "-m", "sslts", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"sslts {sslts.__version__}"
