"""A fixed description of a whole window or clip, for any channels: `kernel-shares`.

The shapes of the channels at several time scales (`descriptors.shares`) and their course (means of stretches), then principal components
fitted on training windows, without labels. Nothing in it is trained: a strong and cheap unimodal view beside a trained encoder.
"""

from __future__ import annotations

from typing import ClassVar, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from sslts import ops
from sslts.config import Channel, ComponentConfig
from sslts.encoders.bridge import bridged
from sslts.encoders.descriptors.reduction import Reduction
from sslts.encoders.descriptors.shares import LENGTH, KernelShares, response_range
from sslts.errors import ChannelError, ConfigError, LengthError
from sslts.interfaces import Encoder
from sslts.types import ClipClock, Signal, Tokens

_LEAST = 1e-6


@final
class KernelShareEncoder(Encoder):
    """[B, C, T] -> one token a window, [B, 1, embed_dim]: leading principal components, each of unit variance over training windows.

    Raises:
        ChannelError, LengthError: other channels or another number of samples than it was built for.
    """

    class Config(ComponentConfig):
        """channels, points: C and T; octaves: halvings of the rate plus one; thresholds: shares of each kernel; stretches: the course is
        told by means of so many equal parts; magnitude: the length of each three channels counts as a channel of its own; embed_dim:
        components that are kept; clip: bound of standardised numbers, in deviations."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels", "points", "embed_dim")

        channels: int = Field(ge=1, le=256)
        points: int = Field(ge=LENGTH, le=65_536)
        octaves: int = Field(default=4, ge=1, le=12)
        thresholds: int = Field(default=2, ge=1, le=8)
        stretches: int = Field(default=8, ge=0, le=256)
        magnitude: bool = True
        embed_dim: int = Field(default=192, ge=1, le=4096)
        clip: float = Field(default=4.0, gt=0, le=100)

    config: Config
    mean: Tensor
    scale: Tensor
    ranges: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if config.points // 2 ** (config.octaves - 1) < LENGTH:
            raise ConfigError(f"{config.points} points halved {config.octaves - 1} times leave fewer than {LENGTH}: use fewer octaves.")
        channels = config.channels + (config.channels // 3 if config.magnitude and config.channels % 3 == 0 else 0)
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("ranges", torch.zeros(config.octaves, channels, 2))
        self.shares = KernelShares(self.ranges, thresholds=config.thresholds)
        numbers = channels * (config.octaves * 84 * config.thresholds + config.stretches + 1)
        self.reduce = Reduction(numbers, config.embed_dim, keep=config.embed_dim, clip=config.clip, least=1e-4)
        self.embed_dim = config.embed_dim

    @classmethod
    def example(cls) -> KernelShareEncoder:
        """Three channels of 32 points, 16 components."""
        made = cls.create(channels=3, points=32, octaves=2, thresholds=1, stretches=2, embed_dim=16)
        made.prepare(made.example_signal(24))
        return made

    def example_signal(self, batch: int = 2) -> Signal:
        """Noise."""
        values = torch.randn(batch, self.config.channels, self.config.points, generator=torch.Generator().manual_seed(0))
        channels = tuple(Channel(name=f"c{index}", kind="example", unit="a.u.") for index in range(self.config.channels))
        return Signal(values, channels, ClipClock(), torch.ones(batch, dtype=torch.bool), torch.ones(values.shape, dtype=torch.bool))

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T] -> [B, 1, embed_dim]."""
        _, kept = self.reduce(self._described(self._channels(signal)))
        return ops.sequence_tokens(kept[:, None], signal.usable.any(-1).any(-1)[:, None], signal)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """The same tokens, hidden ones no longer valid."""
        return tokens if visible is None else tokens.keep(visible)

    @torch.no_grad()
    def prepare(self, signal: Signal) -> None:
        """Fit scales, thresholds and principal components to training windows. No labels."""
        rows = signal.usable.any(-1).any(-1)
        if int(rows.sum()) < 2:
            return
        values = self._channels(signal.select(rows))
        self.mean.copy_(values.mean((0, 2)))
        deviation = values.std((0, 2), correction=0)
        self.scale.copy_(torch.where(deviation > _LEAST, deviation, torch.ones_like(deviation)))
        self.ranges.copy_(response_range(self._standard(values), self.config.octaves))
        self.reduce.fit(self._described(values))

    def _channels(self, signal: Signal) -> Tensor:
        config = self.config
        if signal.values.dim() != 3 or signal.values.shape[1] != config.channels:
            raise ChannelError(f"kernel-shares was built for {config.channels} channels [B, C, T], got {tuple(signal.values.shape)}.")
        if signal.values.shape[2] != config.points:
            raise LengthError(f"kernel-shares was built for {config.points} samples, got {signal.values.shape[2]}. Resample first.")
        values = bridged(signal)
        if config.magnitude and config.channels % 3 == 0:
            lengths = torch.linalg.vector_norm(values.unflatten(1, (-1, 3)), dim=2)
            values = torch.cat([values, lengths], dim=1)
        return values

    def _standard(self, values: Tensor) -> Tensor:
        return (values - self.mean[:, None]) / self.scale[:, None]

    def _described(self, values: Tensor) -> Tensor:
        """[B, C, T] -> shares, course and deviation of every channel, [B, F]."""
        standard = self._standard(values)
        self.shares.log_range = self.ranges
        parts = [self.shares(standard), standard.std(-1, correction=0)]
        if self.config.stretches:
            parts.append(functional.adaptive_avg_pool1d(standard, self.config.stretches).flatten(1))
        return torch.cat(parts, dim=1)
