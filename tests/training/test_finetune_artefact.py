"""`sslts finetune` from invented clips: what the artefact says of itself, and what it must not have read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny_har import utd_clip
from tiny_mae import tiny_recipe

from sslts.data.readers.utd_actions import ACTIONS
from sslts.errors import ConfigError, LeakageError
from sslts.model import from_folder
from sslts.training.finetune import finetune
from sslts.training.recipe import Recipe
from sslts.training.run import run_recipe

VALIDATION, NOVEL = list(ACTIONS[4:6]), list(ACTIONS[6:7])


def recipe(*, tuning: Mapping[str, Any] = MappingProxyType({}), **data: Any) -> Recipe:
    told = tiny_recipe().model_dump(mode="json")
    told |= {"epochs": 1, "batch_size": 8, "prepare_windows": 16}
    told["data"] |= {"exclude_labels": [*VALIDATION, *NOVEL]} | data
    told["finetune"] |= {"validation_labels": VALIDATION, "ways": 2, "steps": 0, "check_episodes": 10} | dict(tuning)
    return Recipe.model_validate(told)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("utd")
    for action in range(1, 8):
        for person in (1, 2):
            for trial in (1, 2):
                utd_clip(home, action=action, person=person, trial=trial, size=(96, 96))
    return home


@pytest.fixture(scope="module")
def pretrained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("stage1")
    run_recipe(recipe(), root=root, out=out, store=out / "windows", progress=False)
    return out


def test_the_artefact_says_which_classes_it_has_not_read_and_stage_2_keeps_that(root, pretrained, tmp_path):
    assert from_folder(pretrained / "artefact").config.provenance.excluded_labels == (*VALIDATION, *NOVEL)
    tuned = finetune(recipe(), root=root, start=pretrained / "artefact", out=tmp_path, store=pretrained / "windows", progress=False)
    assert tuned.model.config.provenance.excluded_labels == (*VALIDATION, *NOVEL)
    assert {"fusion", "metric"} <= set(tuned.model.config.trained_parts)
    assert from_folder(tuned.folder).embed_dim == tuned.model.embed_dim


def test_a_head_of_an_earlier_run_is_not_left_beside_a_model_that_it_was_not_trained_with(root, pretrained, tmp_path):
    told = {"root": root, "start": pretrained / "artefact", "out": tmp_path, "store": pretrained / "windows", "progress": False}
    trained = finetune(recipe(tuning={"steps": 1, "head": {"name": "relation", "options": {"hidden": 8}}}), **told)
    assert trained.head is not None
    assert (trained.head / "head.json").exists()
    assert finetune(recipe(), **told).head is None
    assert not (tmp_path / "head").exists()


def test_an_artefact_that_has_read_what_the_recipe_leaves_out_is_refused(root, pretrained, tmp_path):
    stricter = recipe(exclude_labels=[*VALIDATION, *NOVEL, ACTIONS[0]])
    with pytest.raises(LeakageError, match=f"may have read clips of {ACTIONS[0]}.*Pretrain with this recipe"):
        finetune(stricter, root=root, start=pretrained / "artefact", out=tmp_path, store=pretrained / "windows", progress=False)
    assert not (tmp_path / "artefact").exists()


def test_a_recipe_that_would_pretrain_on_its_validation_classes_is_refused_before_anything_runs():
    with pytest.raises(
        ValueError, match=f"{ACTIONS[5]} of finetune.validation_labels would be pretrained on; add them to data.exclude_labels"
    ):
        recipe(exclude_labels=[ACTIONS[4], *NOVEL])


def test_statistics_of_recordings_would_read_excluded_windows(root, tmp_path):
    told = recipe().model_dump(mode="json") | {"preprocessing": {"normalise": "artefact"}}
    with pytest.raises(ConfigError, match="leaves labels out, but normalises by statistics"):
        run_recipe(Recipe.model_validate(told), root=root, out=tmp_path, progress=False)


def test_fixed_encoders_take_no_part_in_training(root, pretrained, tmp_path):
    """Weights are the same with and without a fixed view beside them, so that a view can be added to a model that was trained."""
    told = recipe().model_dump(mode="json")
    told["components"]["unimodal.depth"] = {"name": "motion-profiles", "options": {"embed_dim": 12}}
    run_recipe(Recipe.model_validate(told), root=root, out=tmp_path, store=pretrained / "windows", progress=False)
    plain, beside = (load_file(folder / "artefact" / "model.safetensors") for folder in (pretrained, tmp_path))
    assert {name.split(".")[0] for name in set(beside) - set(plain)} == {"unimodal"}
    assert all(torch.equal(values, beside[name]) for name, values in plain.items())
