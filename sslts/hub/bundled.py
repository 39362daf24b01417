"""Where the models that travel with sslts lie, and which version of sslts this is."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent


def bundled_root(package: Path = PACKAGE) -> Path | None:
    """The folder that holds one folder a bundled model, or None.

    A wheel carries it as `sslts/_model_cards`; in a checkout it is `model_cards` beside the package. Never both.
    """
    carried = package / "_model_cards"
    if carried.is_dir():
        return carried
    beside = package.parent / "model_cards"
    return beside if checkout(package) and beside.is_dir() else None


def bundled_folders(package: Path = PACKAGE) -> dict[str, Path]:
    """Model name -> folder, sorted by name."""
    root = bundled_root(package)
    found = sorted(root.iterdir()) if root is not None else []
    return {folder.name: folder for folder in found if (folder / "config.json").is_file()}


def checkout(package: Path = PACKAGE) -> dict[str, Any] | None:
    """The `[project]` table of the pyproject.toml beside the package if it is sslts's own, else None."""
    try:
        table = tomllib.loads((package.parent / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    return table if isinstance(table, dict) and table.get("name") == "sslts" else None


def sslts_version() -> str:
    """The version of the code that runs: a checkout's own, else the installed distribution's."""
    table = checkout()
    return str(table["version"]) if table and "version" in table else metadata.version("sslts")
