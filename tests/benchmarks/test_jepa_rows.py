"""Exploratory rows of sensor-text JEPA: each override is understood, changes what its title says, and is judged on group 0 only."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("sklearn")
from benchmarks import har
from benchmarks.rows.jepa import CHANGES, LAMBDAS, STATES, recipe_lambda, rows, state_rows
from sslts import registry
from sslts.config import Channel, Preprocessing
from sslts.evaluate.protocol import load_protocol
from sslts.types import TEXTS, RateClock, SensorBatch, Signal

ALL = {"latent", "semantic", "agreement"}
#: What the loss of each row is the sum of.
TERMS = {
    "no-text": ALL - {"semantic"},
    "no-jepa": ALL - {"latent"},
    "contrastive-only": {"semantic"},
    "hybrid": ALL | {"local"},
    "vicreg": ALL | {"regulariser"},
}
ABLATIONS = {row.name: row for row in rows() if row.parts.exploratory}


def recipe(name):
    return har.recipe_of(ABLATIONS[name].overrides)


def built(name):
    """The row's method, untrained, with a text tower that has no weights yet."""
    made = recipe(name).as_model_config(Preprocessing())
    torch.manual_seed(0)
    return registry.get("method", made.method.name).from_config(made)


def batch(rows=4):
    """Two sensors of three channels, 5 s at 25 Hz, each window with its activity's name."""
    signals = {}
    for seed, (kind, unit) in enumerate((("accelerometer", "g"), ("gyroscope", "rad/s"))):
        values = torch.randn(rows, 3, 125, generator=torch.Generator().manual_seed(seed))
        channels = tuple(Channel(name=axis, kind=kind, unit=unit, position="right wrist") for axis in "xyz")
        observed = torch.ones_like(values, dtype=torch.bool)
        signals[kind] = Signal(values, channels, RateClock(25.0), torch.ones(rows, dtype=torch.bool), observed)
    return SensorBatch(signals, {TEXTS: [("walking",), ("running",), ("sitting",), ("standing",)][:rows]})


def test_every_change_is_a_row_of_group_0_without_label_fractions():
    assert list(ABLATIONS) == list(CHANGES)
    assert {(row.kind, row.parts.groups, row.parts.label_fractions) for row in ABLATIONS.values()} == {("ablation", (0,), ())}
    assert {name for name, row in ABLATIONS.items() if row.pretraining_labels == "none"} == {"no-text"}


@pytest.mark.parametrize("name", CHANGES)
def test_each_override_changes_the_recipe_and_is_understood(name):
    assert recipe(name).digest != (har.recipe_of({}) if name == "half-as-long" else recipe("half-as-long")).digest
    method = built(name)
    assert set(method.maskers) == {"block", "cross"}


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "tower-minilm"])
def test_the_loss_is_made_of_the_terms_that_the_title_says(name):
    method = built(name)
    method.text_encoder.fill()
    method.start_training()
    loss = method.training_loss(batch(), generator=torch.Generator().manual_seed(1))
    assert set(loss.parts) == TERMS.get(name, ALL)
    assert torch.isfinite(loss.total)


def test_the_sweep_lies_around_the_recipes_own_lambda():
    assert {recipe(f"lambda-{weight:g}").method.options["semantic_weight"] for weight in LAMBDAS} == {0.1, 0.3, 3.0, 10.0}
    assert recipe_lambda() == 1.0


def test_no_moving_average_is_a_target_that_equals_the_encoder_after_each_step():
    method = built("no-ema")
    method.start_training()
    with torch.no_grad():
        for parameter in method.encoder.parameters():
            parameter.add_(1)
    method.after_step(3, 10)
    for ours, average in zip(method.encoder.parameters(), method.target.average.parameters(), strict=True):
        torch.testing.assert_close(average, ours)


def test_texts_do_not_reach_the_weights_of_rows_without_them():
    for name in ("no-text", "contrastive-only"):
        assert recipe(name).method.options["ridge"] == 0
    assert recipe("siglip").method.options["ridge"] > 0


def test_the_masks_of_causal_smoothing_hide_the_future_or_a_stretch_inside():
    named = {name: ref.name for name, ref in recipe("causal-smoothing").components.items() if name.startswith("maskers.")}
    assert named == {"maskers.block": "causal", "maskers.cross": "smoothing"}


def test_minilm_needs_its_weights_from_the_hub_or_its_cache():
    tower = built("tower-minilm").text_encoder
    assert tower.embed_dim == 384
    assert not tower.ready


def test_explorations_are_half_as_long_and_differ_in_nothing_else():
    whole, short = har.recipe_of({}).model_dump(), recipe("half-as-long").model_dump()
    assert {key for key in whole if whole[key] != short[key]} == {"epochs", "conclude_windows", "conclude_changed"}
    assert all(short[key] == whole[key] // 2 for key in ("epochs", "conclude_windows", "conclude_changed"))


def test_contrast_alone_has_no_moments_and_no_neighbours_among_its_negatives():
    method = built("contrastive-only")
    assert method.moments is None
    assert recipe("contrastive-only").neighbours == 1


def test_a_rows_configuration_knows_the_recipe_its_changes_and_the_version_of_the_code(monkeypatch):
    first, second = (next(row for row in rows() if row.name == name).config() for name in ("sensor-text-jepa-har", "random-init"))
    assert first["recipe_digest"] == har.recipe_of({}).digest
    assert {key for key in first if first[key] != second[key]} == {"trained"}
    monkeypatch.setattr("benchmarks.rows.jepa.VERSION", 99)
    assert next(row for row in rows() if row.name == "sensor-text-jepa-har").config() != first


def test_the_row_of_states_trains_its_own_recipe_without_the_groups_people(monkeypatch, tmp_path):
    protocol = load_protocol("wesad-loso")
    (row,) = state_rows()
    told = {}
    monkeypatch.setattr(har, "trained", lambda overrides, **named: told.update(named))
    row.placed(tmp_path).model(protocol, protocol.groups[1], tmp_path)
    assert told["recipe"] == STATES == "sensor-text-jepa-wesad"
    assert told["unseen"] == [f"wesad-wrist:{who}" for who in protocol.groups[1].test]
    assert har.recipe_of({}, recipe=STATES).sets.keys() == {"wesad-wrist"}
