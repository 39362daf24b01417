"""Mu-MAE: the sizes of the paper, what is hidden, and what its loss compares."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from sslts import ops
from sslts.config import ComponentRef, Preprocessing
from sslts.encoders.sensor_patches import SensorPatches
from sslts.errors import ConfigError
from sslts.golden import golden_batch
from sslts.interfaces import build
from sslts.maskers.tube import IndependentMasker, SynchronisedMasker
from sslts.methods.mu_mae import MuMAE
from sslts.predictors.patch_decoder import PatchDecoder
from sslts.training.recipe import load_recipe
from sslts.training.run import find_recipe, initialise
from sslts.types import SensorBatch


@pytest.fixture
def method() -> MuMAE:
    torch.manual_seed(0)
    return MuMAE.example()


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("size", "parameters"), [("small", 31_202_592), ("base", 122_713_056)])
def test_the_papers_models_have_exactly_their_numbers_of_parameters(size: str, parameters: int):
    """The released sizes, counted in the authors' code: 1568 + 4 x 16 tokens, one projection and one mask token for all decoders."""
    with torch.device("meta"):
        made = initialise(load_recipe(find_recipe(f"mu-mae-paper-{size}")), Preprocessing())
    assert isinstance(made, MuMAE)
    of_stage_1 = (made.encoders, made.joint, made.decoder)
    assert sum(parameter.numel() for part in of_stage_1 for parameter in part.parameters()) == parameters
    counts = [encoder.grid[0] * encoder.grid[1] * encoder.grid[2] for encoder in made._encoders().values()]
    assert counts == [1568, 16, 16, 16, 16]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["small", "base"])
def test_the_papers_models_take_a_step(size: str):
    recipe = load_recipe(find_recipe(f"mu-mae-paper-{size}"))
    torch.manual_seed(0)
    made = initialise(recipe, Preprocessing())
    optimiser = torch.optim.AdamW(made.parameters(), lr=1e-4)
    loss = made.training_loss(golden_batch(recipe.spec, 0), generator=drawn()).total
    loss.backward()
    optimiser.step()
    assert loss.isfinite()
    assert made.training_loss(golden_batch(recipe.spec, 0), generator=drawn()).total < loss


def test_the_paper_hides_176_of_196_tubes_and_14_of_16_slots_of_all_sensors():
    recipe = load_recipe(find_recipe("mu-mae-paper-small"))
    with torch.device("meta"):
        made = initialise(recipe, Preprocessing())
    plans = made.plans(made.tokenise(golden_batch(recipe.spec, 0)), generator=drawn())  # type: ignore[operator]
    hidden = {name: plan.targets[0] for name, plan in plans.items()}
    tubes = hidden["video"].view(2, 8, 196)
    assert tubes.sum(-1).unique().tolist() == [176]
    assert (tubes == tubes[:, :1]).all(), "a tube is hidden at every time or never"
    slots = torch.stack([mask for name, mask in hidden.items() if name != "video"])
    assert slots.shape == (4, 2, 16)
    assert slots.sum(-1).unique().tolist() == [14]
    assert (slots == slots[:1]).all(), "all sensors hide the same slots"


def test_the_loss_is_the_videos_error_and_half_of_each_sensors(method):
    """By a second formula: normalised hidden patches, one by one."""
    batch = method.example_batch(3)
    loss = method.training_loss(batch, generator=drawn(5))
    patches = method.tokenise(batch)
    plans = method.plans(patches, generator=drawn(5))
    context = method.encode(patches, {name: plan.visible[0] for name, plan in plans.items()})
    for index, (name, weight) in enumerate((("depth", 1.0), ("inertial", 0.5))):
        errors = []
        for row in range(3):
            wanted = plans[name].targets[0][row].nonzero()[:, 0]
            asked = patches[name]
            hidden = ops.pack_tokens(asked, plans[name].targets[0])
            made = method.decoder.decode(index, context, hidden)[row, : len(wanted)]
            truth = asked.values[row, wanted]
            truth = (truth - truth.mean(-1, keepdim=True)) / (truth.var(-1, keepdim=True) + 1e-6).sqrt()
            errors.append(functional.mse_loss(made, truth, reduction="none").mean(-1))
        torch.testing.assert_close(loss.parts[name], weight * torch.cat(errors).mean(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(loss.total, sum(loss.parts.values()))


def test_hidden_patches_decide_nothing_of_what_the_encoder_says(method):
    batch = method.eval().example_batch(2)
    patches = method.tokenise(batch)
    visible = {name: plan.visible[0] for name, plan in method.plans(patches, generator=drawn()).items()}
    junk = {
        name: replace(tokens, values=tokens.values.masked_fill(~visible[name][..., None], float("nan"))) for name, tokens in patches.items()
    }
    with torch.no_grad():
        assert torch.equal(method.encode(patches, visible).values, method.encode(junk, visible).values)


def test_what_is_not_hidden_is_given_back_as_it_was(method):
    batch = method.eval().example_batch(2)
    for part in method.inpainted(batch, generator=drawn()).values():
        assert (part.made == part.seen)[~part.hidden].all()
        assert part.hidden.any()


@pytest.mark.parametrize("options", [{"least": 1e-3}, {"normalise": False}])
def test_what_is_predicted_rightly_is_filled_in_as_it_was(method, options, monkeypatch):
    """Patches are brought back by what the loss took from them, at whatever level it is told to add to their variance."""
    method.objective = build("objective", ComponentRef(name="reconstruction", options=options), "objective")
    batch = method.eval().example_batch(2)
    faint = {name: replace(signal, values=0.03 * signal.values) for name, signal in batch.signals.items()}
    monkeypatch.setattr(type(method.decoder), "decode", lambda self, index, context, hidden: method.objective.target(hidden.values))
    for part in method.inpainted(SensorBatch(faint), generator=drawn()).values():
        assert part.hidden.any()
        torch.testing.assert_close(part.made, part.seen, rtol=1e-4, atol=1e-6)


def test_modalities_of_another_order_or_width_are_refused(method):
    batch = method.example_batch(2)
    with pytest.raises(ConfigError, match="in this order"):
        method.tokenise(SensorBatch(dict(reversed(batch.signals.items()))))
    wide = build(
        "encoder", ComponentRef(name="sensor-patches", options={"channels": 3, "points": 32, "slots": 4, "embed_dim": 8, "heads": 2}), "x"
    )
    with pytest.raises(ConfigError, match="embed_dim 8, the joint encoder 16"):
        MuMAE(method.config, encoders={"depth": wide}, joint=method.joint)


def test_pretraining_needs_its_parts_and_says_which(method):
    bare = MuMAE(method.config, encoders=dict(method.encoders.items()), joint=method.joint)
    with pytest.raises(ConfigError, match="'decoder', 'objective' and 'maskers'"):
        bare.training_loss(bare.example_batch(2), generator=drawn())
    with pytest.raises(ConfigError, match="Inpainting needs"):
        bare.inpainted(bare.example_batch(2), generator=drawn())
    with pytest.raises(ConfigError, match="without a fusion"):
        bare.fused(bare.views(bare.example_batch(2)))


def test_the_decoder_of_a_modality_sees_only_its_own_tokens(method):
    """As in the released code: what another modality shows reaches it through the encoder alone."""
    decoder = method.decoder
    assert isinstance(decoder, PatchDecoder)
    patches = method.tokenise(method.example_batch(2))
    plans = method.plans(patches, generator=drawn())
    context = method.encode(patches, {name: plan.visible[0] for name, plan in plans.items()})
    asked = ops.pack_tokens(patches["depth"], plans["depth"].targets[0])
    other = torch.where((context.modality == 1)[..., None], torch.randn_like(context.values), context.values)
    with torch.no_grad():
        assert torch.equal(decoder.decode(0, context, asked), decoder.decode(0, replace(context, values=other), asked))


def test_sensors_whose_slots_are_to_be_hidden_together_need_as_many():
    plain = MuMAE.example()
    encoders = dict(plain.encoders.items()) | {"other": SensorPatches.create(channels=3, points=32, slots=8, embed_dim=16, heads=2)}
    with pytest.raises(ConfigError, match="inertial 4, other 8"):
        MuMAE(plain.config, encoders=encoders, joint=plain.joint, maskers={"sensors": SynchronisedMasker.example()})
    MuMAE(plain.config, encoders=encoders, joint=plain.joint, maskers={"sensors": IndependentMasker.example()})
