"""A wide fixed front end with a small trained encoder on top: `descriptor`.

What decides on fifteen people is how a window is described, not how deep the network is (docs/decisions.md). So the front end is fixed:
kernel shares on an octave pyramid (`descriptors.shares`), reduced to their principal components on training windows, beside descriptors
that know the sensor (`descriptors.motion`, ...). Two trained layers turn them into the modality's embedding.
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
from sslts.encoders.descriptors.shares import KernelShares
from sslts.encoders.descriptors.temperature import Temperature
from sslts.errors import ConfigError
from sslts.interfaces import Encoder
from sslts.types import ClipClock, RateClock, Signal, Tokens

_FRONTED = "descriptor"
_STILL = 3e-3  # a share that varies less is the same in every window: scaling it up would only amplify noise

Kind = Literal["motion", "pulse", "electrodermal", "temperature"]


@final
class Descriptor(Encoder):
    """Fixed descriptors of a whole window, standardised and reduced; the strongest pass on as they are, all go through trained layers.

    One token a window: its first `keep` numbers are the leading principal components of the shares, each of unit variance over the
    training windows, the other `embed_dim - keep` are learned. `kind` chooses the sensor's own descriptors and the channels they are
    computed on; units are those of `descriptors` (g, uS, degC).
    """

    class Config(ComponentConfig):
        """How a window is described and how much of it is kept.

        first_octave: halvings of the rate before the first share; octaves: how many scales from there; thresholds: shares a kernel;
        components: principal components of the shares that the trained layers read; keep: how many of them pass on as they are;
        clip: bound of standardised numbers, in deviations.
        """

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels", "rate_hz", "window_s")

        channels: int = Field(ge=1, le=256)
        rate_hz: float = Field(gt=0, le=1e5)
        window_s: float = Field(gt=0, le=86_400)
        kind: Kind
        first_octave: int = Field(default=0, ge=0, le=8)
        octaves: int = Field(default=5, ge=1, le=12)
        thresholds: int = Field(default=2, ge=1, le=16)
        components: int = Field(default=96, ge=1, le=1024)
        keep: int = Field(default=32, ge=0, le=1024)
        hidden: int = Field(default=128, ge=1, le=4096)
        embed_dim: int = Field(default=96, ge=1, le=4096)
        dropout: float = Field(default=0.0, ge=0, lt=1)
        clip: float = Field(default=4.0, gt=0, le=100)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        expected = {"motion": 3}.get(config.kind, 1)
        if config.channels != expected:
            raise ConfigError(f"descriptor of kind '{config.kind}' reads {expected} channel(s), the spec has {config.channels}.")
        self.embed_dim = config.embed_dim
        self.describe = _describer(config)
        samples = torch.zeros(1, config.channels, round(config.window_s * config.rate_hz))
        shape_channels = self._shape_channels(samples)
        self.shares = KernelShares(shape_channels.shape[1], octaves=config.octaves, thresholds=config.thresholds)
        described, shares = self.describe(samples).shape[1], self.shares(shape_channels).shape[1]
        kept = min(config.components, shares)
        self.register_buffer("describe_mean", torch.zeros(described))
        self.register_buffer("describe_scale", torch.ones(described))
        self.register_buffer("shares_mean", torch.zeros(shares))
        self.register_buffer("shares_scale", torch.ones(shares))
        # Half precision: it is the largest part of the artefact, and its rounding is far below the shares' own.
        self.register_buffer("components", torch.zeros(shares, kept, dtype=torch.float16))
        self.register_buffer("deviation", torch.ones(kept))
        if not config.keep < config.embed_dim or config.keep > kept:
            raise ConfigError(f"keep is {config.keep}: expected less than embed_dim ({config.embed_dim}) and at most {kept} components.")
        learned = config.embed_dim - config.keep
        self.direct = nn.Linear(described + kept, learned)
        self.bent = nn.Sequential(
            nn.Linear(described + kept, config.hidden),
            nn.LayerNorm(config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, learned),
        )

    @classmethod
    def example(cls) -> Descriptor:
        """A small skin-conductance encoder."""
        return cls.create(
            channels=1,
            rate_hz=4.0,
            window_s=30.0,
            kind="electrodermal",
            octaves=2,
            thresholds=1,
            components=8,
            keep=3,
            hidden=16,
            embed_dim=8,
        )

    def example_signal(self, batch: int = 2) -> Signal:
        """Noise around one unit."""
        values = 1 + 0.1 * torch.randn(
            batch, self.config.channels, round(self.config.window_s * self.config.rate_hz), generator=torch.Generator().manual_seed(0)
        )
        channels = tuple(Channel(name=f"c{index}", kind="example", unit="uS") for index in range(self.config.channels))
        present = torch.ones(batch, dtype=torch.bool)
        return Signal(values, channels, RateClock(self.config.rate_hz), present, torch.ones(values.shape, dtype=torch.bool))

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T] -> one token a window, [B, 1, D]."""
        fronted = self.front(signal)
        inputs = ops.filled(fronted)[..., 0]
        components = inputs[:, -len(self.deviation) :]
        # Equal loudness for the kept ones; what the layers read falls off with the square root of its strength and is loud as the rest.
        kept = components[:, : self.config.keep]
        quiet = components * (self.deviation.sqrt() / self.deviation.mean().sqrt())
        inputs = torch.cat([inputs[:, : -len(self.deviation)], quiet], dim=1)
        token = torch.cat([kept, self.direct(inputs) + self.bent(inputs)], dim=1)[:, None]
        return ops.sequence_tokens(token, fronted.present[:, None], fronted)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """The same tokens, hidden ones no longer valid."""
        return tokens if visible is None else tokens.keep(visible)

    @torch.no_grad()
    def front(self, signal: Signal) -> Signal:
        """What the trained layers read, as a signal of one sample: standardised descriptors and components. [B, C, T] -> [B, F, 1]."""
        if signal.channels[0].kind == _FRONTED:
            return signal
        values = bridged(signal)
        described = self._standard("describe", self.describe(values))
        shares = self._standard("shares", self.shares(self._shape_channels(values)))
        inputs = torch.cat([described, shares @ self.components.to(shares.dtype) / self.deviation], dim=1)[..., None]
        present = signal.usable.any(-1).any(-1)
        channel = Channel(name=_FRONTED, kind=_FRONTED, unit="a.u.")
        observed = present[:, None, None].expand(inputs.shape)
        return Signal(inputs, (channel,) * inputs.shape[1], ClipClock(), present, observed)

    def prepare(self, signal: Signal) -> None:
        """Fit thresholds, standardisation and principal components to training windows. [B, C, T], no labels."""
        if signal.channels[0].kind == _FRONTED:
            return
        rows = signal.usable.any(-1).any(-1)
        if int(rows.sum()) < 2:
            return
        values = bridged(signal.select(rows))
        with torch.no_grad():
            described = self.describe(values)
            self._fit_scale("describe", described, least=1e-6)
            shape = self._shape_channels(values)
            self.shares.prepare(shape)
            shares = self.shares(shape)
            self._fit_scale("shares", shares, least=_STILL)
            standard = self._standard("shares", shares)
            # Directions of the windows' own Gram matrix: fewer windows than shares, so this is the small side.
            strength, left = torch.linalg.eigh((standard @ standard.T).double())
            kept = min(self.components.shape[1], len(strength))
            top = left[:, -kept:].flip(1) / strength[-kept:].flip(0).clamp(min=1e-6).sqrt()
            self.components[:, :kept] = (standard.double().T @ top).to(self.components.dtype)
            deviation = (standard @ self.components.float()).std(0, correction=0)
            self.deviation.copy_(torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation)))

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
        return nn.functional.avg_pool1d(shape, 2**self.config.first_octave) if self.config.first_octave else shape

    def _fit_scale(self, name: str, values: Tensor, *, least: float) -> None:
        deviation = values.std(0, correction=0)
        getattr(self, f"{name}_mean").copy_(values.mean(0))
        getattr(self, f"{name}_scale").copy_(torch.where(deviation > least, deviation, torch.ones_like(deviation)))

    def _standard(self, name: str, values: Tensor) -> Tensor:
        scaled = (values - getattr(self, f"{name}_mean")) / getattr(self, f"{name}_scale")
        return scaled.clamp(-self.config.clip, self.config.clip)


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
