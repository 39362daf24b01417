"""A text tower inside a model's folder: written, read, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Self, final

import pytest
import safetensors.torch
import torch
from torch import Tensor

from sslts import registry
from sslts.config import ComponentRef, ModelConfig, SensorSpec
from sslts.errors import TowerError
from sslts.hub import artefact
from sslts.interfaces import TextEncoder, TextMethod, build
from sslts.model import Model, from_folder
from sslts.text import load_static, static_ref
from sslts.text.by_reference import WEIGHTS
from sslts.text.minilm import MiniLM

TEXTS = ["walking", "a person is running"]


@final
class Words(TextMethod):
    """A method that is nothing but its text tower: a window means what the word "walking" means, as loud as its samples."""

    def __init__(self, config, text_encoder: TextEncoder) -> None:
        super().__init__(config)
        self.text_encoder = text_encoder
        self.embed_dim = text_encoder.embed_dim

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        return cls(cls.Config(), build("text-encoder", config.components["text_encoder"], "text_encoder"))

    @classmethod
    def example(cls) -> Self:
        raise NotImplementedError

    def embed(self, batch) -> Tensor:
        loudness = next(iter(batch.signals.values())).values.abs().mean((1, 2))
        return loudness[:, None] * self.text_encoder(["walking"])

    def embed_text(self, texts) -> Tensor:
        return self.text_encoder(texts)

    def in_text_space(self, embeddings: Tensor) -> Tensor:
        return embeddings

    def training_loss(self, batch, *, generator):
        raise NotImplementedError


@pytest.fixture
def make(small_spec: SensorSpec, monkeypatch):
    """A model around a tower, from its reference."""
    find = registry.get
    monkeypatch.setattr(registry, "get", lambda kind, name: Words if (kind, name) == ("method", "crossl") else find(kind, name))

    def made(ref: ComponentRef) -> Model:
        config = ModelConfig(name="tiny", method=ComponentRef(name="crossl"), spec=small_spec, components={"text_encoder": ref})
        return Model(config, Words.from_config(config).eval())

    return made


def test_a_folder_carries_the_static_tower_and_gives_the_same_vectors(make, tmp_path):
    model = make(static_ref())
    model.method.text_encoder.fill()
    folder = model.save(tmp_path / "tiny")
    loaded = from_folder(folder)
    torch.testing.assert_close(loaded.method.embed_text(TEXTS), load_static()(TEXTS), rtol=0, atol=0)
    assert loaded.config.components["text_encoder"] == static_ref()


def test_weights_rounded_to_float16_still_hold_the_named_tower(make, tmp_path):
    model = make(static_ref())
    model.method.text_encoder.fill()
    state = model.method.state_dict()
    artefact.write(tmp_path / "tiny", model.config, state, "# tiny\n", {}, half=True)
    again = make(static_ref()).method
    again.load_state_dict(artefact.load_weights(tmp_path / "tiny", again.state_dict()))
    torch.testing.assert_close(again.embed_text(TEXTS), load_static()(TEXTS), rtol=0, atol=0)


def test_a_tower_that_the_config_does_not_name_is_refused(make, tmp_path):
    model = make(static_ref())
    model.method.text_encoder.fill()
    other = ComponentRef(name="static", options={**static_ref().options, "sha256": "0" * 64})
    renamed = Model(model.config.model_copy(update={"components": {"text_encoder": other}}), model.method)
    folder = renamed.save(tmp_path / "tiny")
    with pytest.raises(TowerError, match=r"names static text tower .* get the model's folder again"):
        from_folder(folder)


def test_a_tower_by_reference_is_named_in_the_folder_and_filled_when_loaded(make, tmp_path, monkeypatch):
    example = MiniLM.example()
    model = make(ComponentRef(name="minilm", options=example.config.model_dump(mode="json")))
    with pytest.raises(TowerError, match="has no weights yet"):
        model.save(tmp_path / "unfilled")
    model.method.text_encoder._take(example._weights, list(example.pieces))
    folder = model.save(tmp_path / "tiny")
    assert safetensors.torch.load_file(folder / WEIGHTS) == {}

    def fill(tower: MiniLM, where: Path | None = None) -> None:
        tower._take(example._weights, list(example.pieces))

    asked = []
    monkeypatch.setattr("sslts.hub.towers.fetch_files", lambda *named, **_: asked.append(named) or tmp_path)
    monkeypatch.setattr(MiniLM, "fill", fill)
    loaded = from_folder(folder, offline=True)
    torch.testing.assert_close(loaded.method.embed_text(TEXTS), example(TEXTS), rtol=0, atol=0)
    assert asked == [("sslts/example", "0" * 40, example.origin.sha256)]
