"""timm's backbones inside sslts: the promises of an encoder, whatever the backbone."""

from __future__ import annotations

import pytest
import torch

from sslts import registry
from sslts.errors import ChannelError, ConfigError, HubError, UnknownComponentError
from sslts.testing import conformance_cases
from sslts_timm.frames import Frames

SIZES = {"channels": 1, "height": 32, "width": 32, "embed_dim": 8}


@pytest.mark.parametrize("case", conformance_cases(Frames), ids=str)
def test_conformance_of_a_convolutional_network(case):
    case()


TRANSFORMER = conformance_cases(Frames, example=Frames.create(model="test_vit", **SIZES))


@pytest.mark.parametrize("case", TRANSFORMER, ids=str)
def test_conformance_of_a_transformer(case):
    case()


def test_sslts_finds_it():
    assert registry.get("encoder", "timm.frames") is Frames


def test_a_token_is_what_the_backbone_makes_of_its_frame():
    encoder = Frames.example().eval()
    film = encoder.example_signal(2)
    with torch.no_grad():
        made = encoder.encode(encoder.tokenize(film)).values
        alone = encoder.enter(encoder.backbone(film.values[1, :, 2][None]))
    torch.testing.assert_close(made[1, 2], alone[0], rtol=1e-4, atol=1e-5)


def test_a_frozen_backbone_takes_no_gradients_and_keeps_its_statistics():
    encoder = Frames.create(model="test_resnet", frozen=True, **SIZES).train()
    before = {name: tensor.clone() for name, tensor in encoder.backbone.state_dict().items()}
    encoder.encode(encoder.tokenize(encoder.example_signal())).values.sum().backward()
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.backbone.state_dict().items())
    assert all(parameter.grad is None for parameter in encoder.backbone.parameters())
    assert encoder.enter.weight.grad is not None


def test_an_unknown_backbone_suggests_the_nearest():
    with pytest.raises(UnknownComponentError, match="Did you mean 'resnet18'"):
        Frames.create(model="resnet81", channels=1)


def test_a_backbone_that_widens_its_features_before_the_classifier_is_read_as_it_is():
    encoder = Frames.create(model="mobilenetv3_small_050", **SIZES).eval()
    made = encoder.encode(encoder.tokenize(encoder.example_signal(2)))
    assert made.values.shape == (2, 3, 8)


def test_training_starts_from_the_weights_that_the_config_names(monkeypatch):
    encoder = Frames.create(model="test_resnet", weights="test_resnet.r160_in1k", frozen=True, **SIZES).train()
    asked = []
    monkeypatch.setattr(encoder, "start_from", asked.append)
    encoder.prepare(encoder.example_signal())
    assert asked == ["test_resnet.r160_in1k"]


def test_weights_of_another_architecture_are_refused():
    with pytest.raises(ConfigError, match="no set of weights for 'test_resnet'"):
        Frames.example().start_from("resnet18.a1_in1k")


def test_weights_that_timm_does_not_know_are_a_typed_error():
    with pytest.raises(HubError, match="could not give the weights 'test_resnet.nonsense'"):
        Frames.example().start_from("test_resnet.nonsense")


def test_frames_that_others_lost_do_not_enter_batch_statistics():
    """Rows with lost frames are packed together with padding, which training must not see."""
    film = Frames.example().example_signal(2)
    film.observed[1, :, 1:] = False
    found = []
    for count in (1, 2):
        torch.manual_seed(0)
        encoder = Frames.example().train()
        whole = encoder.tokenize(film)
        rows = [encoder.tokenize(film.select(torch.tensor([True, False])))] if count == 1 else [whole]
        with torch.no_grad():
            found.append(encoder.encode(rows[0]).values[0])
    alone, beside = found
    assert not torch.allclose(alone, beside), "batch statistics are of all frames that are there"
    torch.manual_seed(0)
    encoder = Frames.example().train()
    with torch.no_grad():
        read = encoder.backbone(torch.cat([film.values[0].transpose(0, 1), film.values[1, :, :1].transpose(0, 1)]))
        torch.testing.assert_close(beside, encoder.enter(read)[:3], rtol=1e-4, atol=1e-5)


def test_the_spec_says_how_large_frames_are():
    from sslts.config import ComponentRef
    from sslts.interfaces import build

    made = build("encoder", ComponentRef(name="timm.frames", options={"model": "test_resnet"}), "e", {"height": 64, "width": 48})
    assert made._frame == (3, 64, 48)


def test_what_is_no_such_video_is_refused():
    with pytest.raises(ChannelError, match="frames of 32 x 32"):
        Frames.example().tokenize(Frames.create(model="test_resnet", **SIZES).example_signal())
