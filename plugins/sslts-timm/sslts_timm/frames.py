"""A video as its frames, each read by an image backbone of timm: `timm.frames`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar, final

import torch
from pydantic import Field, StringConstraints
from torch import Tensor, nn

from sslts import ops
from sslts.config import Channel, ComponentConfig
from sslts.errors import ChannelError, ConfigError, HubError, SslTsError, UnknownComponentError, suggest
from sslts.interfaces import Encoder
from sslts.types import ClipClock, Signal, Tokens


@final
class Frames(Encoder):
    """[B, C, T, H, W] -> one token a frame, [B, T, embed_dim]: a backbone without its classifier, and a linear map.

    A lost frame has no valid token. Hidden frames are dropped before the backbone runs.

    Raises:
        UnknownComponentError: timm has no backbone of this name.
        ChannelError: the signal is no video of the channels it was built for.
    """

    drops_tokens: ClassVar[bool] = True

    class Config(ComponentConfig):
        """model: an architecture of timm, without a tag of weights; channels: C; height, width: of a frame; embed_dim: D.

        frozen: the backbone takes no gradients and its batch statistics stand still. weights: published ones to start training from, as
        timm names them ("resnet18.a1_in1k"); building and loading a model never downloads."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels", "height", "width")

        model: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")] = "resnet18"
        channels: int = Field(default=3, ge=1, le=256)
        height: int = Field(default=96, ge=8, le=4096)
        width: int = Field(default=96, ge=8, le=4096)
        embed_dim: int = Field(default=192, ge=1, le=4096)
        frozen: bool = False
        weights: Annotated[str, StringConstraints(pattern=r"^([a-z0-9_]{1,64}\.[a-z0-9_]{1,64})?$")] = ""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        self.backbone = _backbone(config, config.model, pretrained=False)
        # Some backbones widen their features once more before the classifier: that is what they return without one.
        width = getattr(self.backbone, "head_hidden_size", None) or self.backbone.num_features
        self.enter = nn.Linear(width, config.embed_dim)
        if config.frozen:
            self.backbone.requires_grad_(False)

    @classmethod
    def example(cls) -> Frames:
        """A small residual network on frames of 32 x 32, two channels."""
        return cls.create(model="test_resnet", channels=2, height=32, width=32, embed_dim=8)

    def example_signal(self, batch: int = 2) -> Signal:
        """Three frames of noise."""
        config = self.config
        size = (batch, config.channels, 3, config.height, config.width)
        values = torch.randn(size, generator=torch.Generator().manual_seed(0))
        channels = tuple(Channel(name=f"c{index}", kind="video", unit="a.u.") for index in range(config.channels))
        present, observed = torch.ones(batch, dtype=torch.bool), torch.ones(batch, 1, 3, dtype=torch.bool)
        return Signal(values, channels, ClipClock(), present, observed)

    def start_from(self, weights: str) -> None:
        """Replace the backbone by one with published weights, named as timm names them ("resnet18.a1_in1k"). Downloads.

        Raises:
            ConfigError: they are of another architecture.
            HubError: timm knows no such weights, or could not get them.
        """
        if weights.partition(".")[0] != self.config.model:
            raise ConfigError(f"'{weights}' is no set of weights for '{self.config.model}': expected '{self.config.model}.…'.")
        try:
            backbone = _backbone(self.config, weights, pretrained=True)
        except SslTsError:
            raise
        except Exception as error:  # timm, and the client that it downloads with, raise errors of many kinds
            raise HubError(f"timm could not give the weights '{weights}' ({type(error).__name__}: {error}).") from error
        self.backbone = backbone.to(self.enter.weight)
        self.backbone.requires_grad_(not self.config.frozen)
        self.train(self.training)

    def prepare(self, signal: Signal) -> None:
        """Before training: start from the weights that the config names, if it names some."""
        if self.config.weights:
            self.start_from(self.config.weights)

    def train(self, mode: bool = True) -> Frames:
        """As for any module, but a frozen backbone stays in eval mode."""
        super().train(mode)
        if self.config.frozen:
            self.backbone.eval()
        return self

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T, H, W] -> pixels of each frame, [B, T, C * H * W]."""
        config = self.config
        if signal.values.dim() != 5 or tuple(signal.values.shape[i] for i in (1, 3, 4)) != self._frame:
            raise ChannelError(
                f"Frames was built for videos of {config.channels} channels and frames of {config.height} x {config.width} "
                f"[B, C, T, H, W], got {tuple(signal.values.shape)}."
            )
        pixels = ops.filled(signal).transpose(1, 2).flatten(2)
        return ops.sequence_tokens(pixels, signal.usable[:, 0], signal)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """[B, N, C * H * W] -> [B, N or fewer, embed_dim]."""
        kept = ops.pack_tokens(tokens, tokens.valid if visible is None else tokens.valid & visible)
        frames, there = kept.values.flatten(0, 1).unflatten(1, self._frame), kept.valid.flatten()
        if self.training:
            # Frames that are not there must not enter batch statistics.
            read = frames.new_zeros(len(frames), self.enter.in_features)
            if there.any():
                read[there] = self.backbone(frames[there])
        else:
            read = self.backbone(frames)
        values = self.enter(read).unflatten(0, kept.valid.shape)
        return replace(kept, values=torch.where(kept.valid[..., None], values, torch.zeros_like(values)))

    @property
    def _frame(self) -> tuple[int, int, int]:
        return self.config.channels, self.config.height, self.config.width


def _backbone(config: Frames.Config, name: str, *, pretrained: bool) -> Any:
    import timm

    if not timm.is_model(name.partition(".")[0]):
        known = timm.list_models()
        raise UnknownComponentError(f"timm has no model '{name}'. {suggest(name, known)}It has {len(known)}: timm.list_models().")
    options: dict[str, Any] = {"pretrained": pretrained, "num_classes": 0, "in_chans": config.channels}
    try:
        return timm.create_model(name, **options, img_size=(config.height, config.width))
    except TypeError as error:
        if "img_size" not in str(error):
            raise
        # A convolutional network takes frames of any size, and no option for it.
        return timm.create_model(name, **options)
