"""Old configs stay readable: each schema has a golden file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sslts._builtins import SCHEMA
from sslts.config import ModelConfig, parse
from sslts.errors import ConfigError, RequirementError
from sslts.hub.migrations import MIGRATIONS, migrate

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("schema", range(1, SCHEMA + 1))
def test_every_schema_so_far_still_means_the_same(schema):
    data = json.loads((GOLDEN / f"config_v{schema}.json").read_text())
    config = parse(ModelConfig, migrate(data, "golden"), "golden")
    assert config.name == "golden-model"
    assert config.spec.names == ("acc", "eda")
    assert [config.spec.samples(modality) for modality in config.spec.named] == [80, 40]
    assert config.spec.modality("acc").channels[0].valid == (-2.0, 2.0)
    assert config.preprocessing.statistics["eda"].scale == (0.25,)
    assert config.components["encoders.acc"].options == {"blocks": [8, 16], "kernel": 3}
    assert config.requires == {"sslts": ">=0.1"}
    assert config.golden is not None
    assert config.golden.embedding == ((0.5, -0.25),)


def test_there_is_a_step_from_every_old_schema():
    assert set(MIGRATIONS) == set(range(1, SCHEMA))


def test_steps_run_in_order_and_leave_the_input_alone():
    steps = {1: lambda data: {**data, "trail": ["one"]}, 2: lambda data: {**data, "trail": [*data["trail"], "two"]}}
    old = {"schema_version": 1}
    assert migrate(old, "x", migrations=steps, current=3) == {"schema_version": 3, "trail": ["one", "two"]}
    assert old == {"schema_version": 1}


def test_newer_and_forgotten_schemas_say_what_to_do():
    with pytest.raises(RequirementError, match="pip install -U sslts"):
        migrate({"schema_version": SCHEMA + 1}, "x")
    with pytest.raises(RequirementError, match="older sslts"):
        migrate({"schema_version": 1}, "x", migrations={}, current=2)


@pytest.mark.parametrize("data", [[], "x", None, {}, {"schema_version": "1"}, {"schema_version": True}, {"schema_version": 0}])
def test_what_is_not_a_config_is_refused(data):
    with pytest.raises(ConfigError):
        migrate(data, "x")
