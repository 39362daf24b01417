"""An aggregate that keeps apart what different channels say, for channels that are known by their descriptions only: `described`.

A mean over tokens forgets which channel said what; a place for each channel would need a fixed list of them. Here the places belong to the
descriptions that training met, and a channel adds what it says to the places of the descriptions most like its own: a sum over channels of
(share of each place) x (what it says). A known channel keeps its own place, one never seen borrows from its nearest kin.
"""

from __future__ import annotations

from typing import ClassVar, final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from sslts.config import ComponentConfig
from sslts.errors import ConfigError
from sslts.interfaces import Aggregator
from sslts.types import Tokens

#: Divide cosine similarities of (centred) descriptions before the softmax over places. Half of what a channel says goes to the nearest
#: place, which for a known channel is its own; half is spread over its kin, so that a place met in one data set serves another's channels.
_TEMPERATURES = (0.005, 0.2)


@final
class DescribedAggregator(Aggregator):
    """[B, N, D] of described channels -> [B, (slots + 1) * keep]; the last place is the mean of all channels.

    Nothing depends on the order of the channels. A place without a description stays 0.
    """

    class Config(ComponentConfig):
        """slots: how many descriptions have a place; keep: leading numbers of a token that enter it."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("token_dim", "text_dim")

        token_dim: int = Field(ge=1, le=4096)
        text_dim: int = Field(ge=1, le=4096)
        slots: int = Field(default=96, ge=1, le=1024)
        keep: int = Field(default=24, ge=1, le=4096)

    config: Config
    places: Tensor
    centre: Tensor
    used: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = (config.slots + 1) * config.keep
        self.register_buffer("places", torch.zeros(config.slots, config.text_dim))
        self.register_buffer("centre", torch.zeros(config.text_dim))
        self.register_buffer("used", torch.zeros(config.slots, dtype=torch.bool))
        self.keep = nn.Linear(config.token_dim, config.keep)
        # The leading numbers of a token first: an encoder's front end orders them by how much they vary.
        nn.init.eye_(self.keep.weight)
        nn.init.zeros_(self.keep.bias)

    @classmethod
    def example(cls) -> DescribedAggregator:
        """Four slots of three numbers for tokens of width 8, of which two have a description."""
        made = cls.create(token_dim=8, text_dim=6, slots=4, keep=3)
        made.fit(torch.eye(6)[:2])
        return made

    def example_tokens(self, batch: int = 2) -> Tokens:
        """Two steps of three described channels, for conformance tests; the last row is absent."""
        generator = torch.Generator().manual_seed(0)
        channel = torch.tensor([0, 1, 2, 0, 1, 2]).expand(batch, -1)
        valid = torch.ones(batch, 6, dtype=torch.bool)
        valid[-1] = valid[0, 2] = False
        values = torch.randn(batch, 6, self.config.token_dim, generator=generator)
        described = torch.randn(3, self.config.text_dim, generator=generator)
        time_s = torch.tensor([0.25, 0.25, 0.25, 0.75, 0.75, 0.75]).expand(batch, -1)
        return Tokens(values, valid, time_s, torch.zeros_like(channel), channel, torch.zeros(batch, 6, 3, dtype=torch.long), described)

    def forward(self, tokens: Tokens) -> Tensor:
        """[B, N, D] -> [B, (slots + 1) * keep]; a row without valid tokens -> 0 (ConfigError if the channels have no descriptions)."""
        if tokens.described is None:
            raise ConfigError("Aggregator 'described' needs tokens whose channels are described. Use an encoder that keeps descriptions.")
        share = self.shares(tokens.described)[tokens.channel]
        share = torch.where(tokens.valid[..., None], share, torch.zeros_like(share))
        said = self.keep(torch.where(tokens.valid[..., None], tokens.values, torch.zeros_like(tokens.values)))
        return (share.transpose(1, 2) @ said / tokens.valid.sum(1).clamp(min=1)[:, None, None]).flatten(1)

    def shares(self, described: Tensor) -> Tensor:
        """Descriptions [K, E] -> [K, slots + 1]: how much each channel adds to each place; the last is 1."""
        alike = functional.normalize(described - self.centre, dim=1) @ functional.normalize(self.places - self.centre, dim=1).T
        alike = alike.masked_fill(~self.used, float("-inf"))
        share = torch.stack([torch.softmax(alike / temperature, dim=1) for temperature in _TEMPERATURES]).mean(0)
        share = torch.where(self.used, share, torch.zeros_like(share))  # no place is used before `fit`: the softmax is over nothing
        return torch.cat([share, torch.ones_like(share[:, :1])], dim=1)

    @torch.no_grad()
    def fit(self, described: Tensor) -> None:
        """Give these channels' descriptions [K, E] a place; where they are too many, those that differ most from the ones chosen before."""
        centre = described.mean(0)
        units = functional.normalize(described - centre, dim=1)
        chosen = [0]
        nearest = units @ units[0]
        while len(chosen) < min(self.config.slots, len(units)):
            chosen.append(int(nearest.argmin()))
            nearest = torch.maximum(nearest, units @ units[chosen[-1]])
        self.centre.copy_(centre)
        self.places.zero_()
        self.places[: len(chosen)] = described[chosen]
        self.used.copy_(torch.arange(self.config.slots) < len(chosen))
