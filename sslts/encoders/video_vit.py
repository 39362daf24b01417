"""Video as tubelets (VideoMAE, Tong et al. 2022, arXiv:2203.12602, sec. 3.2; Mu-MAE, arXiv:2408.04243): `video-vit`."""

from __future__ import annotations

from typing import ClassVar, Self, final

import torch
from einops import rearrange
from pydantic import Field, model_validator
from torch import Tensor

from sslts import ops
from sslts.config import Channel, ComponentConfig
from sslts.encoders.patch_encoder import PatchEncoder
from sslts.errors import ChannelError, LengthError
from sslts.types import ClipClock, Signal, Tokens


@final
class VideoViT(PatchEncoder):
    """[B, C, T, H, W] -> one token a tubelet of `tubelet` frames and `patch` x `patch` pixels, time first. Any channels: RGB, grey, depth.

    A tubelet is valid if one of its frames was observed; frames that were lost stand at 0 in it.

    Raises:
        ChannelError: another number of channels than it was built for.
        LengthError: other frames or another frame size.
    """

    class Config(ComponentConfig):
        """channels; frames, height, width of a clip; tubelet: frames of a token; patch: its side in pixels; embed_dim, depth, heads: of the
        ViT (depth 0: tubelets only, for a joint encoder). foreground: for one channel of distances; a pixel tells how far it stands in
        front of the farthest reading it has in the clip, 0 where there is none (`foreground`)."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels",)

        channels: int = Field(ge=1, le=64)
        frames: int = Field(default=16, ge=1, le=1024)
        height: int = Field(default=96, ge=1, le=4096)
        width: int = Field(default=96, ge=1, le=4096)
        tubelet: int = Field(default=2, ge=1, le=64)
        patch: int = Field(default=16, ge=1, le=512)
        embed_dim: int = Field(default=192, ge=1, le=4096)
        depth: int = Field(default=0, ge=0, le=64)
        heads: int = Field(default=3, ge=1, le=64)
        foreground: bool = False

        @model_validator(mode="after")
        def _divides(self) -> Self:
            if self.frames % self.tubelet or self.height % self.patch or self.width % self.patch:
                raise ValueError(
                    f"clips of {self.frames} x {self.height} x {self.width} cannot be cut into tubelets of "
                    f"{self.tubelet} x {self.patch} x {self.patch}"
                )
            if self.embed_dim % self.heads:
                raise ValueError(f"{self.heads} heads do not divide embed_dim {self.embed_dim}")
            if self.foreground and self.channels != 1:
                raise ValueError(f"foreground is of one channel of distances; this video has {self.channels}")
            return self

    config: Config

    def __init__(self, config: Config) -> None:
        numbers = config.channels * config.tubelet * config.patch**2
        super().__init__(config, patch=numbers, dim=config.embed_dim, depth=config.depth, heads=config.heads)

    @classmethod
    def example(cls) -> VideoViT:
        """One channel, 4 frames of 8 x 8, tubelets of 2 x 4 x 4."""
        return cls.create(channels=1, frames=4, height=8, width=8, tubelet=2, patch=4, embed_dim=16, depth=1, heads=2)

    def example_signal(self, batch: int = 2) -> Signal:
        """Noise."""
        size = (batch, self.config.channels, self.config.frames, self.config.height, self.config.width)
        values = torch.randn(size, generator=torch.Generator().manual_seed(0))
        channels = tuple(Channel(name=f"c{index}", kind="depth", unit="m") for index in range(self.config.channels))
        observed = torch.ones(batch, 1, self.config.frames, dtype=torch.bool)
        return Signal(values, channels, ClipClock(), torch.ones(batch, dtype=torch.bool), observed)

    @property
    def grid(self) -> tuple[int, int, int]:
        """Tubelets along time, rows and columns."""
        config = self.config
        return config.frames // config.tubelet, config.height // config.patch, config.width // config.patch

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T, H, W] -> raw tubelets [B, N, C * tubelet * patch * patch]."""
        config = self.config
        if signal.values.dim() != 5 or signal.values.shape[1] != config.channels:
            raise ChannelError(
                f"VideoViT was built for clips of {config.channels} channels [B, C, T, H, W], got {tuple(signal.values.shape)}."
            )
        expected = (config.frames, config.height, config.width)
        if tuple(signal.values.shape[2:]) != expected:
            raise LengthError(
                f"VideoViT was built for clips of {expected} (T, H, W), got {tuple(signal.values.shape[2:])}. Resize the clips."
            )
        sizes = {"p": config.tubelet, "q": config.patch, "r": config.patch}
        values = rearrange(self._pixels(signal), "b c (t p) (h q) (w r) -> b (t h w) (c p q r)", **sizes)
        slots, rows, columns = self.grid
        seen = rearrange(signal.usable[:, 0], "b (t p) -> b t p", p=config.tubelet).any(-1)
        cell = torch.cartesian_prod(*(torch.arange(size, device=values.device) for size in self.grid))
        zeros = torch.zeros(len(values), values.shape[1], dtype=torch.long, device=values.device)
        return Tokens(
            values=values,
            valid=seen.repeat_interleave(rows * columns, dim=1),
            time_s=ops.token_times(signal, slots).repeat_interleave(rows * columns, dim=1),
            modality=zeros,
            channel=zeros,
            cell=cell[None].expand(len(values), -1, -1),
        )

    def _pixels(self, signal: Signal) -> Tensor:
        values = ops.filled(signal)
        return foreground(values) if self.config.foreground else values

    def assembled(self, patches: Tensor) -> Tensor:
        """[B, N, C * tubelet * patch * patch] -> [B, C, T, H, W]."""
        slots, rows, columns = self.grid
        sizes = {"p": self.config.tubelet, "q": self.config.patch, "r": self.config.patch, "t": slots, "h": rows, "w": columns}
        return rearrange(patches, "b (t h w) (c p q r) -> b c (t p) (h q) (w r)", **sizes)


def foreground(distance: Tensor) -> Tensor:
    """Distances [B, 1, T, H, W], 0 where there is no reading -> how far each pixel is in front of the farthest reading it has in the clip.

    A camera that stands still sees walls and floor at 0 and who moves in front of them above it, in the same unit.
    """
    farthest = distance.amax(2, keepdim=True)
    return torch.where(distance > 0, farthest - distance, torch.zeros_like(distance))
