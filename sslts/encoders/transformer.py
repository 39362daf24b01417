"""Transformers over (channel, patch of time) tokens: `transformer` for fixed channels, `described-transformer` for any described ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Self, final

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from sslts import ops
from sslts.config import ComponentConfig, Name, Positive
from sslts.encoders.described import DescribedStack, checked_descriptions, described_noise, descriptions, place
from sslts.encoders.descriptors.reduction import Reduction
from sslts.encoders.patches import patch_tokens, width
from sslts.encoders.triads import with_derived
from sslts.errors import ChannelError
from sslts.interfaces import DescribedEncoder, Encoder
from sslts.layers import TransformerBlock, mlp
from sslts.types import Signal, Tokens

#: What is large for a kind of sensor, in the unit that a spec gives it (g, rad/s, ...): numbers that enter a network should be near 1.
SCALES: dict[str, float] = {"accelerometer": 1.0, "linear-acceleration": 1.0, "acceleration": 1.0, "gyroscope": 3.0, "magnetometer": 1.0}

_CLIP, _LEAST = 6.0, 1e-3
_FITTED_ON = 60_000
#: How loud attention starts beside what the front end says.
_WHISPER = 0.1


class _Sizes(ComponentConfig):
    embed_dim: int = Field(default=96, ge=2, le=4096, multiple_of=2)
    depth: int = Field(default=3, ge=0, le=64)
    heads: int = Field(default=4, ge=1, le=64)
    patch_s: float = Field(default=2.5, gt=0, le=3600)
    points: int = Field(default=62, ge=4, le=1024, multiple_of=2)
    components: int = Field(default=128, ge=1, le=1024)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    scales: Annotated[dict[Name, Positive], Field(max_length=64)] = Field(default_factory=lambda: dict(SCALES))

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.embed_dim % self.heads:
            raise ValueError(f"{self.heads} heads do not divide embed_dim {self.embed_dim}")
        return self


class _Front(nn.Module):
    """The fixed description of patches, standardised and rotated to its leading components over training windows (no labels)."""

    def __init__(self, config: _Sizes) -> None:
        super().__init__()
        self.config = config
        self.reduction = Reduction(width(config.points), config.components, keep=1, clip=_CLIP, least=_LEAST)
        self.dim = self.reduction.components.shape[1]
        nn.init.eye_(self.reduction.components)  # until it is fitted: the leading numbers as they are

    def raw(self, signal: Signal, described: Tensor | None = None) -> Tokens:
        options = self.config
        return patch_tokens(signal, patch_s=options.patch_s, points=options.points, scales=options.scales, described=described)

    def forward(self, signal: Signal, described: Tensor | None = None) -> Tokens:
        tokens = self.raw(signal, described)
        return replace(tokens, values=self.reduction(tokens.values)[0])

    def fit(self, parts: Sequence[Tokens]) -> None:
        values = torch.cat([part.values[part.valid] for part in parts])
        self.reduction.fit(values[:: -(-len(values) // _FITTED_ON)])


@final
class Transformer(Encoder):
    """A pre-norm transformer over the patches of one modality's channels, which it knows by their place.

    [B, C, T] -> one token a channel and patch, [B, C * n, D]. A patch is described by fixed numbers (`patches`) when it is tokenised, so
    hidden ones cost nothing after that and cannot leak.

    Raises:
        ChannelError: the signal has another number of channels.
    """

    drops_tokens: ClassVar[bool] = True

    class Config(_Sizes):
        """embed_dim D; depth and heads of the transformer; patch_s, points, components: a patch and its description; scales: kind -> what
        is large in its unit."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels",)

        channels: int = Field(ge=1, le=256)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        self.front_end = _Front(config)
        self.enter = _enter(self.front_end.dim, config.embed_dim)
        self.embed = mlp((config.embed_dim, 2 * config.embed_dim, config.embed_dim))
        self.channel = nn.Embedding(config.channels, config.embed_dim)
        nn.init.normal_(self.channel.weight, std=0.02)
        self.blocks = nn.ModuleList(
            [TransformerBlock(config.embed_dim, config.heads, mlp_ratio=3.0, dropout=config.dropout) for _ in range(config.depth)]
        )
        self.norm = nn.LayerNorm(config.embed_dim)

    @classmethod
    def example(cls) -> Transformer:
        """Three channels, width 16, quarter-second patches."""
        return cls.create(channels=3, embed_dim=16, depth=1, heads=2, patch_s=0.25, points=8)

    def example_signal(self, batch: int = 2) -> Signal:
        """A second of noise at 32 Hz."""
        return described_noise(batch, self.config.channels)

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T] -> [B, C * n, F]: fixed descriptions of the patches; `encode` embeds them."""
        if signal.values.shape[1] != self.config.channels:
            raise ChannelError(f"Transformer was built for {self.config.channels} channels, got {signal.values.shape[1]}.")
        return self.front_end(signal)

    def prepare(self, signal: Signal) -> None:
        """Fit the patches' statistics."""
        self.front_end.fit([self.front_end.raw(signal)])

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """[B, N, F] -> [B, N or fewer, D]; hidden and absent tokens are dropped first."""
        tokens = _packed(tokens, visible)
        entered = self.enter(tokens.values)
        values = entered + self.embed(entered) + place(tokens, self.config.embed_dim) + self.channel(tokens.channel)
        for block in self.blocks:
            values = block(values, tokens.valid)
        return _with_values(tokens, self.norm(values))


@final
class DescribedTransformer(DescribedEncoder):
    """A transformer over the patches of any channels that come with a description, in any order and number (CHARM, arXiv:2605.31580).

    The description of a channel, as a frozen text vector, enters its tokens and gates attention (`described`): one set of weights reads a
    phone in a pocket and five units on a body. Permuting channels permutes tokens.

    # differs from the paper: a token is a channel's patch, not a time step of a dilated TCN whose kernels the text makes; on two cores that
    # would cost fifty times as much.
    """

    drops_tokens: ClassVar[bool] = True

    class Config(_Sizes):
        """As `transformer`; text_dim: width of the descriptions' vectors."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("text_dim",)

        text_dim: int = Field(ge=1, le=4096)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        self.front_end = _Front(config)
        self.enter = _enter(self.front_end.dim, config.embed_dim)
        self.embed = mlp((config.embed_dim, 2 * config.embed_dim, config.embed_dim))
        self.describe = nn.Linear(config.text_dim, config.embed_dim)
        # One gate a description on the patch's embedding: CHARM conditions its tokeniser too.
        self.gate = nn.Linear(config.text_dim, config.embed_dim)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, 2.0)
        self.stack = DescribedStack(config.embed_dim, config.depth, config.heads, config.text_dim, dropout=config.dropout)
        nn.init.constant_(self.stack.norm.weight, _WHISPER)

    @classmethod
    def example(cls) -> DescribedTransformer:
        """Width 16, quarter-second patches, descriptions of 8 numbers."""
        return cls.create(text_dim=8, embed_dim=16, depth=1, heads=2, patch_s=0.25, points=8)

    def example_signal(self, batch: int = 2) -> Signal:
        """A second of noise on three channels at 32 Hz."""
        return described_noise(batch, 3)

    def tokenize(self, signal: Signal, described: Tensor | None = None) -> Tokens:
        """[B, C, T] and descriptions [C, E] -> [B, C * n, F]: fixed descriptions of the patches; `encode` embeds them.

        Without descriptions every channel is described by zeros: the model then knows none of them.
        """
        return self.front_end(signal, checked_descriptions(signal, described, self.config.text_dim))

    def derive(self, signal: Signal) -> Signal:
        """A three-axis sensor also tells the size of its vector and, where it feels gravity, its vertical and horizontal part."""
        return with_derived(signal)

    def prepare_all(self, signals: Sequence[Signal]) -> None:
        """Fit the patches' statistics over all sensors together."""
        self.front_end.fit([self.front_end.raw(signal) for signal in signals])

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """[B, N, F] -> [B, N or fewer, D]; hidden and absent tokens are dropped first."""
        tokens = _packed(tokens, visible)
        described = descriptions(tokens)
        gates, names = torch.sigmoid(self.gate(described)), self.describe(described)
        entered = self.enter(tokens.values)
        entered = entered + gates[tokens.channel] * self.embed(entered)
        placed = entered + names[tokens.channel] + place(tokens, self.config.embed_dim)
        # What the front end says stays in the first place; attention adds what the other tokens say about it.
        return _with_values(tokens, entered + self.stack(placed, tokens))


def _enter(components: int, dim: int) -> nn.Linear:
    """From the front end to the width of the encoder; starts as it is, leading components first."""
    enter = nn.Linear(components, dim)
    nn.init.eye_(enter.weight)
    nn.init.zeros_(enter.bias)
    return enter


def _packed(tokens: Tokens, visible: Tensor | None) -> Tokens:
    return ops.pack_tokens(tokens, tokens.valid if visible is None else tokens.valid & visible)


def _with_values(tokens: Tokens, values: Tensor) -> Tokens:
    return replace(tokens, values=torch.where(tokens.valid[..., None], values, torch.zeros_like(values)))
