"""A convolution over the waves of any described channels: what a moment looks like, to the tenth of a second.

The other described encoder tells patches by statistics that forget when in a patch something happened: right for naming an activity, wrong
for finding the same moment in another sensor, where the phase of a step decides. Here the text of a channel makes the kernels that read it
(CHARM's text-made kernels, arXiv:2605.31580) and the channels are summed, so that any set of them, in any order, gives one vector.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, final

import torch
from einops import rearrange
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from sslts import ops
from sslts.config import ComponentConfig, Name, Positive
from sslts.encoders.described import checked_descriptions, described_noise, descriptions
from sslts.encoders.patches import read_at
from sslts.encoders.transformer import SCALES
from sslts.encoders.triads import with_derived
from sslts.interfaces import DescribedEncoder
from sslts.layers import mlp
from sslts.types import Signal, Tokens

_TAPS = 9
_LATER_TAPS = (9, 5)
#: Each layer halves the time axis.
_HALVINGS = 1 + len(_LATER_TAPS)
_LEAST = 1e-3
#: A deviation that is small, in units of what is large: noise is not scaled up to a wave.
_QUIET = 0.05


@final
class DescribedWaves(DescribedEncoder):
    """[B, C, T] of described channels -> one token a window, [B, 1, D]. Between the two: one token a channel, its wave at `points` moments.

    A channel that is hidden or absent adds nothing to the sum. The whole window is read at `points` evenly spaced moments, whatever its
    rate; windows should be of the length that the model was trained on.
    """

    drops_tokens: ClassVar[bool] = True

    class Config(ComponentConfig):
        """embed_dim D; width of the layers; points: moments at which a window is read; hidden: of the layer before the last; scales: kind
        -> what is large in its unit; text_dim: width of the descriptions' vectors."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("text_dim",)

        embed_dim: int = Field(default=64, ge=2, le=4096)
        width: int = Field(default=64, ge=1, le=1024)
        points: int = Field(default=128, ge=16, le=4096, multiple_of=2**_HALVINGS)
        hidden: int = Field(default=256, ge=1, le=8192)
        scales: Annotated[dict[Name, Positive], Field(max_length=64)] = Field(default_factory=lambda: dict(SCALES))
        text_dim: int = Field(ge=1, le=4096)

    config: Config
    centre: Tensor
    spread: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        # Descriptions of channels are much alike: what tells them apart is centred and brought to unit variance.
        self.register_buffer("centre", torch.zeros(config.text_dim))
        self.register_buffer("spread", torch.ones(()))
        self.kernels = mlp((config.text_dim, config.width, config.width * _TAPS))
        self.where = nn.Linear(config.text_dim, config.width)
        self.later = nn.ModuleList(nn.Conv1d(config.width, config.width, taps, stride=2, padding=taps // 2) for taps in _LATER_TAPS)
        self.leave = mlp((config.width * config.points // 2**_HALVINGS, config.hidden, config.embed_dim))

    @classmethod
    def example(cls) -> DescribedWaves:
        """Width 8 over 32 points, descriptions of 8 numbers."""
        return cls.create(text_dim=8, embed_dim=16, width=8, points=32, hidden=16)

    def example_signal(self, batch: int = 2) -> Signal:
        """A second of noise on three channels at 32 Hz."""
        return described_noise(batch, 3)

    def derive(self, signal: Signal) -> Signal:
        """A three-axis sensor also tells the size of its vector and, where it feels gravity, its vertical and horizontal part."""
        return with_derived(signal)

    def prepare_descriptions(self, described: Tensor) -> None:
        """Fit how descriptions differ. [K, E]."""
        if len(described) > 1:
            self.centre.copy_(described.mean(0))
            self.spread.copy_((described - self.centre).square().mean().sqrt().clamp(min=_LEAST))

    def tokenize(self, signal: Signal, described: Tensor | None = None) -> Tokens:
        """[B, C, T] and descriptions [C, E] -> [B, C, points]: each channel's wave; less than half of it seen: not valid."""
        batch, channels, samples = signal.values.shape
        described = checked_descriptions(signal, described, self.config.text_dim)
        values, seen = ops.filled(signal), signal.usable
        level = ops.masked_mean(values, seen, 2)[..., None]
        scale = torch.tensor([self.config.scales.get(each.kind, 1.0) for each in signal.channels], device=values.device, dtype=values.dtype)
        # Without its level and its strength: they tell activities and postures apart, which is learned first, and no two moments of one.
        wave = torch.where(seen, values - level, torch.zeros_like(values)) / scale[:, None]
        strength = ops.masked_mean(wave.square(), seen, 2)[..., None].sqrt()
        wave = read_at(wave / (strength + _QUIET), self.config.points)
        places = torch.arange(channels, device=values.device)
        zeros = torch.zeros((batch, channels), dtype=torch.long, device=values.device)
        return Tokens(
            values=wave,
            valid=seen.sum(-1) * 2 >= samples,
            time_s=torch.full((batch, channels), signal.clock.duration_s(samples) / 2, device=values.device),
            modality=zeros,
            channel=places[None].expand(batch, -1),
            cell=zeros[..., None].expand(-1, -1, 3),
            described=described,
        )

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """[B, N, points] -> [B, 1, D], zeros where nothing is visible."""
        described = descriptions(tokens)
        used = tokens.valid if visible is None else tokens.valid & visible
        rows, count = len(used), len(described)
        heard = torch.where(used[..., None], tokens.values, torch.zeros_like(tokens.values))
        waves = heard.new_zeros(rows, count, heard.shape[-1])
        waves = waves.scatter_add(1, tokens.channel[..., None].expand_as(heard), heard)
        there = used.new_zeros(rows, count, dtype=heard.dtype).scatter_add(1, tokens.channel, used.to(heard.dtype)).clamp(max=1)
        told = (described - self.centre) / self.spread
        number = there.sum(1).clamp(min=1)
        kernels = rearrange(self.kernels(told), "k (w t) -> w k t", t=_TAPS)
        values = functional.conv1d(waves, kernels, stride=2, padding=_TAPS // 2) / number.sqrt()[:, None, None]
        values = values + (there @ self.where(told) / number[:, None])[..., None]
        for layer in self.later:
            values = layer(functional.gelu(values))
        made = self.leave(functional.gelu(values).flatten(1))[:, None]
        valid = used.any(1, keepdim=True)
        first = {name: getattr(tokens, name)[:, :1] for name in ("time_s", "modality", "cell")}
        return replace(
            tokens,
            values=torch.where(valid[..., None], made, torch.zeros_like(made)),
            valid=valid,
            channel=torch.zeros_like(tokens.channel[:, :1]),
            described=None,
            **first,
        )
