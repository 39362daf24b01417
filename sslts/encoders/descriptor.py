"""A wide fixed front end with a small trained encoder on top: `descriptor`.

What decides on fifteen people is how a window is described, not how deep the network is (docs/decisions.md). So the front end is fixed and
depends on no data: kernel shares on an octave pyramid (`descriptors.shares`) beside descriptors that know the sensor
(`descriptors.motion`, ...). Their principal components on training windows pass on as they are; two trained layers add what latent masking
finds.
"""

from __future__ import annotations

from typing import ClassVar, Literal, final

import torch
from pydantic import Field
from torch import Tensor, nn

from sslts import ops
from sslts.config import Channel, ComponentConfig
from sslts.encoders.bridge import bridged
from sslts.encoders.descriptors.electrodermal import Electrodermal
from sslts.encoders.descriptors.motion import Motion
from sslts.encoders.descriptors.pulse import Pulse
from sslts.encoders.descriptors.ranges import log_range
from sslts.encoders.descriptors.reduction import Reduction
from sslts.encoders.descriptors.shares import KernelShares
from sslts.encoders.descriptors.temperature import Temperature
from sslts.errors import ConfigError
from sslts.interfaces import Encoder
from sslts.types import ClipClock, RateClock, Signal, Tokens

_FRONTED = "descriptor"

Kind = Literal["motion", "pulse", "electrodermal", "temperature"]


@final
class Descriptor(Encoder):
    """Fixed descriptors of a whole window; their leading principal components pass on, and trained layers read a wider set of them.

    One token a window: `keep_shares` components of the shares and `keep_described` of the sensor's own descriptors, each of unit variance
    over the training windows, then `learned` numbers. `kind` chooses the sensor's own descriptors and the channels they are computed on;
    units are those of `descriptors` (g, uS, degC).
    """

    class Config(ComponentConfig):
        """How a window is described and how much of it is kept.

        thresholds: shares a kernel; components: principal components of the shares that the trained layers read; clip: bound of
        standardised numbers, in deviations.
        """

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels", "rate_hz", "window_s")

        channels: int = Field(ge=1, le=256)
        rate_hz: float = Field(gt=0, le=1e5)
        window_s: float = Field(gt=0, le=86_400)
        kind: Kind
        thresholds: int = Field(default=2, ge=1, le=16)
        components: int = Field(default=96, ge=1, le=1024)
        keep_shares: int = Field(default=32, ge=1, le=1024)
        keep_described: int = Field(default=16, ge=1, le=1024)
        hidden: int = Field(default=128, ge=1, le=4096)
        learned: int = Field(default=64, ge=1, le=4096)
        clip: float = Field(default=4.0, gt=0, le=100)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        expected = 3 if config.kind == "motion" else 1
        if config.channels != expected:
            raise ConfigError(f"descriptor of kind '{config.kind}' reads {expected} channel(s), the spec has {config.channels}.")
        self.halvings, ranges = log_range(config.kind)
        self.describe = _describer(config)
        self.shares = KernelShares(ranges, thresholds=config.thresholds)
        samples = torch.zeros(1, config.channels, round(config.window_s * config.rate_hz))
        self.described = self.describe(samples).shape[1]
        share_count = self.shares(self._shape_channels(samples)).shape[1]
        self.reduce_described = Reduction(self.described, self.described, keep=config.keep_described, clip=config.clip, least=1e-6)
        self.reduce_shares = Reduction(share_count, config.components, keep=config.keep_shares, clip=config.clip, least=3e-3)
        read = self.described + config.components
        self.direct = nn.Linear(read, config.learned)
        self.bent = nn.Sequential(
            nn.Linear(read, config.hidden), nn.LayerNorm(config.hidden), nn.GELU(), nn.Linear(config.hidden, config.learned)
        )
        self.embed_dim = config.keep_shares + config.keep_described + config.learned

    @classmethod
    def example(cls) -> Descriptor:
        """A small skin-conductance encoder."""
        return cls.create(
            channels=1,
            rate_hz=4.0,
            window_s=30.0,
            kind="electrodermal",
            thresholds=1,
            components=8,
            keep_shares=3,
            keep_described=2,
            hidden=16,
            learned=8,
        )

    def example_signal(self, batch: int = 2) -> Signal:
        """Noise around one unit."""
        shape = batch, self.config.channels, round(self.config.window_s * self.config.rate_hz)
        values = 1 + 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
        channels = tuple(Channel(name=f"c{index}", kind="example", unit="uS") for index in range(self.config.channels))
        present = torch.ones(batch, dtype=torch.bool)
        return Signal(values, channels, RateClock(self.config.rate_hz), present, torch.ones(values.shape, dtype=torch.bool))

    @torch.no_grad()
    def front(self, signal: Signal) -> Signal:
        """All descriptors, as a signal of one sample: the sensor's own, then the shares. [B, C, T] -> [B, F, 1]."""
        if signal.channels[0].kind == _FRONTED:
            return signal
        values = bridged(signal)
        found = torch.cat([self.describe(values), self.shares(self._shape_channels(values))], dim=1)[..., None]
        present = signal.usable.any(-1).any(-1)
        channel = Channel(name=_FRONTED, kind=_FRONTED, unit="a.u.")
        return Signal(found, (channel,) * found.shape[1], ClipClock(), present, present[:, None, None].expand(found.shape))

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T], or its front [B, F, 1] -> one token a window, [B, 1, D]."""
        fronted = self.front(signal)
        found = ops.filled(fronted)[..., 0]
        described, kept_described = self.reduce_described(found[:, : self.described])
        components, kept_shares = self.reduce_shares(found[:, self.described :])
        # The layers read the standardised descriptors themselves (all of their components: only rotated) and the quieter components.
        read = torch.cat([described, components], dim=1)
        token = torch.cat([kept_shares, kept_described, self.direct(read) + self.bent(read)], dim=1)[:, None]
        return ops.sequence_tokens(token, fronted.present[:, None], fronted)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """The same tokens, hidden ones no longer valid."""
        return tokens if visible is None else tokens.keep(visible)

    def prepare(self, signal: Signal) -> None:
        """Fit standardisation and principal components to training windows. No labels."""
        rows = signal.usable.any(-1).any(-1)
        if int(rows.sum()) < 2:
            return
        found = self.front(signal.select(rows)).values[..., 0]
        self.reduce_described.fit(found[:, : self.described])
        self.reduce_shares.fit(found[:, self.described :])

    def _shape_channels(self, values: Tensor) -> Tensor:
        """The channels whose shape is described: raw ones and what undoes gravity's direction, pulse amplitude, skin's level."""
        match self.config.kind:
            case "motion":
                shape = torch.cat([values, torch.linalg.vector_norm(values, dim=1, keepdim=True)], dim=1)
            case "pulse":
                shape = torch.cat([values, values / (values.std(-1, correction=0, keepdim=True) + 0.1)], dim=1)
            case "electrodermal":
                shape = torch.cat([values, (values.clamp(min=0) + 0.03).log()], dim=1)
            case "temperature":
                shape = values
        return nn.functional.avg_pool1d(shape, 2**self.halvings) if self.halvings else shape


def _describer(config: Descriptor.Config) -> nn.Module:
    match config.kind:
        case "motion":
            return Motion(rate_hz=config.rate_hz, window_s=config.window_s)
        case "pulse":
            return Pulse(rate_hz=config.rate_hz, window_s=config.window_s)
        case "electrodermal":
            return Electrodermal(rate_hz=config.rate_hz)
        case "temperature":
            return Temperature(rate_hz=config.rate_hz)
