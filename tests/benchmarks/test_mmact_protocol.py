"""MMAct's protocol from files in the official layout to figures, with an invented data set and the paper's recipe at small widths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_mmact import clip

from benchmarks import one_shot, one_shot_summary
from benchmarks.rows import one_shot as ours
from benchmarks.rows import one_shot_base, one_shot_peers
from sslts.config import parse
from sslts.evaluate.one_shot import OneShotProtocol, load_one_shot
from sslts.training.recipe import Recipe, load_recipe
from sslts.training.run import find_recipe

NOVEL, VALIDATION, BASE = ("carrying", "pointing"), ("opening", "running"), ("closing", "fall", "jumping", "standing")
SIDE = 32


@pytest.fixture
def protocol() -> OneShotProtocol:
    told = load_one_shot("mmact-one-shot").model_dump(mode="json")
    folds = [{"novel": NOVEL, "validation": VALIDATION, "base": BASE}]
    made: OneShotProtocol = parse(OneShotProtocol, told | {"folds": folds, "ways": 2, "shots": [1], "episodes": 20}, "tiny")
    return made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for action in (*NOVEL, *VALIDATION, *BASE):
        for person in (1, 2):
            for session in (1, 2):
                clip(root / "MMAct", person=person, session=session, action=action, seconds=1.0)
    return root


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    told = load_recipe(find_recipe("mu-mae-paper-small")).model_dump(mode="json")
    told["data"] |= {"options": {"frame": (SIDE, SIDE)}, "exclude_labels": [*NOVEL, *VALIDATION]}
    told["spec"]["modalities"][0]["frame"] = (SIDE, SIDE)
    for role, part in told["components"].items():
        if role.startswith("encoders."):
            part["options"] |= {"embed_dim": 12, "heads": 2}
    told["components"]["encoders.video"]["options"] |= {"height": SIDE, "width": SIDE}
    told["components"]["maskers.video"]["options"] = {"ratio": 0.5}
    told["components"]["encoder"]["options"] = {"depth": 1, "heads": 2}
    told["components"]["decoder"]["options"] = {"dim": 8, "depth": 1, "heads": 2}
    told["components"]["fusion"]["options"] = {"heads": 2}
    told |= {"epochs": 1, "batch_size": 8, "prepare_windows": 16}
    tuning = {"validation_labels": VALIDATION, "ways": 2, "steps": 2, "check_every": 1, "check_episodes": 10, "batch_size": 8}
    told["finetune"] = (told["finetune"] or {}) | tuning
    made = Recipe.model_validate(told)
    for module in (one_shot_base, ours, one_shot_peers):
        monkeypatch.setattr(module, "recipe_of", lambda protocol: made)
    return made


@pytest.mark.usefixtures("small")
def test_videos_and_sensors_become_figures_of_every_input(protocol: OneShotProtocol, data: Path, tmp_path: Path) -> None:
    bench = one_shot.Bench(data, tmp_path / "work", tmp_path / "results", resume=True)
    rows = {row.name: row for row in ours.rows(protocol)}
    wanted = ("mu-mae-paper-small", "samples-cosine")
    for name in wanted:
        bench.judge(protocol, rows[name], 0)
    found: dict[str, Any] = json.loads((tmp_path / "results" / protocol.id / wanted[0] / "fold0.json").read_text())
    assert {"all", "video", "sensors", "all, video missing"} <= set(found["inputs"])
    assert all(0 <= each["1"]["mean"] <= 1 for each in found["inputs"].values())
    one_shot_summary.write(protocol, wanted, root=tmp_path / "results")
    text = (tmp_path / "results" / protocol.id / "summary.md").read_text()
    assert "Mu-MAE (Liu and Liu 2024), 5-way 1-shot, no other data | 80.17" in text
