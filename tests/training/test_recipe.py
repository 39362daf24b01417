"""Recipes: what a YAML file may say, and what decides a run's identity."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_run import SPEC, recipe

import sslts
from sslts.config import Preprocessing
from sslts.errors import ConfigError
from sslts.training.recipe import MAX_RECIPE_BYTES, Recipe, load_recipe, parse_yaml

PLAIN = {"name": "one", "data": {"reader": "synthetic"}, "spec": SPEC, "method": {"name": "crossl"}, "batch_size": 4, "epochs": 2}

OPEN = {"modalities": {"rate_hz": 25, "units": {"accelerometer": "g"}}, "window_s": 5, "stride_s": 5}


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_written_recipe_reads_back_equal(tmp_path):
    original = recipe(components={"encoders.acc": {"name": "tcn", "options": {"filters": [4, 8]}}})
    again = load_recipe(written(tmp_path, yaml.safe_dump(original.model_dump(mode="json"))))
    assert again == original
    assert again.digest == original.digest


def test_defaults_need_only_what_has_none(tmp_path):
    loaded = load_recipe(written(tmp_path, yaml.safe_dump(PLAIN)))
    assert loaded.optimiser.schedule == "cosine"
    assert loaded.monitor.every == 1
    assert loaded.precision == "fp32"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"optimiser": {"lr": -1}}, "optimiser.lr"),
        ({"optimiser": {"lrr": 1}}, "optimiser.lrr"),
        ({"optimiser": {"schedule": "linear"}}, "optimiser.schedule"),
        ({"batch_size": 0}, "batch_size"),
        ({"epochs": "many"}, "epochs"),
        ({"precision": "fp8"}, "precision"),
        ({"spec": {**SPEC, "window_s": 0}}, "spec.window_s"),
        ({"data": {"reader": "no/path"}}, "data.reader"),
        ({"data": {"reader": "wesad", "options": {"deep": [[[[[[[[1]]]]]]]]}}}, "data.options"),
        ({"data": {"reader": "wesad", "subjects": ["S2"], "exclude": ["S2"]}}, "exclude removes everything"),
        ({"data": {"reader": "wesad", "subjects": ["S2", "S3"]}, "monitor": {"validation_subjects": ["S3"]}}, "share S3"),
        ({"loggers": ["mlflow"]}, "loggers"),
        ({"surprise": 1}, "surprise"),
        ({"data": {"reader": "wesad", "short": "cut"}}, "data.short"),
        ({"data": {"reader": "wesad", "broken": "ignore"}}, "data.broken"),
        ({"data": {"reader": "wesad", "exclude_labels": "rest"}}, "data.exclude_labels"),
        ({"augment": {"any_rotation": 2}}, "augment.any_rotation"),
        ({"texts": {"labels": "activities"}}, "texts.labels"),
        ({"conclude_windows": -1}, "conclude_windows"),
        ({"conclude_changed": -1}, "conclude_changed"),
        ({"more": [{"reader": "dsads"}]}, "several data sets need a spec that reads any channels"),
        ({"more": [{"reader": "synthetic"}], "spec": OPEN}, "name one reader twice"),
        ({"more": [{"reader": "dsads"}, {"reader": "dsads"}], "spec": OPEN}, "name one reader twice"),
    ],
)
def test_a_field_that_does_not_fit_is_named(tmp_path, change, field):
    path = written(tmp_path, yaml.safe_dump(PLAIN | change))
    with pytest.raises(ConfigError, match=field) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name: a\nname: b\n", "appears twice"),
        ("optimiser:\n  lr: 1\n  lr: 2\n", "line 3: key 'lr' appears twice"),
        ("a: &x [1]\nb: *x\n", "anchors"),
        ("a: !!python/object/apply:os.system ['true']\n", "tags"),
        ("a: [1\n", "plain YAML"),
        ("a: " + "[" * 40 + "]" * 40, "nested"),
        ("a: \x00", "plain YAML"),
        ("? [1, 2]\n: 3\n", "plain YAML"),
    ],
)
def test_anything_but_plain_yaml_is_refused(text, why):
    with pytest.raises(ConfigError, match=why):
        parse_yaml(text, "recipe.yaml")


def test_a_file_that_is_too_large_missing_binary_or_not_a_mapping_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="at most"):
        load_recipe(written(tmp_path, "#" * (MAX_RECIPE_BYTES + 1)))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_recipe(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_recipe(tmp_path / "binary.yaml")
    with pytest.raises(ConfigError, match=r"recipe\.yaml"):
        load_recipe(written(tmp_path, ""))


@pytest.mark.parametrize(
    "change",
    [
        {"out": "elsewhere"},
        {"checkpoint_every": 7},
        {"keep_checkpoints": 5},
        {"log_every": 9},
        {"workers": 4},
        {"loggers": ["wandb"]},
        {"monitor": {"every": 0}},
        {"data": {"reader": "synthetic", "root": "/other"}},
        {"data": {"reader": "synthetic", "broken": "refuse"}},
    ],
)
def test_what_does_not_decide_the_weights_is_not_in_the_digest(change):
    assert recipe(**change).digest == recipe().digest


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"epochs": 4},
        {"batch_size": 5},
        {"optimiser": {"lr": 0.02}},
        {"precision": "bf16"},
        {"method": {"name": "tiny", "options": {"a": 1}}},
        {"components": {"masker": {"name": "random"}}},
        {"data": {"reader": "synthetic", "exclude": ["S1"]}},
        {"monitor": {"validation_subjects": ["S9"]}},
        {"preprocessing": {"clip": 3}},
        {"data": {"reader": "synthetic", "exclude_labels": ["rest"]}},
        {"data": {"reader": "synthetic", "short": "pad"}},
        {"data": {"reader": "synthetic", "broken": "skip"}},
        {"augment": {"any_rotation": 0.5}},
        {"texts": {"activities": "activities"}},
        {"prepare_windows": 7},
        {"conclude_windows": 7},
        {"conclude_changed": 7},
    ],
)
def test_what_decides_the_weights_is_in_the_digest(change):
    assert recipe(**change).digest != recipe().digest


def test_recipes_from_before_videos_clips_and_skipping_keep_their_digest():
    """A checkpoint is resumed by digest: these were written down before the fields existed."""
    assert recipe().digest == "0ae519445dfa69b1954e4e59bb2f7afdbf745d53ff3c56c489cab7aef9dcac0c"
    mixed = recipe(spec=OPEN, more=[{"reader": "dsads", "exclude": ["p1"], "short": "pad"}])
    assert mixed.digest == "fafee3dc45971aeedb240eddbf033f737de817bb45b7d3ed444809cdf1cf1e5a"
    assert recipe(spec=OPEN, more=[{"reader": "dsads", "exclude": ["p1"], "short": "pad", "broken": "skip"}]).digest != mixed.digest


def test_a_recipe_that_skips_reads_back_so(tmp_path):
    skipping = recipe(data={"reader": "synthetic", "broken": "skip"})
    again = load_recipe(written(tmp_path, yaml.safe_dump(skipping.model_dump(mode="json"))))
    assert again.data.broken == "skip"
    assert recipe().data.broken == "refuse"
    assert "broken" not in recipe().model_dump()["data"]


def test_where_further_data_sets_lie_decides_nothing_but_which_they_are_does():
    def mixed(**more: object) -> str:
        return recipe(spec=OPEN, more=[{"reader": "dsads", **more}]).digest

    assert mixed() == mixed(root="/elsewhere") != recipe(spec=OPEN).digest
    assert mixed() != mixed(exclude=["p1"])


def test_data_sets_are_told_by_their_readers_in_order():
    given = recipe(spec=OPEN, more=[{"reader": "motionsense", "root": "b"}, {"reader": "dsads", "root": "a"}])
    assert {name: data.root for name, data in given.sets.items()} == {"synthetic": None, "motionsense": "b", "dsads": "a"}
    assert list(given.sets) == ["synthetic", "motionsense", "dsads"]
    assert list(recipe().sets) == ["synthetic"]


def test_the_model_config_carries_the_recipe():
    config = recipe(components={"masker": {"name": "random"}}).as_model_config(Preprocessing(clip=4))
    assert (config.name, config.method.name, config.provenance.seed) == ("tiny", "tiny", 3)
    assert set(config.components) == {"masker"}
    assert config.preprocessing.clip == 4


def test_reading_a_recipe_does_not_import_torch():
    environment = os.environ | {"PYTHONPATH": str(Path(sslts.__file__).parents[1])}
    script = "import sys; import sslts.training.recipe; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False, env=environment).returncode == 0


def test_recipes_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        recipe().seed = 5
    assert isinstance(recipe(), Recipe)


def test_a_wrong_part_is_found_before_any_data_is_asked_for(tmp_path):
    """Preparing a data set may take an hour."""
    from sslts.training.run import find_recipe, run_recipe

    told = load_recipe(find_recipe("crossl-paper")).model_dump(mode="json")
    told["components"]["masker"]["options"] = {"kep": 0.9}
    with pytest.raises(ConfigError, match=r"masker.*kep: unknown key. Did you mean 'keep'\?"):
        run_recipe(Recipe.model_validate(told), root=tmp_path / "nowhere", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
