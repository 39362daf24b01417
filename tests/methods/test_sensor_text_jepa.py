"""Sensor-text JEPA: what its loss is made of, what its target does, and what its embeddings promise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from text_windows import TEXT, batch, generator, variant
from torch.nn import functional

from sslts import ops
from sslts.config import Channel, ComponentRef
from sslts.errors import ChannelError, ConfigError
from sslts.interfaces import build
from sslts.methods.drawn import draw_views
from sslts.methods.text_head import richness
from sslts.types import TEXTS, SensorBatch, Tokens


def test_the_loss_is_the_seeds_objective_written_a_second_way(method):
    """Latent distance to the target's normalised tokens at hidden places, plus the squared distance of unit vectors, plus, between what is
    seen and what is hidden of a window, the cross-entropy of finding the partner among all windows of the batch."""
    given = batch()
    loss = method.training_loss(given, generator=generator())
    made = generator()
    whole = method.tokenise(given)
    masker = method.maskers["block"]
    torch.randint(1, (1,), generator=made)  # how many sensors
    torch.rand(1, generator=made)  # whether descriptions are vague
    torch.randint(1, (1,), generator=made)  # which masker
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

    def features(seen: Tokens) -> torch.Tensor:
        return torch.cat([method.aggregator(seen), method.predictor.summarise(seen)], dim=1).clamp(-3, 3)

    def unit(values: torch.Tensor) -> torch.Tensor:
        return values / values.square().sum(1, keepdim=True).sqrt()

    channels = torch.tensor([len(set(context.channel[row][context.valid[row]].tolist())) for row in range(4)])
    rich = (channels**4 / (channels**4 + 40**4))[:, None]
    weight, width = method.head.meaning.weight.T, features(context).shape[1]
    mapped = (1 - rich) * (features(context) @ weight[:width]) + rich * (features(context) @ weight[width:-1] + weight[-1])
    meaning = unit(mapped + method.head.meaning.bias)
    semantic = (meaning - unit((method.text_encoder(TEXT) - method.text_space.centre) @ method.text_space.stretch)).square().sum(1).mean()
    torch.rand(1, generator=made)  # which text
    sits = ["accelerometer c0 wrist sensor a person is walking", "accelerometer c0 person sensor a person is walking"]
    views = draw_views(given.present(), sits, generator=made)
    seen = [method.tokenise(given, drawn, encoder=method.moments) for drawn in views]
    first, second = (unit(method.moments.encode(tokens).values[:, 0]) for tokens in seen)
    alike = first @ second.T / 0.1
    agreement = -(alike.diagonal() - torch.logsumexp(alike, 1) + alike.diagonal() - torch.logsumexp(alike, 0)).mean() / 2
    expected = {"latent": total / places, "semantic": semantic, "agreement": agreement}
    assert set(loss.parts) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(loss.parts[name], value.detach(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(loss.total, sum(expected.values()), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("term", ["latent", "semantic", "agreement"])
def test_a_weight_multiplies_its_own_term_and_none_leaves_it_out(method, term):
    base, tripled, without = (
        variant(method, **{f"{term}_weight": weight}).training_loss(batch(), generator=generator()).parts for weight in (1.0, 3.0, 0.0)
    )
    for name in base:
        torch.testing.assert_close(tripled[name], (3 if name == term else 1) * base[name])
    assert set(without) == set(base) - {term}


def test_a_loss_without_terms_is_refused(method):
    empty = variant(method, latent_weight=0.0, semantic_weight=0.0, agreement_weight=0.0)
    with pytest.raises(ConfigError, match="Every term of the loss has weight 0"):
        empty.training_loss(batch(), generator=generator())


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


def test_an_embedding_is_what_is_kept_what_compares_with_sensors_and_what_it_means(method):
    method.eval()
    values = method.embed(batch())
    kept, moment, meaning = method.widths
    assert (kept, moment, meaning) == (method.head.keep, 4, method.text_dim)
    assert values.shape == (4, kept + moment + meaning) == (4, method.embed_dim)
    context = method.encoder.encode(method.tokenise(batch()))
    features = torch.cat([method.aggregator(context), method.predictor.summarise(context)], dim=1)
    torch.testing.assert_close(values[:, :kept], method.head.kept(features, richness(context)))
    told = method.head(features, richness(context))
    seen = method.moments.encode(method.tokenise(batch(), encoder=method.moments)).values[:, 0]
    torch.testing.assert_close(values[:, kept : kept + moment], functional.normalize(seen, dim=1))
    torch.testing.assert_close(method.in_text_space(values), told)
    torch.testing.assert_close(method.in_sensor_space(values), torch.cat([functional.normalize(seen, dim=1), told], dim=1) / 2**0.5)
    for space in (method.in_text_space(values), method.in_sensor_space(values)):
        torch.testing.assert_close(space.norm(dim=1), torch.ones(4))


def test_without_an_encoder_of_moments_sensors_are_compared_by_meaning(method):
    plain = variant(method, moments=None, agreement=None)
    assert plain.widths[1] == 0
    values = plain.embed(batch())
    torch.testing.assert_close(plain.in_sensor_space(values), plain.in_text_space(values))
    assert "agreement" not in plain.training_loss(batch(), generator=generator()).parts


@pytest.mark.parametrize("missing", ["moments", "agreement"])
def test_moments_and_what_trains_them_are_named_together_to_train(method, missing):
    half = variant(method, **{missing: None})
    half.embed(batch())
    with pytest.raises(ConfigError, match="name both"):
        half.training_loss(batch(), generator=generator())


def test_windows_that_were_padded_or_hardly_seen_take_no_part_in_the_agreement(method):
    given = batch(6)
    torn = given.signals["wrist"].observed.clone()
    torn[1, :, 40:] = False  # padded
    torn[4, :, 10:] = False  # less than half of it seen: no token
    worse = {**given.signals, "wrist": replace(given.signals["wrist"], observed=torn)}
    found = method._agreement(method.agreement, method.moments, SensorBatch(worse, given.keys), generator()).item()
    drawn = draw_views(given.present(), ["wrist", "person"], generator=generator())
    made = [method._moment(method.moments, given, view) for view in drawn]
    weight = torch.tensor([True, False, True, True, False, True])
    assert found == pytest.approx(method.agreement(*made, weight).total.item(), abs=1e-5)
    assert found != pytest.approx(method.agreement(*made).total.item(), abs=1e-3)


def test_without_an_aggregator_the_mean_of_the_tokens_is_kept(method):
    method.aggregator = None
    plain = variant(method)
    plain.head = type(plain.head)(32, plain.text_dim, keep=16)
    context = plain.encoder.encode(plain.tokenise(batch()))
    torch.testing.assert_close(plain._features(context)[:, :16], ops.pooled_mean(context))
    assert plain.embed(batch()).isfinite().all()


def test_texts_are_compared_in_the_text_space(method):
    vectors = method.text_encoder(TEXT)
    method.text_space.fit(vectors)
    found = method.embed_text(TEXT)
    torch.testing.assert_close(found, method.text_space(vectors))
    torch.testing.assert_close(found.norm(dim=1), torch.ones(4))
    assert torch.equal(method.embed_text(TEXT[::-1]), found.flip(0))


def test_a_texts_vector_does_not_depend_on_what_else_was_asked_for(method):
    """A resumed run asks in other groups; its last bits must be those of a run in one piece."""
    together = method.vectors(TEXT)
    method._known.clear()
    alone = torch.cat([method.vectors([text]) for text in reversed(TEXT)]).flip(0)
    assert torch.equal(together, alone)


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


@pytest.mark.parametrize("objective", ["smooth-l1", "multi-resolution-l1"])
@pytest.mark.parametrize("alignment", ["text-contrast", "siglip"])
def test_distances_and_alignments_are_components(method, objective, alignment):
    method.objective = build("objective", ComponentRef(name=objective), "objective")
    method.alignment = build("objective", ComponentRef(name=alignment), "alignment")
    loss = method.training_loss(batch(), generator=generator())
    assert loss.total.isfinite()
    assert set(loss.parts) == {"latent", "semantic", "agreement"}


def test_local_reconstruction_and_a_regulariser_run_beside(method):
    facts = {"token_dim": method.encoder.embed_dim, "text_dim": method.text_dim}
    width = method.tokenise(batch()).values.shape[-1]
    method.decoder = build("predictor", ComponentRef(name="latent", options={"out_dim": width, "dim": 8, "heads": 2}), "decoder", facts)
    method.regulariser = build("objective", ComponentRef(name="sigreg"), "regulariser")
    loss = method.training_loss(batch(), generator=generator())
    assert set(loss.parts) == {"latent", "semantic", "agreement", "local", "regulariser"}
    loss.total.backward()
    unused = {name for name, parameter in method.decoder.named_parameters() if parameter.grad is None}
    assert unused == {"whole"}, "a decoder is not asked to summarise"


def test_a_channel_that_says_nothing_is_asked_for_by_name(method):
    part = batch().signals["wrist"]
    bare = tuple(Channel(name=f"ch{i}", kind="unknown", unit="1") for i in range(3))
    with pytest.raises(ChannelError, match=r"Channels 'ch0' .*, 'ch1' .*, 'ch2' .* have no description"):
        method.embed(SensorBatch({"wrist": replace(part, channels=bare)}))
