"""Sensor-text JEPA: what its loss is made of, what its target does, and what its embeddings promise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from sslts import ops
from sslts.config import Channel, ComponentRef
from sslts.errors import ChannelError, ConfigError
from sslts.interfaces import build
from sslts.methods.sensor_text_jepa import TEXTS, SensorTextJEPA
from sslts.types import RateClock, SensorBatch, Signal

TEXT = ("a person is walking", "running", "sitting", "standing")


def signal(rows: int, seed: int, place: str, channels: int = 3) -> Signal:
    values = torch.randn(rows, channels, 64, generator=torch.Generator().manual_seed(seed))
    described = tuple(
        Channel(name=f"c{i}", kind="accelerometer", unit="g", description=f"{place} sensor {TEXT[i]}") for i in range(channels)
    )
    return Signal(values, described, RateClock(32.0), torch.ones(rows, dtype=torch.bool), torch.ones_like(values, dtype=torch.bool))


def batch(rows: int = 4) -> SensorBatch:
    texts = [(TEXT[row % 4],) for row in range(rows)]
    return SensorBatch({"wrist": signal(rows, 0, "wrist"), "person": signal(rows, 1, "person")}, {TEXTS: texts})


@pytest.fixture
def method() -> SensorTextJEPA:
    torch.manual_seed(0)
    made = SensorTextJEPA.example()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.is_floating_point():
                parameter.add_(0.1 * torch.randn_like(parameter))
    made.start_training()
    return made


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_loss_is_the_seeds_objective_written_a_second_way(method):
    """Latent distance to the target's normalised tokens at hidden places, plus lambda times the squared distance of unit vectors."""
    given = batch()
    loss = method.training_loss(given, generator=generator())
    made = generator()
    whole = method.tokenise(given)
    masker = method.maskers["block"]
    torch.randint(1, (1,), generator=made)
    plan = masker.plan(whole, generator=made)
    context = method.encoder.encode(whole, plan.visible[0])
    latents = method.target.average.encode(whole).values
    wanted = functional.layer_norm(latents, latents.shape[-1:])
    total, places = 0.0, 0
    for row in range(4):
        for place in plan.targets.any(0)[row].nonzero()[:, 0].tolist():
            one = replace(
                whole,
                **{
                    name: getattr(whole, name)[row : row + 1, place : place + 1]
                    for name in ("values", "valid", "time_s", "modality", "channel", "cell")
                },
            )
            mine = replace(
                context,
                **{name: getattr(context, name)[row : row + 1] for name in ("values", "valid", "time_s", "modality", "channel", "cell")},
            )
            total += (method.predictor(mine, one).values[0, 0] - wanted[row, place]).square().mean()
            places += 1
    meaning = functional.normalize(method.to_text(method.predictor.summarise(context)), dim=1)
    semantic = (meaning - method.embed_text(TEXT)).square().sum(1).mean()
    torch.testing.assert_close(loss.parts["latent"], (total / places).detach(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(loss.parts["semantic"], semantic.detach(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(loss.total, total / places + semantic, atol=1e-5, rtol=1e-4)


def test_gradients_reach_everything_but_the_target_and_the_text_tower(method):
    method.training_loss(batch(), generator=generator()).total.backward()
    without = {name for name, parameter in method.named_parameters() if parameter.grad is None}
    assert without == {name for name, _ in method.named_parameters() if name.startswith("target.")}
    assert not any(parameter.requires_grad for parameter in method.text_encoder.parameters())


def test_the_target_follows_the_encoder_slowly_and_ends_standing_still(method):
    online = [parameter.clone() for parameter in method.encoder.parameters()]
    with torch.no_grad():
        for parameter in method.encoder.parameters():
            parameter.add_(1)
    method.after_step(0, 100)
    for before, average in zip(online, method.target.average.parameters(), strict=True):
        torch.testing.assert_close(average, before + 0.004, atol=1e-5, rtol=1e-4)
    still = [parameter.clone() for parameter in method.target.average.parameters()]
    method.after_step(100, 100)
    assert all(torch.equal(a, b) for a, b in zip(still, method.target.average.parameters(), strict=True))


def test_a_published_model_has_no_target(method):
    assert any(name.startswith("target.") for name in method.state_dict())
    method.finish_training()
    assert not any(name.startswith("target.") for name in method.state_dict())
    with pytest.raises(ConfigError, match="needs a masker and a target"):
        method.training_loss(batch(), generator=generator())


def test_the_same_generator_gives_the_same_loss_and_the_global_one_is_untouched(method):
    before = torch.get_rng_state()
    first, second = (method.training_loss(batch(), generator=generator(3)).total for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())


def test_a_window_without_text_is_not_aligned(method):
    given = batch()
    bare = replace(given, keys={TEXTS: [()] * 4})
    assert method.training_loss(bare, generator=generator()).parts["semantic"].item() == 0
    half = replace(given, keys={TEXTS: [given.keys[TEXTS][0], (), (), ()]})
    assert method.training_loss(half, generator=generator()).parts["semantic"].item() > 0


def test_one_of_several_texts_is_drawn_each_time(method):
    given = replace(batch(), keys={TEXTS: [TEXT] * 4})
    seen = {round(method.training_loss(given, generator=generator(seed)).parts["semantic"].item(), 6) for seed in range(8)}
    assert len(seen) > 1


def test_an_embedding_is_what_is_kept_and_what_it_means(method):
    method.eval()
    values = method.embed(batch())
    assert values.shape == (4, method.embed_dim)
    meaning = method.in_text_space(values)
    assert meaning.shape == (4, method.text_dim)
    torch.testing.assert_close(meaning.norm(dim=1), torch.ones(4))
    context = method.encoder.encode(method.tokenise(batch()))
    torch.testing.assert_close(values[:, : -method.text_dim], ops.pooled_mean(context))


def test_nothing_present_embeds_as_zero_and_junk_there_changes_nothing(method):
    method.eval()
    given = batch()
    absent = given.without("wrist")
    junk = replace(absent.signals["wrist"], values=torch.full_like(absent.signals["wrist"].values, float("nan")))
    soiled = SensorBatch({"wrist": junk, "person": absent.signals["person"]})
    assert torch.equal(method.embed(absent), method.embed(soiled))
    assert method.embed(given.without("wrist", "person")).eq(0).all()
    assert (method.embed(absent) - method.embed(given)).abs().max() > 1e-3


def test_neither_the_order_of_sensors_nor_that_of_channels_matters(method):
    method.eval()
    given = batch()
    turned = {}
    for name in ("person", "wrist"):
        part = given.signals[name]
        order = [2, 0, 1]
        turned[name] = replace(part, values=part.values[:, order], channels=tuple(part.channels[i] for i in order))
    assert (method.embed(given) - method.embed(SensorBatch(turned))).abs().max() < 1e-4


def test_training_looks_at_a_few_sensors_at_a_time(method):
    few = SensorTextJEPA(
        method.config.model_copy(update={"sensors": 1}),
        encoder=method.encoder,
        predictor=method.predictor,
        text_encoder=method.text_encoder,
        maskers=dict(method.maskers),
    )
    tokens = few._drawn(few.tokenise(batch(64)), generator())
    sensors = [set(tokens.modality[row, tokens.valid[row]].tolist()) for row in range(64)]
    assert {len(found) for found in sensors} == {1}
    assert {found for row in sensors for found in row} == {0, 1}
    assert tokens.values.shape[1] == 3 * 8, "the other sensor's tokens are dropped, not padded"


@pytest.mark.parametrize("objective", ["smooth-l1", "multi-resolution-l1"])
@pytest.mark.parametrize("alignment", ["text-contrast", "siglip"])
def test_distances_and_alignments_are_components(method, objective, alignment):
    method.objective = build("objective", ComponentRef(name=objective), "objective")
    method.alignment = build("objective", ComponentRef(name=alignment), "alignment")
    loss = method.training_loss(batch(), generator=generator())
    assert loss.total.isfinite()
    assert set(loss.parts) == {"latent", "semantic"}


def test_local_reconstruction_and_a_regulariser_run_beside(method):
    facts = {"token_dim": method.encoder.embed_dim, "text_dim": method.text_dim}
    width = method.tokenise(batch()).values.shape[-1]
    method.decoder = build("predictor", ComponentRef(name="latent", options={"out_dim": width, "dim": 8, "heads": 2}), "decoder", facts)
    method.regulariser = build("objective", ComponentRef(name="sigreg"), "regulariser")
    loss = method.training_loss(batch(), generator=generator())
    assert set(loss.parts) == {"latent", "semantic", "local", "regulariser"}
    loss.total.backward()
    unused = {name for name, parameter in method.decoder.named_parameters() if parameter.grad is None}
    assert unused == {"whole"}, "a decoder is not asked to summarise"


def test_a_channel_that_says_nothing_is_asked_for_by_name(method):
    part = batch().signals["wrist"]
    bare = tuple(Channel(name=f"ch{i}", kind="unknown", unit="1") for i in range(3))
    with pytest.raises(ChannelError, match=r"Channels 'ch0' .*, 'ch1' .*, 'ch2' .* have no description"):
        method.embed(SensorBatch({"wrist": replace(part, channels=bare)}))
