"""What hiding saves and what episodes take is what was measured; the page quotes it."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.results import ROOT

TOLD = json.loads((ROOT / "speed-clips.json").read_text())
PAGE = Path(__file__).parents[2] / "docs" / "methods" / "mu-mae.md"


def test_hidden_tokens_cost_the_encoder_little() -> None:
    assert TOLD["step"]["hidden"] == 0.9
    assert TOLD["step"]["encoder_ratio"] > TOLD["step"]["step_ratio"] > 1


def test_ten_thousand_episodes_take_less_than_half_a_minute() -> None:
    assert TOLD["episodes"]["episodes"] == 10_000
    assert TOLD["episodes"]["seconds"] < 30


def test_the_page_quotes_it() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    step = TOLD["step"]
    assert (
        f"a step of pretraining is {step['step_ratio']:.1f} times as fast as with none, the encoder alone {step['encoder_ratio']:.1f} times"
        in text
    )
    assert f"Ten thousand episodes take {TOLD['episodes']['seconds']:.1f} s" in text
