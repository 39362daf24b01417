"""What plugins cost is what was measured, and within what is promised; the page quotes it."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.results import ROOT

TOLD = json.loads((ROOT / "speed_plugins.json").read_text())
PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


def test_two_hundred_plugins_cost_little() -> None:
    assert TOLD["plugins"] == 200
    assert TOLD["import_ms"]["installed"] - TOLD["import_ms"]["none"] < 50
    assert TOLD["list_ms"]["installed"] < 200


def test_the_page_quotes_it() -> None:
    importing, listing = (round(TOLD[what]["installed"] - TOLD[what]["none"]) for what in ("import_ms", "list_ms"))
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"`import sslts` takes {importing} ms longer" in text
    assert f"the first listing of a kind {listing} ms longer" in text
