"""The components of sensor-text JEPA, built from a config: each learns the widths of those before it."""

from __future__ import annotations

from typing import Any

import torch

from sslts import registry
from sslts.config import Channel, ComponentRef, ModelConfig
from sslts.errors import ConfigError
from sslts.interfaces import DescribedEncoder, build
from sslts.types import TEXTS, RateClock, SensorBatch, Signal

_OPTIONAL = (
    ("aggregator", "aggregator"),
    ("objective", "objective"),
    ("alignment", "objective"),
    ("agreement", "objective"),
    ("decoder", "predictor"),
    ("regulariser", "objective"),
    ("moments", "encoder"),
)
#: Roles whose encoder must read descriptions, and the one that comes with sslts.
_DESCRIBED = {"encoder": "described-transformer", "moments": "described-waves"}


def build_parts(config: ModelConfig) -> dict[str, Any]:
    """{role: component}; None where the config names none. Only encoder, predictor and text tower are needed to embed.

    Raises:
        ConfigError: one of these three is missing, or the encoder does not read descriptions.
    """
    named = config.components
    for role in ("encoder", "predictor", "text_encoder"):
        if role not in named:
            raise ConfigError(f"components has no '{role}': sensor-text JEPA needs one.")
    for role, fitting in _DESCRIBED.items():
        if role in named and not issubclass(registry.get("encoder", named[role].name), DescribedEncoder):
            raise ConfigError(f"{role} '{named[role].name}' does not read channel descriptions. Use '{fitting}'.")
    text_encoder = build("text-encoder", named["text_encoder"], "text_encoder")
    facts: dict[str, Any] = {"text_dim": text_encoder.embed_dim}
    encoder = build("encoder", named["encoder"], "encoder", facts)
    facts["token_dim"] = encoder.embed_dim
    # In this order: fresh weights are a function of the seed and of who draws first.
    optional = {role: build(kind, named[role], role, facts) if role in named else None for role, kind in _OPTIONAL}
    maskers = {name: build("masker", ref, f"maskers.{name}") for name, ref in config.group("maskers").items()}
    predictor = build("predictor", named["predictor"], "predictor", facts)
    return {"encoder": encoder, "predictor": predictor, "text_encoder": text_encoder, "maskers": maskers, **optional}


def small_parts() -> dict[str, Any]:
    """Width 16 over a dozen words, for examples and conformance tests."""
    tower: Any = registry.get("text-encoder", "static")
    text = tower.example()
    facts = {"text_dim": text.embed_dim, "token_dim": 16}
    options = {"embed_dim": 16, "depth": 1, "heads": 2, "patch_s": 0.25, "points": 8}
    waves = {"embed_dim": 4, "width": 8, "points": 16, "hidden": 8}
    return {
        "encoder": build("encoder", ComponentRef(name="described-transformer", options=options), "encoder", facts),
        "predictor": build("predictor", ComponentRef(name="latent", options={"dim": 8, "depth": 1, "heads": 2}), "predictor", facts),
        "text_encoder": text,
        "aggregator": build("aggregator", ComponentRef(name="described", options={"slots": 4, "keep": 4}), "aggregator", facts),
        "maskers": {"block": build("masker", ComponentRef(name="block"), "maskers.block")},
        "objective": build("objective", ComponentRef(name="latent"), "objective"),
        "alignment": build("objective", ComponentRef(name="semantic"), "alignment"),
        "agreement": build("objective", ComponentRef(name="info-nce"), "agreement"),
        "moments": build("encoder", ComponentRef(name="described-waves", options=waves), "moments", facts),
    }


def small_batch(rows: int) -> SensorBatch:
    """Two seconds of noise of two sensors, and what somebody says of each window."""

    def noise(seed: int, place: str) -> Signal:
        values = torch.randn(rows, 3, 64, generator=torch.Generator().manual_seed(seed))
        channels = tuple(
            Channel(name=axis, kind="accelerometer", unit="g", position=place, description=f"acceleration of the {place} along {axis}")
            for axis in ("x", "y", "z")
        )
        return Signal(values, channels, RateClock(32.0), torch.ones(rows, dtype=torch.bool), torch.ones_like(values, dtype=torch.bool))

    said = ("a person is walking", "running", "sitting", "standing")
    return SensorBatch({"wrist": noise(0, "wrist"), "leg": noise(1, "leg")}, {TEXTS: [(said[row % 4],) for row in range(rows)]})
