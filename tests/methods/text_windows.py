"""Windows of two sensors with texts, and a small sensor-text JEPA under other options, for the tests of that method."""

from __future__ import annotations

import torch

from sslts.config import Channel
from sslts.methods.sensor_text_jepa import SensorTextJEPA
from sslts.types import TEXTS, RateClock, SensorBatch, Signal

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


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def variant(method: SensorTextJEPA, **options: object) -> SensorTextJEPA:
    """The same parts under other options, or with another part in one of the roles, ready to train."""
    roles = ("encoder", "predictor", "text_encoder", "aggregator", "objective", "alignment", "agreement", "moments")
    parts = {role: options.pop(role, getattr(method, role)) for role in roles}
    made = SensorTextJEPA(method.config.model_copy(update=options), maskers=dict(method.maskers), **parts)
    made.head = method.head
    made.start_training()
    return made
