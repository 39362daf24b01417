"""Saving and loading: bit by bit, and a changed model is refused."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from small_recordings import assert_same, recording
from tiny_e4 import CARD, tiny_model

import sslts
from sslts.config import SensorSpec
from sslts.errors import (
    ArtefactError,
    ConfigError,
    DeviceError,
    GoldenMismatchError,
    SslTsError,
    UnknownModelError,
    WeightsMismatchError,
)
from sslts.golden import golden_batch
from sslts.hub import artefact, catalogue
from sslts.model import Model, from_folder, load


@pytest.fixture
def model(small_spec: SensorSpec) -> Model:
    return tiny_model(small_spec)


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    return model.save(tmp_path / "models" / "tiny", card=CARD)


def rewritten(folder: Path, model: Model, state: Mapping[str, torch.Tensor]) -> Path:
    """The folder with other weights and the right sha256 of them: only what the weights compute can give the change away."""
    return artefact.write(folder, artefact.read_config(folder), state, CARD, {}, overwrite=True)


def test_what_is_saved_loads_bit_by_bit(model, folder, tmp_path):
    loaded = load(folder)
    assert_same(loaded.encode(recording()), model.encode(recording()))
    state = loaded.method.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in model.method.state_dict().items())
    again = loaded.save(tmp_path / "again", card=CARD)
    for name in ("model.safetensors", "config.json", "README.md"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_a_loaded_model_is_in_eval_mode_and_keeps_no_gradient(folder):
    loaded = from_folder(folder)
    assert not any(module.training for module in loaded.method.modules())
    assert not loaded.embed(golden_batch(loaded.config.spec, 1)).requires_grad
    assert loaded.device == torch.device("cpu")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "meta"])
def test_a_device_that_is_not_there_is_refused_before_anything_is_fetched(folder, device, monkeypatch):
    with pytest.raises(DeviceError, match=f"device '{device}' cannot be used .*This machine has cpu"):
        from_folder(folder, device=device)
    monkeypatch.setattr("sslts.model.resolve", lambda *_, **__: pytest.fail("looked for the model first"))
    with pytest.raises(DeviceError):
        load("hf:org/repo", device=device)


def test_a_model_that_computes_something_else_than_published_is_refused(model, folder):
    state = {name: tensor.clone() for name, tensor in model.method.state_dict().items()}
    name = next(name for name in state if name.startswith("encoders.acc") and state[name].dim() > 1)
    state[name].flatten()[0] += 0.5  # one weight: a shift of all of them is undone by the layer norm
    rewritten(folder, model, state)
    with pytest.raises(GoldenMismatchError, match="does not reproduce its golden embedding"):
        load(folder)


def test_weights_without_a_golden_embedding_are_refused(model, folder):
    config = artefact.read_config(folder).model_copy(update={"golden": None})
    artefact.write(folder, config, model.method.state_dict(), CARD, {}, overwrite=True)
    with pytest.raises(GoldenMismatchError, match="Save it again"):
        load(folder)


def test_a_flipped_bit_in_the_weights_is_found(folder):
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ArtefactError, match="sha256"):
        load(folder)


def test_weights_of_another_model_are_refused_by_name(model, folder, small_spec):
    other = tiny_model(small_spec.model_copy(update={"modalities": small_spec.named[:1]}))
    rewritten(folder, model, other.method.state_dict())
    with pytest.raises(WeightsMismatchError, match=r"encoders\.eda"):
        load(folder)


@pytest.mark.parametrize("filters", [[4096, 4096, 4096], [4096] * 16])
def test_a_small_file_cannot_ask_for_a_large_network(folder, monkeypatch, filters):
    """A config of a few hundred bytes may describe hundreds of gigabytes: nothing of the kind is allocated."""
    made: list[int] = []
    empty = torch.empty

    def watch(*size, **named):
        tensor = empty(*size, **named)
        made.append(tensor.numel())
        return tensor

    path = folder / "config.json"
    config = json.loads(path.read_text())
    for role, part in config["components"].items():
        if role.startswith("encoders."):
            part["options"].update(filters=filters, kernels=[4096] * len(filters), strides=[1] * len(filters))
    path.write_text(json.dumps(config))
    monkeypatch.setattr(torch, "empty", watch)
    with pytest.raises(ArtefactError, match="The two do not belong together"):
        load(folder)
    assert sum(made) < 5_000_000


def test_an_unknown_key_in_the_config_is_refused(folder):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "trust_me": True}))
    with pytest.raises(ConfigError, match="trust_me"):
        load(folder)


def test_a_folder_that_is_none_says_so(tmp_path):
    with pytest.raises(SslTsError, match=r"nowhere|config\.json"):
        load(tmp_path / "nowhere")


def test_a_misspelt_name_is_answered_with_the_nearest(folder, monkeypatch):
    monkeypatch.setattr(catalogue, "bundled_folders", lambda: {"tiny": folder})
    with pytest.raises(UnknownModelError, match="Did you mean 'tiny'"):
        load("tinny")


def test_loading_from_disk_opens_no_connection(folder, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(catalogue, "bundled_folders", lambda: {"tiny": folder})
    for reference in (folder, f"dir:{folder}", "tiny"):
        assert len(sslts.load(reference).encode(recording())) == 9


def test_a_model_saved_in_half_precision_embeds_as_its_file_does(tmp_path):
    from tiny_mae import tiny_mae

    from sslts.golden import golden_batch
    from sslts.hub import artefact
    from sslts.model import from_folder

    model = tiny_mae()
    whole = model.save(tmp_path / "whole")
    half = model.save(tmp_path / "half", half=True)
    weights = [folder / "model.safetensors" for folder in (whole, half)]
    assert [artefact.is_half(path) for path in weights] == [False, True]
    assert weights[1].stat().st_size < 0.6 * weights[0].stat().st_size
    again = from_folder(half)
    again.check_golden()
    batch = golden_batch(model.config.spec, 3)
    assert torch.equal(again.embed(batch), model.embed(batch))


def test_a_model_that_cannot_be_written_in_half_precision_stays_as_it_is(tmp_path):
    from tiny_mae import tiny_mae

    model = tiny_mae()
    weight = next(model.method.parameters())
    with torch.no_grad():
        weight.view(-1)[0] = 1e5
    before = {name: tensor.clone() for name, tensor in model.method.state_dict().items()}
    with pytest.raises(ArtefactError, match=r"beyond float16 \(65504\). Save it with half=False"):
        model.save(tmp_path / "half", half=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with torch.no_grad():
        weight.view(-1)[0] = before_first = 0.1234567
    with pytest.raises(ArtefactError, match="not empty"):
        model.save(tmp_path / "full", half=True)
    assert weight.view(-1)[0] == torch.tensor(before_first), "not rounded"
    del before[next(name for name, parameter in model.method.named_parameters() if parameter is weight)]
    assert all(torch.equal(model.method.state_dict()[name], tensor) for name, tensor in before.items())
