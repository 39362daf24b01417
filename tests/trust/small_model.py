"""A folder with a small trained-looking model, a card and figures, for the scorecard."""

from __future__ import annotations

from pathlib import Path

from tiny_e4 import tiny_model

from sslts.data import specs
from sslts.hub.card import Sections, render_card
from sslts.hub.metrics import Metrics, Result

METRICS = Metrics(results=(Result(protocol="made-up", task="stress", dataset="made-up", metric="macro-f1", value=0.9, date="2026-01-31"),))


def write(folder: Path) -> Path:
    """The folder, ready to be published."""
    model = tiny_model(specs.empatica_e4(window_s=10, stride_s=5))
    prose = {name: f"What there is to say about the {name} of this model, which is for tests." for name in ("limits", "how_to_cite")}
    sections = Sections(what_it_is="A model for tests.", differs_from_paper="Nothing.", data_and_licence="Made up.", **prose)
    return model.save(folder, card=render_card(model.config, METRICS, sections), metrics=METRICS.model_dump(mode="json"))
