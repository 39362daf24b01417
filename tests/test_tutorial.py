"""The page on plugins, followed literally: its commands, in an environment of their own, one after another."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "plugins"), str(ROOT / "tests" / "hub")]
import git_hub  # noqa: E402 - after the path
from check import clean, environment  # noqa: E402 - after the path

#: It installs packages and trains, which takes minutes: `make plugins` runs it.
pytestmark = pytest.mark.slow

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOKEN = "hf_writerwriterwriter"


def blocks(page: str, language: str) -> list[str]:
    """The page's blocks of a language, in order."""
    return [code for found, code in FENCE.findall((ROOT / "docs" / page).read_text(encoding="utf-8")) if found == language]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an environment that has sslts and nothing of the plugin."""
    folder = tmp_path_factory.mktemp("tutorial")
    equipped(folder)
    return folder


def equipped(folder: Path) -> None:
    """An environment with the command that a pip install of sslts would have put there."""
    environment(folder / "env")
    command = folder / "env" / "bin" / "sslts"
    command.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m sslts "$@"\n')
    command.chmod(0o755)


@pytest.fixture(scope="module")
def followed(place: Path) -> str:
    """What the page's commands printed."""
    return shell(place, "\n".join(blocks("plugins.md", "bash")))


@pytest.fixture
def hub() -> Iterator[git_hub.GitHub]:
    with git_hub.running() as made:
        made.tokens[TOKEN] = ("your-name", True)
        yield made


def shell(place: Path, script: str, **variables: str) -> str:
    """Run a script as a reader would, in the environment of `place`."""
    path = os.pathsep.join([str(place / "env" / "bin"), os.environ["PATH"]])
    env = {**clean(), "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
    done = subprocess.run(["bash", "-euc", script], cwd=place, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_encoder_is_listed_works_and_is_in_a_trained_model(followed):
    lines = [line.split() for line in followed.splitlines()]
    assert ["encoder", "acme.spectrum", "sslts-acme", "0.1.0"] in lines
    assert ["sslts-acme", "0.1.0", "encoder", "acme.spectrum", "ok"] in lines
    assert re.search(r"\d+ passed", followed)
    assert re.search(r"^model +acme\.first$", followed, re.MULTILINE)


@pytest.mark.usefixtures("followed")
def test_the_model_is_published_and_loaded_elsewhere_by_its_pin_once_the_plugin_is_there(place, hub, tmp_path_factory):
    """The page on publishing, with a Hub on loopback; then on a machine where the plugin is missing first."""
    variables = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
    (own,) = [code for code in blocks("publishing.md", "python") if "render_card" in code]
    (place / "write.py").write_text(own)
    (publish,) = blocks("publishing.md", "bash")
    told = shell(place, f"python write.py\n{publish}", HF_HOME=str(place / "hf"), **variables)
    pin = re.findall(r"hf:your-name/acme-first@[0-9a-f]{40}", told)[0]

    elsewhere = tmp_path_factory.mktemp("elsewhere")
    equipped(elsewhere)
    variables |= {"HF_HOME": str(elsewhere / "hf")}
    load = f"python -c \"import sslts; print(sslts.load('{pin}').summary())\""
    refused = shell(elsewhere, f"{load} 2>&1 || true", **variables)
    assert "needs sslts-acme >=0.1.0 (not installed)" in refused
    assert "pip install 'sslts-acme>=0.1.0'" in refused
    shell(elsewhere, f"pip install --quiet --no-build-isolation {place / 'sslts-acme'} || pip install --quiet {place / 'sslts-acme'}")
    assert "acme.spectrum (trained)" in shell(elsewhere, load, **variables)
    (by_name,) = [code for code in blocks("publishing.md", "python") if "acme.first" in code]
    (elsewhere / "load.py").write_text(f"import sslts\n{by_name}print(model.folder)\n")
    assert pin.partition("@")[2] in shell(elsewhere, "python load.py", HF_HUB_OFFLINE="1", **variables)
