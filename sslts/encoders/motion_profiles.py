"""A fixed description of what moves in a depth video: `motion-profiles`.

How many pixels move, by row, by column and by distance, moment by moment: projections of motion onto three planes, as in depth motion maps
(Yang, Zhang, Tian 2012, "Recognizing actions using depth motion maps-based histograms of oriented gradients"), here as series over time
that `kernel-shares` describes. Nothing in it is trained: a cheap view of a video beside a trained encoder.
"""

from __future__ import annotations

from typing import ClassVar, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from sslts import ops
from sslts.config import Channel, ComponentConfig
from sslts.encoders.kernel_shares import KernelShareEncoder
from sslts.errors import ChannelError, LengthError
from sslts.interfaces import Encoder
from sslts.types import ClipClock, Signal, Tokens

#: Samples of each series: twice a clip's usual frames, so that kernels of length 9 see two octaves.
_SAMPLES, _OCTAVES = 32, 2


@final
class MotionProfileEncoder(Encoder):
    """[B, 1, T, H, W] distances -> one token a clip, [B, 1, embed_dim]. 0 is a pixel without a reading.

    Distances are told relative to the middle of whoever stands before the background, so that it does not matter how far away that is.

    Raises:
        ChannelError, LengthError: more than one channel, or another number of frames than it was built for.
    """

    class Config(ComponentConfig):
        """points: frames of a clip; bands: rows, columns and distances that motion is counted in; moved: a pixel moves where its distance
        changes by more than this from frame to frame, in the channel's unit; before: it belongs to somebody where it is nearer than its
        farthest reading by more than this; reach: distances are counted so far before and behind the middle; embed_dim: components that
        are kept."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels", "points", "embed_dim")

        channels: int = Field(default=1, ge=1, le=1)
        points: int = Field(ge=2, le=4096)
        bands: int = Field(default=12, ge=2, le=256)
        moved: float = Field(default=0.05, gt=0, le=1e6)
        before: float = Field(default=0.1, gt=0, le=1e6)
        reach: float = Field(default=0.9, gt=0, le=1e6)
        embed_dim: int = Field(default=192, ge=1, le=4096)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        self.series = KernelShareEncoder.create(
            channels=3 * config.bands, points=_SAMPLES, octaves=_OCTAVES, thresholds=1, magnitude=False, embed_dim=config.embed_dim
        )

    @classmethod
    def example(cls) -> MotionProfileEncoder:
        """Clips of 6 frames, 4 bands, 8 components."""
        made = cls.create(points=6, bands=4, embed_dim=8)
        made.prepare(made.example_signal(24))
        return made

    def example_signal(self, batch: int = 2) -> Signal:
        """Somebody a metre before a wall, who moves at random; 12 x 12 pixels."""
        drawn = torch.Generator().manual_seed(0)
        values = 3 + 0.02 * torch.randn(batch, 1, self.config.points, 12, 12, generator=drawn)
        body = torch.rand(batch, 1, self.config.points, 6, 4, generator=drawn)
        values[..., 3:9, 4:8] = torch.where(body > 0.3, 2 + 0.3 * body, values[..., 3:9, 4:8])
        channels = (Channel(name="depth", kind="depth", unit="m"),)
        observed = torch.ones(batch, 1, self.config.points, dtype=torch.bool)
        return Signal(values, channels, ClipClock(), torch.ones(batch, dtype=torch.bool), observed)

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, 1, T, H, W] -> [B, 1, embed_dim]."""
        return self.series.tokenize(self._profiles(signal))

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """The same tokens, hidden ones no longer valid."""
        return self.series.encode(tokens, visible)

    @torch.no_grad()
    def prepare(self, signal: Signal) -> None:
        """Fit scales, thresholds and principal components to training clips. No labels."""
        self.series.prepare(self._profiles(signal))

    def _profiles(self, signal: Signal) -> Signal:
        """Shares of moving pixels [B, 3 * bands, samples]: by row, by column, by distance."""
        config = self.config
        if signal.values.dim() != 5 or signal.values.shape[1] != 1:
            raise ChannelError(f"motion-profiles reads one channel of distances [B, 1, T, H, W], got {tuple(signal.values.shape)}.")
        if signal.values.shape[2] != config.points:
            raise LengthError(f"motion-profiles was built for clips of {config.points} frames, got {signal.values.shape[2]}.")
        distance = ops.filled(signal)[:, 0]
        farthest = distance.amax(1, keepdim=True)
        settled = torch.where(distance > 0, distance, farthest)
        change = functional.pad(settled[:, 1:] - settled[:, :-1], (0, 0, 0, 0, 1, 0))
        # What was lost before or after a frame is no motion.
        seen = signal.usable[:, 0]
        both = functional.pad(seen[:, 1:] & seen[:, :-1], (1, 0))
        moving = ((change.abs() > config.moved) & both[..., None, None]).to(settled.dtype)
        somebody = farthest - settled > config.before
        rows = functional.adaptive_avg_pool2d(moving, (config.bands, 1)).flatten(2)
        columns = functional.adaptive_avg_pool2d(moving, (1, config.bands)).flatten(2)
        far = self._by_distance(settled, somebody, moving)
        profiles = torch.cat([rows, columns, far], dim=2).transpose(1, 2)
        series = functional.interpolate(profiles, size=_SAMPLES, mode="linear", align_corners=True)
        observed = (signal.present[:, None, None] & seen.any(1)[:, None, None]).expand(series.shape)
        return Signal(series, self._channels, ClipClock(), signal.present, observed)

    def _by_distance(self, settled: Tensor, somebody: Tensor, moving: Tensor) -> Tensor:
        """Shares of pixels that belong to somebody and move, by distance from the middle of all such pixels of the clip, [B, T, bands]."""
        bands = self.config.bands
        lost = torch.full_like(settled, float("nan"))
        middle = torch.where(somebody, settled, lost).flatten(1).nanmedian(dim=1).values.nan_to_num()
        place = ((settled - middle[:, None, None, None]) / self.config.reach + 1) * bands / 2
        band = place.floor().clamp(0, bands - 1)
        counted = moving * somebody
        return torch.stack([(counted * (band == number)).mean((2, 3)) for number in range(bands)], dim=2)

    @property
    def _channels(self) -> tuple[Channel, ...]:
        kinds = ("row", "column", "distance")
        return tuple(Channel(name=f"{kind}-{number}", kind="motion", unit="1") for kind in kinds for number in range(self.config.bands))
