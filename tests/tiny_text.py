"""Models that know text, for tests: one whose numbers can be worked out by hand, and a small untrained sensor-text JEPA."""

from __future__ import annotations

from typing import Any, Self, final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sslts import registry
from sslts.config import AnyChannels, ComponentRef, ModelConfig, SensorSpec
from sslts.data.recording import Recording
from sslts.interfaces import TextMethod, build
from sslts.methods.sensor_text_jepa import SensorTextJEPA
from sslts.model import Model

RATE_HZ = 10.0


@final
class Compass(TextMethod):
    """A window means what its two channels' means point at: east is (1, 0), north (0, 1). A text points at the words it names.

    The embedding is [the direction turned by 90 degrees | the direction]: so what compares with sensors is not what compares with texts.
    """

    def __init__(self, config: Any, text_encoder: Any) -> None:
        super().__init__(config)
        self.text_encoder = text_encoder
        self.embed_dim = 4
        self.register_buffer("temperature", torch.tensor(0.5))

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        return cls(cls.Config(), build("text-encoder", config.components["text_encoder"], "text_encoder"))

    @classmethod
    def example(cls) -> Self:
        return cls(cls.Config(), registry.get("text-encoder", "static").example())

    def embed(self, batch) -> Tensor:
        signal = next(iter(batch.signals.values()))
        east, north = (signal.values * signal.usable).mean(2).unbind(1)
        return torch.stack([-north, east, east, north], dim=1)

    def embed_text(self, texts) -> Tensor:
        points = {"east": (1.0, 0.0), "north": (0.0, 1.0), "west": (-1.0, 0.0), "south": (0.0, -1.0)}
        named = [[torch.tensor(points[word]) for word in points if word in text.lower()] for text in texts]
        return functional.normalize(torch.stack([sum(those) for those in named]), dim=1)

    def in_text_space(self, embeddings: Tensor) -> Tensor:
        return embeddings[:, 2:]

    def in_sensor_space(self, embeddings: Tensor) -> Tensor:
        return embeddings[:, :2]

    def training_loss(self, batch, *, generator):
        raise NotImplementedError


def _reference(tower: Any) -> ComponentRef:
    return ComponentRef(name="static", options=tower.config.model_dump(mode="json"))


def compass(*, name: str = "compass", window_s: float = 2.0) -> Model:
    """Windows of 2 s every 2 s, of any channels of kind "compass"."""
    method = Compass.example()
    config = ModelConfig(
        name=name,
        method=ComponentRef(name="sensor-text-jepa"),
        spec=SensorSpec(modalities=AnyChannels(rate_hz=RATE_HZ, units={"compass": "1"}), window_s=window_s, stride_s=window_s),
        components={"text_encoder": _reference(method.text_encoder)},
    )
    return Model(config, method.eval())


def walk(*points: tuple[float, float] | None, window_s: float = 2.0, start_unix: float | None = None, **named: Any) -> Recording:
    """A stretch of `window_s` seconds at each point in turn; None where the sensor is lost."""
    each = round(window_s * RATE_HZ)
    values = np.concatenate([np.tile(np.float32(point or (np.nan, np.nan)), (each, 1)) for point in points])
    made = Recording.from_arrays(
        {"way": values}, rate_hz=RATE_HZ, units={"way": "1"}, channels={"way": ["e", "n"]}, kinds={"way": "compass"}, **named
    )
    return made if start_unix is None else Recording(made.streams, made.subject, made.session, start_unix=start_unix)


def tiny_jepa(*, name: str = "tiny-jepa", seed: int = 0) -> Model:
    """Sensor-text JEPA with random weights: any accelerometers and gyroscopes at 25 Hz, windows of 2 s every 2 s."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        tower: Any = registry.get("text-encoder", "static").example()
        config = ModelConfig(
            name=name,
            method=ComponentRef(name="sensor-text-jepa"),
            spec=SensorSpec(modalities=AnyChannels(rate_hz=25, units={"accelerometer": "g", "gyroscope": "rad/s"}), window_s=2, stride_s=2),
            components={
                "encoder": ComponentRef(
                    name="described-transformer", options={"embed_dim": 16, "depth": 1, "heads": 2, "patch_s": 0.5, "points": 8}
                ),
                "predictor": ComponentRef(name="latent", options={"dim": 8, "depth": 1, "heads": 2}),
                "text_encoder": _reference(tower),
            },
        )
        method = SensorTextJEPA.from_config(config)
        method.text_encoder.load_state_dict(tower.state_dict())
        return Model(config, method.eval())
