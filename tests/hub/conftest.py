"""A small model folder: config, weights and metrics, built without any component."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from sslts.config import ComponentRef, ModelConfig, Provenance, SensorSpec
from sslts.hub import artefact
from sslts.hub.metrics import Metrics, Result


@pytest.fixture
def config(small_spec: SensorSpec) -> ModelConfig:
    """A config that names registered components but is never built here."""
    return ModelConfig(
        name="tiny",
        method=ComponentRef(name="crossl"),
        spec=small_spec,
        components={"encoders.acc": ComponentRef(name="tcn"), "encoders.eda": ComponentRef(name="tcn")},
        provenance=Provenance(datasets=("WESAD",), licence="CC-BY-NC-4.0"),
    )


@pytest.fixture
def state() -> dict[str, Tensor]:
    """A state dict with weights, a scalar and an integer buffer."""
    return {
        "encoders.acc.weight": torch.arange(12, dtype=torch.float32).reshape(3, 4) / 8,
        "aggregator.bias": torch.tensor([0.5, -1.5]),
        "aggregator.scale": torch.tensor(2.0),
        "aggregator.order": torch.tensor([2, 0, 1]),
    }


@pytest.fixture
def metrics() -> Metrics:
    """Two figures; the first is the headline."""
    stress = Result(
        protocol="wesad-loso", task="stress", dataset="wesad", metric="macro-f1", value=96.5, low=94, high=98, date="2025-01-31"
    )
    return Metrics(results=(stress, stress.model_copy(update={"task": "4-class", "value": 74.0})), source="make results")


@pytest.fixture
def folder(tmp_path: Path, config: ModelConfig, state: dict[str, Tensor], metrics: Metrics) -> Path:
    """The model, written."""
    return artefact.write(tmp_path / "models" / "tiny", config, state, "# tiny\n", metrics)
