"""The pretrained models of this plugin, as `sslts publish --catalogue` writes them down: commit and hashes of each."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def entries() -> list[dict[str, Any]]:
    """What `sslts list` and `sslts.load` know of them; their names start with "example."."""
    told: list[dict[str, Any]] = json.loads((files(__package__) / "catalogue.json").read_text(encoding="utf-8"))
    return told
