"""Encoders that look right and are not: each breaks one promise, the way real ones do; and `Good`, which breaks none."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import final

import torch
from pydantic import Field
from torch import Tensor, nn

from sslts import ops
from sslts.config import Channel, ComponentConfig
from sslts.interfaces import Encoder
from sslts.types import RateClock, Signal, Tokens


class Patches(Encoder):
    """A small linear encoder of eight samples a token; what the bad encoders share. Not registered anywhere."""

    class Config(ComponentConfig):
        """channels: C; embed_dim: D."""

        channels: int = Field(default=2, ge=1, le=256)
        embed_dim: int = Field(default=8, ge=1, le=512)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        self.enter = nn.Linear(8 * config.channels, config.embed_dim)

    @classmethod
    def example(cls) -> Patches:
        return cls.create()

    def example_signal(self, batch: int = 2) -> Signal:
        values = torch.randn(batch, self.config.channels, 32, generator=torch.Generator().manual_seed(0))
        channels = tuple(Channel(name=f"c{index}", kind="example", unit="a.u.") for index in range(self.config.channels))
        every = torch.ones(batch, dtype=torch.bool)
        return Signal(values, channels, RateClock(32.0), every, torch.ones_like(values, dtype=torch.bool))

    def read(self, signal: Signal) -> Tensor:
        return ops.filled(signal)

    def tokenize(self, signal: Signal) -> Tokens:
        patches = self.read(signal).unfold(2, 8, 8).transpose(1, 2).flatten(2)
        seen = signal.usable.any(1).unfold(1, 8, 8).any(-1)
        return ops.sequence_tokens(patches, seen, signal)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        kept = tokens if visible is None else tokens.keep(visible)
        values = self.enter(kept.values)
        return Tokens(
            torch.where(kept.valid[..., None], values, torch.zeros_like(values)),
            kept.valid,
            kept.time_s,
            kept.modality,
            kept.channel,
            kept.cell,
        )


@final
class Good(Patches):
    """Breaks nothing."""


class NotFinal(Patches):
    """Can be subclassed."""


@final
class MultipliesByAMask(Patches):
    """NaN times zero is NaN."""

    def read(self, signal: Signal) -> Tensor:
        return signal.values * signal.usable


@final
class NormalisesOverTheBatch(Patches):
    """A row sees the others."""

    def read(self, signal: Signal) -> Tensor:
        values = ops.filled(signal)
        return values - values.mean(0, keepdim=True)


@final
class KeepsAPlainTensor(Patches):
    """Its scale stays on the CPU."""

    def __init__(self, config: Patches.Config) -> None:
        super().__init__(config)
        self.scale = torch.tensor(2.0)


@final
class ForgetsALayer(Patches):
    """A layer that nothing uses."""

    def __init__(self, config: Patches.Config) -> None:
        super().__init__(config)
        self.unused = nn.Linear(3, 3)


@final
class WritesWhenBuilt(Patches):
    """Keeps a log."""

    def __init__(self, config: Patches.Config) -> None:
        super().__init__(config)
        Path(tempfile.gettempdir(), "sslts-conformance.log").write_text("built")


@final
class LooksAtHidden(Patches):
    """Visible tokens see the mean over all."""

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        made = super().encode(tokens, visible)
        mean = self.enter(tokens.values).mean(1, keepdim=True)
        values = torch.where(made.valid[..., None], made.values + mean, torch.zeros_like(made.values))
        return Tokens(values, made.valid, made.time_s, made.modality, made.channel, made.cell)


@final
class BranchesOnValues(Patches):
    """Cannot be exported."""

    def read(self, signal: Signal) -> Tensor:
        values = ops.filled(signal)
        return values / 2 if float(values.abs().max()) > 100 else values


@final
class Boundless(Patches):
    """A config that asks for anything."""

    class Config(Patches.Config):
        """width: any."""

        width: int = 8

    config: Config


@final
class StaysInFloat32(Patches):
    """Makes its own numbers."""

    def read(self, signal: Signal) -> Tensor:
        return ops.filled(signal).float()

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        made = super().encode(tokens, visible) if self.enter.weight.dtype == torch.float32 else super().encode(self._wide(tokens), visible)
        return Tokens(made.values.float(), made.valid, made.time_s, made.modality, made.channel, made.cell)

    def _wide(self, tokens: Tokens) -> Tokens:
        return Tokens(tokens.values.to(self.enter.weight), tokens.valid, tokens.time_s, tokens.modality, tokens.channel, tokens.cell)
