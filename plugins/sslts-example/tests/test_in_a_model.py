"""The installed components are found by name, train, and come back from a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import sslts
from sslts import registry
from sslts.training.run import run_recipe

RECIPE = Path(__file__).parent.parent / "recipe.yaml"


def test_sslts_finds_the_components():
    assert registry.get("encoder", "example.spectrum").__name__ == "Spectrum"
    assert registry.get("masker", "example.stretch").__name__ == "StretchMasker"


def test_a_model_of_them_trains_and_loads_again(tmp_path):
    trained = run_recipe(RECIPE, out=tmp_path, progress=False)
    assert trained.result.history[-1].loss < trained.result.history[0].loss
    again = sslts.load(trained.folder)
    assert again.config.requires == {"sslts-example": ">=0.1.0"}
    recording = {"acc": np.random.default_rng(0).normal(size=(1600, 3)), "bvp": np.random.default_rng(1).normal(size=1600)}
    options = {"rate_hz": 32.0, "units": {"acc": "g", "bvp": "a.u."}}
    assert np.array_equal(again.encode(recording, **options).values, trained.model.encode(recording, **options).values)
