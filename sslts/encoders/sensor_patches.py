"""A sensor's axes cut into patches of time (Mu-MAE, arXiv:2408.04243): `sensor-patches`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self, final

import torch
from einops import rearrange
from pydantic import Field, model_validator
from torch import Tensor

from sslts import ops
from sslts.config import Channel, ComponentConfig
from sslts.encoders.patch_encoder import PatchEncoder
from sslts.encoders.patches import read_at
from sslts.errors import ChannelError
from sslts.types import ClipClock, Signal, Tokens

#: Below this range an axis is constant: it is centred and not stretched.
_LEAST = 1e-6


@final
class SensorPatches(PatchEncoder):
    """[B, C, T] -> one token a slot of time with all axes, [B, slots, C * points / slots].

    The clip is read at `points` evenly spaced moments, whatever its rate or length. A slot is valid where at least one sample was observed;
    lost samples stand at the mean of the others.

    # differs from the released code: patches are contiguous (there a token holds every 16th sample), and a constant axis becomes 0 (there
    # it is divided by zero).

    Raises:
        ChannelError: another number of axes than it was built for.
    """

    class Config(ComponentConfig):
        """channels; points: moments at which a clip is read; slots: tokens of a clip; scale: "min-max" brings each axis of a clip to 0..1,
        as the paper does, "none" keeps the unit; embed_dim, depth, heads: of the ViT (depth 0: patches only, for a joint encoder)."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels",)

        channels: int = Field(ge=1, le=1024)
        points: int = Field(default=128, ge=1, le=65_536)
        slots: int = Field(default=16, ge=1, le=4096)
        scale: Literal["min-max", "none"] = "min-max"
        embed_dim: int = Field(default=192, ge=1, le=4096)
        depth: int = Field(default=0, ge=0, le=64)
        heads: int = Field(default=3, ge=1, le=64)

        @model_validator(mode="after")
        def _divides(self) -> Self:
            if self.points % self.slots:
                raise ValueError(f"{self.points} points cannot be cut into {self.slots} slots")
            if self.embed_dim % self.heads:
                raise ValueError(f"{self.heads} heads do not divide embed_dim {self.embed_dim}")
            return self

    config: Config

    def __init__(self, config: Config) -> None:
        numbers = config.channels * (config.points // config.slots)
        super().__init__(config, patch=numbers, dim=config.embed_dim, depth=config.depth, heads=config.heads)

    @classmethod
    def example(cls) -> SensorPatches:
        """Three axes, 32 points in 4 slots."""
        return cls.create(channels=3, points=32, slots=4, embed_dim=16, depth=1, heads=2)

    def example_signal(self, batch: int = 2) -> Signal:
        """Noise of 50 samples."""
        values = torch.randn(batch, self.config.channels, 50, generator=torch.Generator().manual_seed(0))
        channels = tuple(Channel(name=f"c{index}", kind="accelerometer", unit="g") for index in range(self.config.channels))
        return Signal(values, channels, ClipClock(), torch.ones(batch, dtype=torch.bool), torch.ones_like(values, dtype=torch.bool))

    @property
    def grid(self) -> tuple[int, int, int]:
        """Slots of time."""
        return self.config.slots, 1, 1

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T] -> raw patches [B, slots, C * points / slots], axis after axis."""
        config = self.config
        if signal.values.dim() != 3 or signal.values.shape[1] != config.channels:
            raise ChannelError(f"SensorPatches was built for {config.channels} axes [B, C, T], got {tuple(signal.values.shape)}.")
        seen = signal.usable
        values = ops.filled(signal)
        mean = ops.masked_mean(values, seen, 2)[..., None]
        values = torch.where(seen, values, mean)
        if config.scale == "min-max":
            low, high = values.amin(-1, keepdim=True), values.amax(-1, keepdim=True)
            steady = high - low < _LEAST
            values = torch.where(steady, torch.zeros_like(values), (values - low) / torch.where(steady, torch.ones_like(high), high - low))
        read = read_at(values, config.points)
        share = read_at(seen.any(1).to(values.dtype), config.slots)
        return ops.sequence_tokens(rearrange(read, "b c (s p) -> b s (c p)", s=config.slots), share > 0, signal)

    def assembled(self, patches: Tensor) -> Tensor:
        """[B, slots, C * points / slots] -> [B, C, points]."""
        return rearrange(patches, "b s (c p) -> b c (s p)", c=self.config.channels)
