"""The values that flow between the parts: Signal, SensorBatch, Tokens, MaskPlan, Views, LossParts.

Signals keep their own rate; after tokenising everything is one sequence, so maskers, aggregators, predictors and objectives never learn
what a modality is. Everywhere a boolean that is True means "use it".
Axes: B windows, M modalities, C channels, T samples, N tokens, D width, V views, K targets, E embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import torch
from torch import Tensor

from sslts.config import Channel
from sslts.errors import ChannelError, LengthError, MissingModalityError, RateError


@dataclass(frozen=True, slots=True)
class RateClock:
    """Samples are `1 / rate_hz` seconds apart."""

    rate_hz: float

    def __post_init__(self) -> None:
        if not self.rate_hz > 0:
            raise RateError(f"rate_hz must be positive, got {self.rate_hz}. Give the sampling rate in Hz.")

    def duration_s(self, samples: int) -> float:
        """Seconds that this many samples cover."""
        return samples / self.rate_hz


@dataclass(frozen=True, slots=True)
class ClipClock:
    """A clip without a true rate: its duration is 1, its samples are spread evenly over it."""

    def duration_s(self, samples: int) -> float:
        """Always 1: the whole clip."""
        return 1.0


@dataclass(frozen=True, slots=True)
class Signal:
    """One modality for a batch of windows.

    values:   [B, C, T] for sensors, [B, C, T, H, W] for video; units as in `channels`
    present:  bool [B]; False: this window has no such modality
    observed: bool [B, C, T] (video [B, 1, T]); False: sample lost or padded
    Whatever stands in an absent or unobserved slot is never read.
    """

    values: Tensor
    channels: tuple[Channel, ...]
    clock: RateClock | ClipClock
    present: Tensor
    observed: Tensor

    def __post_init__(self) -> None:
        batch, channels, samples = self.values.shape[:3] if self.values.dim() >= 3 else (-1, -1, -1)
        if self.values.dim() not in (3, 5):
            raise LengthError(f"Signal.values must be [B, C, T] or [B, C, T, H, W], got {tuple(self.values.shape)}.")
        if channels != len(self.channels):
            raise ChannelError(f"Signal has {channels} rows of values but {len(self.channels)} channels are described.")
        if self.present.shape != (batch,) or self.present.dtype != torch.bool:
            raise LengthError(f"Signal.present must be bool [{batch}], got {self.present.dtype} {tuple(self.present.shape)}.")
        expected = (batch, channels if self.values.dim() == 3 else 1, samples)
        if self.observed.shape != expected or self.observed.dtype != torch.bool:
            raise LengthError(f"Signal.observed must be bool {expected}, got {self.observed.dtype} {tuple(self.observed.shape)}.")

    @property
    def usable(self) -> Tensor:
        """bool, shape of `observed`: observed samples of present windows."""
        return self.observed & self.present[:, None, None]

    def select(self, rows: Tensor | slice) -> Signal:
        """The same signal for some rows of the batch."""
        return replace(self, values=self.values[rows], present=self.present[rows], observed=self.observed[rows])

    def to(self, device: torch.device | str) -> Signal:
        """The same signal on another device."""
        return replace(self, values=self.values.to(device), present=self.present.to(device), observed=self.observed.to(device))


#: Key of a batch: for each window, the texts that describe it; none: nobody says what it is.
TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class SensorBatch:
    """Windows of several modalities. `signals` is in the model's order; `keys` holds ids (subject, session, window) per row."""

    signals: Mapping[str, Signal]
    keys: Mapping[str, Sequence[object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.signals:
            raise MissingModalityError("A SensorBatch needs at least one signal, got none.")
        sizes = {name: signal.values.shape[0] for name, signal in self.signals.items()}
        if len(set(sizes.values())) != 1:
            raise LengthError(f"All signals of a batch must have the same number of windows, got {sizes}.")
        object.__setattr__(self, "signals", MappingProxyType(dict(self.signals)))

    def __len__(self) -> int:
        return next(iter(self.signals.values())).values.shape[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Modality names in the model's order."""
        return tuple(self.signals)

    def present(self) -> Tensor:
        """bool [B, M]: which windows have which modality."""
        return torch.stack([signal.present for signal in self.signals.values()], dim=1)

    def without(self, *absent: str) -> SensorBatch:
        """The same batch with some modalities marked absent."""
        unknown = sorted(set(absent) - set(self.signals))
        if unknown:
            raise MissingModalityError(f"Cannot remove {', '.join(unknown)}: the modalities are {', '.join(self.signals)}.")
        return replace(
            self,
            signals={
                name: replace(signal, present=torch.zeros_like(signal.present)) if name in absent else signal
                for name, signal in self.signals.items()
            },
        )

    def with_present(self, present: Tensor) -> SensorBatch:
        """The same batch where presence is further restricted by bool [B, M]."""
        return replace(
            self,
            signals={
                name: replace(signal, present=signal.present & present[:, index])
                for index, (name, signal) in enumerate(self.signals.items())
            },
        )

    def select(self, rows: Tensor | slice) -> SensorBatch:
        """Some rows of the batch."""
        indices = range(len(self))[rows] if isinstance(rows, slice) else _indices(rows)
        keys = {name: [values[i] for i in indices] for name, values in self.keys.items()}
        return SensorBatch({name: signal.select(rows) for name, signal in self.signals.items()}, keys)

    def to(self, device: torch.device | str) -> SensorBatch:
        """The same batch on another device."""
        return replace(self, signals={name: signal.to(device) for name, signal in self.signals.items()})


def _indices(rows: Tensor) -> list[int]:
    return (rows.nonzero()[:, 0] if rows.dtype == torch.bool else rows).tolist()


@dataclass(frozen=True, slots=True)
class Tokens:
    """One sequence for all modalities.

    values: [B, N, D]; valid: bool [B, N] (False: padding, absent, unobserved); time_s: [B, N] centre in the window;
    modality, channel: int [B, N]; cell: int [B, N, 3] = (t, row, column).
    described: [K, E] or None: what each channel is, as a vector; `channel` counts its rows. The same for all rows of the batch.
    Positions are per row because after dropping each row keeps other tokens; before that they are expanded views and cost nothing.
    """

    values: Tensor
    valid: Tensor
    time_s: Tensor
    modality: Tensor
    channel: Tensor
    cell: Tensor
    described: Tensor | None = None

    def __post_init__(self) -> None:
        rows = self.values.shape[:2]
        if self.values.dim() != 3 or not all(
            part.shape[:2] == rows for part in (self.valid, self.time_s, self.modality, self.channel, self.cell)
        ):
            raise LengthError(
                f"Tokens must be [B, N, D] with matching positions, got values {tuple(self.values.shape)}, valid {tuple(self.valid.shape)}."
            )

    def keep(self, visible: Tensor) -> Tokens:
        """The same tokens where those outside bool [B, N] are no longer valid. Shapes stay; `ops.pack_tokens` drops them."""
        return replace(self, valid=self.valid & visible)


@dataclass(frozen=True, slots=True)
class MaskPlan:
    """What is hidden. visible: bool [V, B, N]; targets: bool [K, B, N]; features: bool [V, B, N, D] or None (element-wise variant)."""

    visible: Tensor
    targets: Tensor
    features: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Views:
    """What is fused into one embedding. joint: [B, D], all modalities together; own: [B, M, D], each alone; present: bool [B, M]."""

    joint: Tensor
    own: Tensor
    present: Tensor

    def __len__(self) -> int:
        return len(self.joint)

    def select(self, rows: Tensor) -> Views:
        """Some of the rows."""
        return Views(self.joint[rows], self.own[rows], self.present[rows])

    @classmethod
    def join(cls, parts: Sequence[Views]) -> Views:
        """Several batches, one after another."""
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in ("joint", "own", "present")))


@dataclass(frozen=True, slots=True)
class Inpainted:
    """What a masked autoencoder makes of one modality. seen: as it was read; made: hidden parts replaced by what was predicted for them;
    hidden: which samples or pixels were hidden. All [B, C, T] or [B, C, T, H, W]."""

    seen: Tensor
    made: Tensor
    hidden: Tensor


@dataclass(frozen=True, slots=True)
class LossParts:
    """A loss to minimise and its named, detached terms for the log."""

    total: Tensor
    parts: Mapping[str, Tensor]

    @classmethod
    def of(cls, **terms: Tensor) -> LossParts:
        """The sum of already weighted terms."""
        return cls(total=torch.stack(list(terms.values())).sum(), parts={name: term.detach() for name, term in terms.items()})
