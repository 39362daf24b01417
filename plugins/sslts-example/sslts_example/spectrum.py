"""What a stretch of signal does in frequency, as tokens: `example.spectrum`."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from sslts import ops
from sslts.config import Channel, ComponentConfig
from sslts.errors import ChannelError, LengthError
from sslts.interfaces import Encoder
from sslts.types import RateClock, Signal, Tokens


@final
class Spectrum(Encoder):
    """[B, C, T] -> one token a stretch, [B, T // samples, embed_dim]: log power of each channel in bands, then two layers.

    Raises:
        ChannelError: the signal has another number of channels than it was built for.
        LengthError: the window is shorter than one stretch.
    """

    #: `encode` drops hidden tokens before it computes anything.
    drops_tokens: ClassVar[bool] = True

    class Config(ComponentConfig):
        """channels: C, filled in from the model's spec; samples: of a stretch; bands: of its spectrum; embed_dim: D."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels",)

        channels: int = Field(ge=1, le=256)
        samples: int = Field(default=32, ge=4, le=65_536)
        bands: int = Field(default=8, ge=1, le=1024)
        embed_dim: int = Field(default=32, ge=1, le=4096)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        self.enter = nn.Linear(config.channels * config.bands, config.embed_dim)
        self.leave = nn.Linear(config.embed_dim, config.embed_dim)

    @classmethod
    def example(cls) -> Spectrum:
        """Two channels, quarter-second stretches."""
        return cls.create(channels=2, samples=8, bands=3, embed_dim=6)

    def example_signal(self, batch: int = 2) -> Signal:
        """A second of noise at 32 Hz."""
        values = torch.randn(batch, self.config.channels, 32, generator=torch.Generator().manual_seed(0))
        channels = tuple(Channel(name=f"c{index}", kind="example", unit="a.u.") for index in range(self.config.channels))
        return Signal(values, channels, RateClock(32.0), torch.ones(batch, dtype=torch.bool), torch.ones_like(values, dtype=torch.bool))

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T] -> [B, T // samples, C * bands]; what is left over at the end of a window is not read."""
        samples = self.config.samples
        if signal.values.shape[1] != self.config.channels:
            raise ChannelError(f"Spectrum was built for {self.config.channels} channels, got {signal.values.shape[1]}.")
        if signal.values.shape[2] < samples:
            raise LengthError(f"Spectrum needs windows of {samples} samples, got {signal.values.shape[2]}. Lower the option samples.")
        # Lost samples become 0: `filled` never multiplies, because NaN times zero is NaN.
        stretches = ops.filled(signal).unfold(2, samples, samples)
        power = torch.log1p(torch.fft.rfft(stretches, norm="ortho").abs().square())
        bands = functional.adaptive_avg_pool1d(power.flatten(1, 2), self.config.bands).unflatten(1, power.shape[1:3])
        seen = signal.usable.any(1).unfold(1, samples, samples).any(-1)
        return ops.sequence_tokens(bands.transpose(1, 2).flatten(2), seen, signal)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """[B, N, C * bands] -> [B, N or fewer, embed_dim]."""
        kept = ops.pack_tokens(tokens, tokens.valid if visible is None else tokens.valid & visible)
        values = self.leave(functional.gelu(self.enter(kept.values)))
        return replace(kept, values=torch.where(kept.valid[..., None], values, torch.zeros_like(values)))
