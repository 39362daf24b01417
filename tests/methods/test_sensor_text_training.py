"""Sensor-text JEPA: what a training step looks at, what is fitted before the first and after the last one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from text_windows import TEXT, batch, generator, variant
from torch import nn
from torch.nn import functional

from sslts.config import Channel
from sslts.methods.sensor_text_jepa import SensorTextJEPA
from sslts.methods.text_head import richness
from sslts.text.channels import channel_texts
from sslts.types import TEXTS, LossParts, SensorBatch, Tokens


def tokenised(method: SensorTextJEPA, given: SensorBatch, seed: int) -> Tokens:
    """What the aligned encoder sees of one training step."""
    seen: list[Tokens] = []
    original = method.tokenise

    def watch(*positional: Any, **named: Any) -> Tokens:
        made = original(*positional, **named)
        if "encoder" not in named:
            seen.append(made)
        return made

    method.tokenise = watch  # type: ignore[method-assign]
    try:
        method.training_loss(given, generator=generator(seed))
    finally:
        del method.tokenise  # type: ignore[attr-defined]
    (found,) = seen
    return found


def told(method: SensorTextJEPA, given: SensorBatch, seed: int) -> torch.Tensor:
    """The texts' vectors that one training step aligns with, [B, E]."""
    seen: list[torch.Tensor] = []

    class Watch(nn.Module):
        def forward(self, meaning: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> LossParts:
            seen.append(target)
            return LossParts.of(semantic=(meaning * target).sum())

    method.alignment = Watch()
    method.training_loss(given, generator=generator(seed))
    (found,) = seen
    return found


def test_all_windows_of_a_step_take_the_same_of_their_wordings(method):
    """Two wordings of one activity side by side would be negatives of each other."""
    given = replace(batch(), keys={TEXTS: [TEXT, TEXT, TEXT, TEXT[:2]]})
    vectors = method.embed_text(TEXT)
    taken = []
    for seed in range(30):
        target = told(method, given, seed)
        taken.append(int((vectors - target[0]).abs().sum(1).argmin()))
        assert torch.equal(target[:3], target[:1].expand(3, -1))
        torch.testing.assert_close(target[3], vectors[taken[-1] // 2], msg="the same share of the way through a shorter list")
    assert set(taken) == {0, 1, 2, 3}


def test_training_looks_at_a_few_sensors_at_a_time(method):
    tokens = tokenised(variant(method, sensors=(1,)), batch(64), 0)
    sensors = [set(tokens.modality[row, tokens.valid[row]].tolist()) for row in range(64)]
    assert {len(found) for found in sensors} == {1}
    assert {found for row in sensors for found in row} == {0, 1}
    assert tokens.values.shape[1] == 3 * 8, "the other sensor's tokens are dropped, not padded"


def test_how_many_sensors_are_drawn_differs_from_step_to_step(method):
    mixed = variant(method, sensors=(1, 2))
    counts = [tokenised(mixed, batch(), seed).valid.sum(1).unique().tolist() for seed in range(12)]
    assert {tuple(found) for found in counts} == {(24,), (48,)}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_vague_steps_say_what_is_measured_but_not_where(method, share):
    tokens = tokenised(variant(method, vague=share), batch(), 0)
    told = {tuple(row) for row in tokens.described.tolist()}
    given = batch().signals
    placed = {tuple(row) for signal in given.values() for row in method.vectors(channel_texts(signal.channels)).tolist()}
    vague = {tuple(row) for row in method.vectors(channel_texts(given["wrist"].channels, vague=True)).tolist()}
    assert told == (vague if share else placed)
    assert not vague & placed


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_vague_steps_are_vague_for_the_moments_too(method, share, monkeypatch):
    told: list[bool] = []
    made = variant(method, vague=share)
    original = made.tokenise
    monkeypatch.setattr(made, "tokenise", lambda *given, **named: told.append(named["vague"]) or original(*given, **named))
    made.training_loss(batch(), generator=generator())
    assert told == [bool(share)] * 3, "what is predicted, and two views"


def test_without_channel_text_all_channels_are_described_alike(method):
    plain = variant(method, channel_text=False)
    for encoder in (plain.encoder, plain.moments):
        tokens = plain.tokenise(batch(), encoder=encoder)
        assert len(tokens.described) == 6
        assert torch.equal(tokens.described, tokens.described[:1].expand(6, -1))
    plain.prepare(batch(40))
    assert int(plain.aggregator.used.sum()) == 1


def test_a_three_axis_sensor_is_read_with_its_derived_channels(method):
    part = batch().signals["wrist"]
    axes = tuple(Channel(name=axis, kind="accelerometer", unit="g", position="wrist") for axis in "xyz")
    tokens = method.tokenise(SensorBatch({"wrist": replace(part, channels=axes)}))
    assert tokens.values.shape[1] == 6 * 8
    assert len(tokens.described) == 6
    texts = [channel.description for channel in method.encoder.derive(replace(part, channels=axes)).channels[3:]]
    assert torch.equal(tokens.described[3:], method.vectors(texts))


def test_prepare_fits_texts_places_and_scales(method):
    given = batch(40).without("person")
    method.prepare(given)
    torch.testing.assert_close(method.text_space.centre, method.text_encoder(TEXT).mean(0), msg="each distinct text counts once")
    wrist = method.vectors(channel_texts(given.signals["wrist"].channels))
    assert {tuple(row) for row in method.aggregator.places[method.aggregator.used].tolist()} == {tuple(row) for row in wrist.tolist()}
    context = method.encoder.encode(method.tokenise(given))
    features = torch.cat([method.aggregator(context), method.predictor.summarise(context)], dim=1)
    torch.testing.assert_close(method.head.mean[1], features.mean(0), atol=1e-4, rtol=1e-4)
    assert method.encoder.front_end.reduction.mean.any()


def test_prepare_without_texts_leaves_no_centre_behind(method):
    method.text_space.centre.zero_()
    method.prepare(replace(batch(40), keys={}))
    assert not method.text_space.centre.any()


@pytest.mark.parametrize("ridge", [0.003, 0.3])
def test_conclude_finds_where_the_gradient_of_the_ridge_regression_is_zero(method, ridge):
    given = batch(40)
    texts = [() if row % 5 == 0 else (*given.keys[TEXTS][row], TEXT[row % 3]) for row in range(40)]
    nobody = {name: replace(signal, present=signal.present & (torch.arange(40) % 7 != 1)) for name, signal in given.signals.items()}
    given = SensorBatch(nobody, {TEXTS: texts})
    method = variant(method, ridge=ridge)  # draws all sensors: what was changed is read as what was recorded
    method.prepare(given)
    method.conclude([given.select(slice(0, 13)), given.select(slice(13, 20))], [given.select(slice(20, 40))], generator=generator())
    rows = [row for row in range(40) if texts[row] and row % 7 != 1]
    context = method.encoder.encode(method.tokenise(given))
    features = method.head.terms(torch.cat([method.aggregator(context), method.predictor.summarise(context)], dim=1), richness(context))
    middles = torch.stack([functional.normalize(method.embed_text(texts[row]).mean(0), dim=0) for row in rows])
    x, y = features[rows].detach().double(), middles.detach().double()
    early = torch.tensor(rows) < 20
    share = torch.where(early, 0.5 / early.sum(), 0.5 / (~early).sum()).double()
    weight, bias = (getattr(method.head.meaning, name).detach().double().requires_grad_() for name in ("weight", "bias"))

    def cost(weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return (share * (x @ weight.T + bias - y).square().sum(1)).sum() + ridge * weight.square().sum()

    gradients = torch.autograd.grad(cost(weight, bias), (weight, bias))
    assert max(float(gradient.abs().max()) for gradient in gradients) < 1e-4
    elsewhere = torch.autograd.grad(cost(0.9 * weight, bias), (weight, bias))
    assert max(float(gradient.abs().max()) for gradient in elsewhere) > 1e-3, "the test would see another map"


def test_conclude_reads_all_sensors_of_what_was_recorded_and_a_few_of_what_was_changed(method, monkeypatch):
    few = variant(method, sensors=(1,))
    seen: list[float] = []
    read = few.head.terms
    monkeypatch.setattr(few.head, "terms", lambda features, rich: (seen.append(float(rich.max())), read(features, rich))[1])
    few.conclude([batch(8)], [batch(8)], generator=generator())
    assert len(seen) == 2
    assert seen[0] > seen[1]
    assert float(few.head.richest) == pytest.approx(seen[0])


def test_conclude_lowers_the_semantic_distance(method):
    given = batch(40)
    method.prepare(given)

    def distance() -> float:
        with torch.no_grad():
            meaning = method.in_text_space(method.embed(given))
        return float((meaning - method.embed_text([texts[0] for texts in given.keys[TEXTS]])).square().sum(1).mean())

    before = distance()
    method.conclude([given], [given], generator=generator())
    assert distance() < 0.7 * before


def test_conclude_changes_nothing_but_the_head_and_is_off_without_ridge(method):
    before = {name: value.clone() for name, value in method.state_dict().items()}
    off = variant(method, ridge=0.0)
    off.conclude([batch(8)], [batch(8)], generator=generator())
    assert all(torch.equal(before[name], value) for name, value in off.state_dict().items() if name in before and "text_space" not in name)
    with torch.no_grad():
        method.aggregator.keep.weight.mul_(2.0)  # as if training had changed what the features are
        before["aggregator.keep.weight"] = method.aggregator.keep.weight.clone()
    method.conclude([batch(8)], [], generator=generator())
    changed = {name for name, value in method.state_dict().items() if not torch.equal(before[name], value)}
    assert changed == {"head.meaning.weight", "head.meaning.bias", "head.mean", "head.spread", "head.components", "head.richest"}
