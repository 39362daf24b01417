"""Fake installed distributions: a folder on sys.path with a module and its .dist-info."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sslts import registry


class Installer:
    """Installs distributions into one folder for the time of a test."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self._monkeypatch = monkeypatch
        monkeypatch.syspath_prepend(str(root))

    def install(self, name: str, entry_points: str, code: str = "", *, version: str = "1.0") -> None:
        """A distribution with these entry points, whose module (its name with underscores) holds this code."""
        module = name.replace("-", "_")
        info = self.root / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)
        (self.root / f"{module}.py").write_text(code)
        self._monkeypatch.delitem(sys.modules, module, raising=False)
        registry.refresh()
