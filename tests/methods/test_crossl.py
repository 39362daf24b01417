"""CroSSL: what is hidden, what is missing, and what training does."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from sslts.config import Channel, ComponentRef, Modality, ModelConfig, SensorSpec
from sslts.errors import ConfigError
from sslts.interfaces import Method
from sslts.methods.crossl import CroSSL
from sslts.types import RateClock, SensorBatch, Signal

EDA = (Channel(name="eda", kind="electrodermal-activity", unit="uS"),)
TEMP = (Channel(name="temp", kind="temperature", unit="degC"),)
TCN = ComponentRef(name="tcn", options={"filters": [4, 6, 8], "kernels": [4, 3, 3]})
DESCRIPTORS = {
    f"encoders.{name}": ComponentRef(
        name="descriptor",
        options={"kind": kind, "thresholds": 1, "components": 6, "keep_shares": 2, "keep_described": 2, "hidden": 12, "learned": 4},
    )
    for name, kind in (("eda", "electrodermal"), ("temp", "temperature"))
}


def config(encoders: dict[str, ComponentRef] | None = None, **roles: ComponentRef) -> ModelConfig:
    parts = {"encoders.eda": TCN, "encoders.temp": TCN} if encoders is None else encoders
    defaults = {
        "aggregator": ComponentRef(name="concat-mlp", options={"hidden": [16], "embed_dim": 6}),
        "masker": ComponentRef(name="spatial", options={"keep": 0.5}),
        "objective": ComponentRef(name="vicreg"),
    }
    modalities = (Modality(name="eda", rate_hz=4, channels=EDA), Modality(name="temp", rate_hz=4, channels=TEMP))
    return ModelConfig(
        name="test",
        method=ComponentRef(name="crossl"),
        spec=SensorSpec(modalities=modalities, window_s=30, stride_s=30),
        components={**parts, **defaults, **roles},
    )


def batch(rows: int = 16, seed: int = 0) -> SensorBatch:
    """Two modalities that share a slow course, so that there is something to learn."""
    made = torch.Generator().manual_seed(seed)
    course = torch.cumsum(torch.randn(rows, 1, 120, generator=made), -1) / 10
    every = torch.ones(rows, dtype=torch.bool)

    def signal(level: float, channels: tuple[Channel, ...]) -> Signal:
        values = level + course + 0.1 * torch.randn(rows, 1, 120, generator=made)
        return Signal(values, channels, RateClock(4.0), every, torch.ones(values.shape, dtype=torch.bool))

    return SensorBatch({"eda": signal(5, EDA), "temp": signal(33, TEMP)})


def build(encoders: dict[str, ComponentRef] | None = None, **roles: ComponentRef) -> CroSSL:
    torch.manual_seed(0)
    method = CroSSL.from_config(config(encoders, **roles))
    method.prepare(batch(64, seed=9))
    return method.eval()


@pytest.fixture(params=[None, DESCRIPTORS], ids=["tcn", "descriptor"])
def method(request: pytest.FixtureRequest) -> CroSSL:
    return build(request.param)


def poison(made: SensorBatch, name: str, junk: float) -> SensorBatch:
    signal = made.signals[name]
    return replace(made, signals={**made.signals, name: replace(signal, values=torch.full_like(signal.values, junk))})


@pytest.mark.parametrize("junk", [math.nan, math.inf, 1e9])
def test_absent_values_never_reach_the_output(method, junk):
    absent = batch().without("temp")
    assert torch.equal(method.embed(absent), method.embed(poison(absent, "temp", junk)))


@pytest.mark.parametrize("junk", [math.nan, math.inf, 1e9])
def test_unobserved_values_never_reach_the_output(method, junk):
    made = batch()
    signal = made.signals["eda"]
    observed = signal.observed.clone()
    observed[:, :, 30:50] = False
    gap, junked = (
        replace(
            made, signals={**made.signals, "eda": replace(signal, observed=observed, values=signal.values.masked_fill(~observed, value))}
        )
        for value in (0.0, junk)
    )
    assert torch.equal(method.embed(gap), method.embed(junked))


def test_a_row_does_not_depend_on_its_neighbours(method):
    made = batch()
    torch.testing.assert_close(method.embed(made)[3:4], method.embed(made.select(slice(3, 4))), rtol=1e-4, atol=1e-5)


def test_nothing_present_embeds_to_zero(method):
    embedded = method.embed(batch().without("eda", "temp"))
    assert (embedded == 0).all()


def test_a_missing_modality_changes_the_embedding_but_keeps_it_finite(method):
    made = batch()
    without = method.embed(made.without("eda"))
    assert torch.isfinite(without).all()
    assert not torch.allclose(without, method.embed(made))


def test_pooling_early_or_late_is_the_same(method):
    made = batch()
    early, late = method.latents(made), method.pool(method.tokenise(made))
    torch.testing.assert_close(early.values, late.values)
    assert torch.equal(early.valid, late.valid)


def test_a_front_end_computed_once_changes_nothing():
    method = build(DESCRIPTORS)
    made = batch().with_present(torch.tensor([[True, True], [True, False]] * 8))
    torch.testing.assert_close(method.embed(method.front(made)), method.embed(made))


def test_with_everything_kept_both_views_agree(method):
    sure = build(masker=ComponentRef(name="spatial", options={"keep": 1.0}))
    parts = sure.training_loss(batch(), generator=torch.Generator().manual_seed(0)).parts
    assert parts["invariance"].item() == 0
    assert method.training_loss(batch(), generator=torch.Generator().manual_seed(0)).parts["invariance"].item() > 0


MASKERS = [("spatial", {"keep": 0.5}), ("random", {"keep": 0.8}), ("temporal", {"keep": 0.6, "block_s": 5.0})]
OBJECTIVES = ["vicreg", "info-nce", "barlow-twins", "cocoa"]


@pytest.mark.parametrize("masker", MASKERS, ids=lambda m: m[0])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_masker_with_every_objective_learns(masker, objective):
    method = build(masker=ComponentRef(name=masker[0], options=masker[1]), objective=ComponentRef(name=objective)).train()
    optimiser = torch.optim.AdamW(method.parameters(), lr=3e-3)

    def mean_loss() -> float:
        with torch.no_grad():
            losses = [method.training_loss(batch(64, seed=s), generator=torch.Generator().manual_seed(s)).total for s in range(3)]
        return sum(losses).item()

    before = mean_loss()
    for step in range(25):
        optimiser.zero_grad()
        method.training_loss(batch(64, seed=step), generator=torch.Generator().manual_seed(step)).total.backward()
        optimiser.step()
    assert mean_loss() < before


@pytest.mark.parametrize("aggregator", ["concat-mlp", "mean", "attention", "completion"])
def test_gradients_reach_every_parameter(aggregator):
    options = {"keep": 4, "summary": 4} if aggregator == "completion" else {}
    method = build(aggregator=ComponentRef(name=aggregator, options=options)).train()
    for seed in range(3):
        method.training_loss(batch(32, seed), generator=torch.Generator().manual_seed(seed)).total.backward()
    silent = [name for name, parameter in method.named_parameters() if parameter.grad is None or not parameter.grad.abs().sum() > 0]
    assert silent == []


def test_missing_modality_training_hides_whole_modalities_from_both_views():
    method = build(masker=ComponentRef(name="spatial", options={"keep": 1.0}))
    dropped = CroSSL(
        CroSSL.Config(present_keep=0.01),
        encoders=dict(method.encoders.items()),
        aggregator=method.aggregator,
        masker=method.masker,
        objective=method.objective,
    )
    kept = dropped._with_missing(batch(400), torch.Generator().manual_seed(0)).present()
    assert (kept.sum(1) == 1).float().mean() > 0.97
    assert kept.any(1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoders": {"encoders.eda": TCN}}, "encoders.temp"),
        ({"encoders": {"encoders.eda": TCN, "encoders.temp": TCN, "encoders.ecg": TCN}}, "unknown modalities: ecg"),
        (
            {
                "encoders": {
                    "encoders.eda": TCN,
                    "encoders.temp": ComponentRef(name="tcn", options={"filters": [4, 6, 7], "kernels": [4, 3, 3]}),
                }
            },
            "one width",
        ),
        ({"aggregator": ComponentRef(name="concat-mlp", options={"modalities": 3})}, "spec says 2"),
    ],
)
def test_contradictions_are_named_when_building(change, message):
    with pytest.raises(ConfigError, match=message):
        build(change.pop("encoders", None), **change)


def test_batches_of_another_model_are_refused():
    method = build()
    signals = batch().signals
    with pytest.raises(ConfigError, match="eda, temp, in this order"):
        method.embed(SensorBatch({"temp": signals["temp"], "eda": signals["eda"]}))


def test_training_without_an_objective_is_refused():
    bare = CroSSL.from_config(
        ModelConfig(**{**config().model_dump(), "components": {**DESCRIPTORS, "aggregator": ComponentRef(name="mean")}})
    )
    assert isinstance(bare, Method)
    with pytest.raises(ConfigError, match="'masker' and 'objective'"):
        bare.training_loss(batch(), generator=torch.Generator())


@pytest.mark.parametrize("masker", ["spatial", "random", "temporal"])
@pytest.mark.parametrize("views", [1, 3])
def test_a_masker_that_does_not_give_two_views_is_refused(masker, views):
    method = build(masker=ComponentRef(name=masker, options={"views": views}))
    with pytest.raises(ConfigError, match=f"CroSSL compares two views, its masker gives {views}"):
        method.training_loss(batch(), generator=torch.Generator().manual_seed(0))
