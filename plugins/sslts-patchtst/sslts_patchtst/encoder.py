"""PatchTST (Nie et al. 2023, arXiv:2211.14730) of Hugging Face transformers: `patchtst.encoder`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self, final

import torch
from pydantic import Field
from torch import Tensor

from sslts import ops
from sslts.config import Channel, ComponentConfig, parse
from sslts.errors import ArtefactError, ChannelError, ConfigError, LengthError, WeightsMismatchError
from sslts.hub.download import fetch_files
from sslts.hub.header import read_header
from sslts.interfaces import Encoder
from sslts.strict_json import read_json
from sslts.types import RateClock, Signal, Tokens

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
#: Option here -> the name that transformers' PatchTSTConfig has for it.
_NAMES = {
    "channels": "num_input_channels",
    "points": "context_length",
    "patch": "patch_length",
    "stride": "patch_stride",
    "embed_dim": "d_model",
    "depth": "num_hidden_layers",
    "heads": "num_attention_heads",
    "hidden": "ffn_dim",
}


@final
class PatchTST(Encoder):
    """[B, C, T] -> one token a channel and patch, [B, C * n, embed_dim]. Channels are read apart, each scaled by its own window.

    Raises:
        ChannelError, LengthError: other channels or another number of samples than it was built for.
    """

    class Config(ComponentConfig):
        """channels, points: C and T; patch, stride: samples; embed_dim, depth, heads, hidden: of the transformer.

        batch_norm: whether its norms are batch norms, as published weights have them, or layer norms."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels", "points")

        channels: int = Field(ge=1, le=256)
        points: int = Field(ge=2, le=65_536)
        patch: int = Field(default=16, ge=1, le=4096)
        stride: int = Field(default=16, ge=1, le=4096)
        embed_dim: int = Field(default=128, ge=1, le=4096)
        depth: int = Field(default=3, ge=1, le=64)
        heads: int = Field(default=4, ge=1, le=64)
        hidden: int = Field(default=512, ge=1, le=65_536)
        batch_norm: bool = True

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        from transformers import PatchTSTConfig, PatchTSTModel

        if config.embed_dim % config.heads:
            raise ConfigError(f"{config.heads} heads do not divide embed_dim {config.embed_dim}.")
        if config.points < config.patch:
            raise LengthError(f"A window of {config.points} samples holds no patch of {config.patch}.")
        self.embed_dim = config.embed_dim
        sizes = {theirs: getattr(config, ours) for ours, theirs in _NAMES.items()}
        norm = "batchnorm" if config.batch_norm else "layernorm"
        # Windows are scaled here, so that lost samples take no part; hiding is a masker's task.
        told = PatchTSTConfig(**sizes, norm_type=norm, scaling=None, do_mask_input=False, pre_norm=True, attn_implementation="eager")
        self.encoder = PatchTSTModel(told).encoder

    @classmethod
    def example(cls) -> PatchTST:
        """Two channels of 32 points in patches of 8."""
        return cls.create(channels=2, points=32, patch=8, stride=8, embed_dim=8, depth=1, heads=2, hidden=16)

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """A published checkpoint: `config.json` and `model.safetensors` as transformers writes them.

        Raises:
            ArtefactError: a file is missing or cannot be read.
            ConfigError: it is no PatchTST, or of a kind that this adapter does not read.
            WeightsMismatchError: the weights are not those of the config.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        config, weights = Path(folder) / "config.json", Path(folder) / "model.safetensors"
        for path in (config, weights):
            if not path.is_file():
                raise ArtefactError(f"{path} is missing. Give the folder of a PatchTST checkpoint with safetensors weights.")
        told = read_json(config)
        if not isinstance(told, dict):
            raise ConfigError(f"{config} is not the config of a model.")
        read_header(weights)  # bounded, and not larger than the file says
        try:
            state = load_file(weights)
        except (OSError, ValueError, SafetensorError) as error:
            raise ArtefactError(f"{folder} cannot be read ({error}).") from error
        made = cls(parse(cls.Config, _options(told, str(config)), str(config)))
        found = {name.partition("encoder.")[2]: tensor for name, tensor in state.items() if "encoder." in name}
        wanted = made.encoder.state_dict()
        if {name: value.shape for name, value in wanted.items()} != {n: v.shape for n, v in found.items() if n in wanted}:
            missing = sorted(set(wanted) - set(found)) or ["other shapes"]
            raise WeightsMismatchError(f"{weights} does not fit {config}: {', '.join(missing[:3])}.")
        made.encoder.load_state_dict({name: found[name] for name in wanted})
        return made.eval()

    @classmethod
    def from_hub(cls, repo: str, *, revision: str, sha256: Mapping[str, str]) -> Self:
        """A checkpoint of the Hugging Face Hub at a commit.

        sha256: of `config.json` and `model.safetensors`, as the repository's file pages show them: what came is compared with it.

        Raises:
            ConfigError: the revision is no commit, or a hash is missing.
            HubError: the Hub could not give it, or gave something else.
            ArtefactError: as for `from_folder`.
        """
        if not _COMMIT.match(revision):
            raise ConfigError(f"'{revision}' is not a commit of 40 hexadecimal digits. A branch can change: pin what is meant.")
        if set(sha256) != {"config.json", "model.safetensors"}:
            raise ConfigError(f"sha256 must name config.json and model.safetensors, got {', '.join(sorted(sha256)) or 'nothing'}.")
        return cls.from_folder(fetch_files(repo, revision, sha256))

    def example_signal(self, batch: int = 2) -> Signal:
        """Noise."""
        size = (batch, self.config.channels, self.config.points)
        values = torch.randn(size, generator=torch.Generator().manual_seed(0))
        channels = tuple(Channel(name=f"c{index}", kind="example", unit="a.u.") for index in range(self.config.channels))
        present, observed = torch.ones(batch, dtype=torch.bool), torch.ones(size, dtype=torch.bool)
        return Signal(values, channels, RateClock(float(self.config.points)), present, observed)

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T] -> patches [B, C * n, patch], each channel of each window scaled by what was observed of it."""
        config = self.config
        if signal.values.dim() != 3 or signal.values.shape[1] != config.channels:
            raise ChannelError(f"PatchTST was built for {config.channels} channels [B, C, T], got {tuple(signal.values.shape)}.")
        if signal.values.shape[2] != config.points:
            raise LengthError(f"PatchTST was built for {config.points} samples, got {signal.values.shape[2]}. Resample first.")
        seen, values = signal.usable, ops.filled(signal)
        count = seen.sum(-1, keepdim=True).clamp(min=1)
        mean = values.sum(-1, keepdim=True) / count
        centred = torch.where(seen, values - mean, torch.zeros_like(values))
        scaled = centred / (centred.square().sum(-1, keepdim=True) / count + 1e-5).sqrt()
        # As PatchTST has it, patches end with the window.
        first = (config.points - config.patch) % config.stride
        patches = scaled[..., first:].unfold(-1, config.patch, config.stride)
        valid = seen[..., first:].unfold(-1, config.patch, config.stride).any(-1)
        number = patches.shape[2]
        made = ops.sequence_tokens(patches.flatten(1, 2), valid.flatten(1, 2), signal)
        step = torch.arange(number, device=values.device).repeat(config.channels)
        middle = (first + step * config.stride + config.patch / 2) / config.points * signal.clock.duration_s(config.points)
        channel = torch.arange(config.channels, device=values.device).repeat_interleave(number)
        cell = torch.stack([step, torch.zeros_like(step), torch.zeros_like(step)], dim=-1)
        rows = len(values)
        places = {"time_s": middle.float().expand(rows, -1), "channel": channel.expand(rows, -1), "cell": cell.expand(rows, -1, -1)}
        return replace(made, **places)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """[B, C * n, patch] -> [B, C * n, embed_dim]; hidden and lost patches are read as 0, as PatchTST's own masking does."""
        kept = tokens if visible is None else tokens.keep(visible)
        patches = torch.where(kept.valid[..., None], kept.values, torch.zeros_like(kept.values))
        read = self.encoder(patch_input=patches.unflatten(1, (self.config.channels, -1)), return_dict=True)
        values = read.last_hidden_state.flatten(1, 2)
        return replace(kept, values=torch.where(kept.valid[..., None], values, torch.zeros_like(values)))


def _options(told: dict[str, Any], where: str) -> dict[str, Any]:
    """Our options of transformers' config; what this adapter does not read is an error."""
    if told.get("model_type") != "patchtst":
        raise ConfigError(f"{where}: model_type is {told.get('model_type')!r}, expected 'patchtst'.")
    read = {
        "use_cls_token": False,
        "channel_attention": False,
        "share_embedding": True,
        "pre_norm": True,
        "activation_function": "gelu",
        "bias": True,
        "norm_eps": 1e-5,
        "positional_encoding_type": "sincos",
        "scaling": "std",
    }
    unread = [name for name, expected in read.items() if told.get(name, expected) != expected]
    if unread:
        raise ConfigError(f"{where}: this adapter reads no checkpoint with {unread[0]} = {told[unread[0]]}.")
    missing = [theirs for theirs in _NAMES.values() if theirs not in told]
    if missing:
        raise ConfigError(f"{where} lacks {', '.join(missing)}.")
    return {**{ours: told[theirs] for ours, theirs in _NAMES.items()}, "batch_norm": told.get("norm_type", "batchnorm") == "batchnorm"}
