"""MiniRocket features of whole windows (Dempster et al. 2021, arXiv:2012.08791), through aeon: `minirocket.features`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, final

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from sslts import ops
from sslts.config import Channel, ComponentConfig
from sslts.errors import ChannelError, LengthError
from sslts.interfaces import Encoder
from sslts.types import RateClock, Signal, Tokens

#: Kernels of length nine with three weights of 2 and six of -1: the paper's fixed set.
KERNELS = 84


@final
class MiniRocketFeatures(Encoder):
    """[B, C, T] -> one token a window, [B, 1, embed_dim]: shares of time that convolutions exceed their biases.

    Dilations and channels of each kernel are drawn, biases are quantiles of convolutions of training windows; all are
    buffers. Before `prepare` every feature is 0. Channels are standardised over training windows first.

    Raises:
        ChannelError, LengthError: other channels or another number of samples than it was built for.
    """

    exportable: ClassVar[bool] = False

    class Config(ComponentConfig):
        """channels, points: C and T; kernels: features, rounded down to a multiple of 84; dilations: a kernel's at most;
        seed: of the draw."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels", "points")

        channels: int = Field(ge=1, le=256)
        points: int = Field(ge=9, le=65_536)
        kernels: int = Field(default=1008, ge=KERNELS, le=100_000)
        dilations: int = Field(default=32, ge=1, le=64)
        seed: int = Field(default=0, ge=0, le=2**31 - 1)

    config: Config
    mean: Tensor
    scale: Tensor
    members: Tensor
    spacing: Tensor
    counts: Tensor
    biases: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = KERNELS * (config.kernels // KERNELS)
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("scale", torch.ones(config.channels))
        # Which channels each pair of dilation and kernel adds up; how far apart its weights are; features of each dilation.
        self.register_buffer("members", torch.zeros(config.dilations * KERNELS, config.channels, dtype=torch.bool))
        self.register_buffer("spacing", torch.zeros(config.dilations, dtype=torch.int32))
        self.register_buffer("counts", torch.zeros(config.dilations, dtype=torch.int32))
        self.register_buffer("biases", torch.zeros(self.embed_dim))

    @classmethod
    def example(cls) -> MiniRocketFeatures:
        """Two channels of 32 points, fitted to noise."""
        made = cls.create(channels=2, points=32, kernels=168, dilations=4)
        made.prepare(made.example_signal(16))
        return made

    def example_signal(self, batch: int = 2) -> Signal:
        """Noise."""
        size = (batch, self.config.channels, self.config.points)
        values = torch.randn(size, generator=torch.Generator().manual_seed(0))
        channels = tuple(Channel(name=f"c{index}", kind="example", unit="a.u.") for index in range(self.config.channels))
        present, observed = torch.ones(batch, dtype=torch.bool), torch.ones(size, dtype=torch.bool)
        return Signal(values, channels, RateClock(float(self.config.points)), present, observed)

    @torch.no_grad()
    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T] -> [B, 1, embed_dim]."""
        seen = signal.usable.any(-1).any(-1)
        values = self._standard(signal)
        made = values.new_zeros(len(values), self.embed_dim)
        if bool(self.counts.any()) and bool(seen.any()):
            with _global_state_kept():
                found = self._transform().transform(_as_float32(values[seen]))
            made[seen] = torch.from_numpy(np.ascontiguousarray(found)).to(made)
        return ops.sequence_tokens(made[:, None], seen[:, None], signal)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """The same tokens, hidden ones no longer valid."""
        return tokens if visible is None else tokens.keep(visible)

    @torch.no_grad()
    def prepare(self, signal: Signal) -> None:
        """Fit scales, dilations and biases to training windows. No labels."""
        rows = signal.usable.any(-1).any(-1)
        if int(rows.sum()) < 2:
            return
        chosen = signal.select(rows)
        values = self._checked(chosen)
        self.mean.copy_(values.mean((0, 2)))
        deviation = values.std((0, 2), correction=0)
        self.scale.copy_(torch.where(deviation > 1e-8, deviation, torch.ones_like(deviation)))
        with _global_state_kept():
            fitted = self._new().fit(_as_float32(self._standard(chosen)))
        numbers, channels, spacing, counts, biases = (torch.as_tensor(part) for part in fitted.parameters)
        self.spacing.zero_()[: len(spacing)] = spacing
        self.counts.zero_()[: len(counts)] = counts
        self.biases.copy_(biases)
        self.members.zero_()
        owner = torch.repeat_interleave(torch.arange(len(numbers)), numbers.long())
        self.members[owner, channels.long()] = True

    def _new(self) -> Any:
        from aeon.transformations.collection.convolution_based import MiniRocket

        options = self.config
        return MiniRocket(options.kernels, options.dilations, n_jobs=1, random_state=options.seed)

    def _transform(self) -> Any:
        """aeon's transform with the parameters that the buffers hold."""
        used = int((self.counts > 0).sum())
        members = self.members[: used * KERNELS].cpu()
        made = self._new()
        made.parameters = (
            members.sum(1).numpy().astype(np.int32),
            members.nonzero()[:, 1].numpy().astype(np.int32),
            self.spacing[:used].cpu().numpy(),
            self.counts[:used].cpu().numpy(),
            self.biases.cpu().float().numpy(),
        )
        made._n_jobs, made.is_fitted = 1, True
        return made

    def _checked(self, signal: Signal) -> Tensor:
        config = self.config
        if signal.values.dim() != 3 or signal.values.shape[1] != config.channels:
            raise ChannelError(f"MiniRocket was built for {config.channels} channels [B, C, T], got {tuple(signal.values.shape)}.")
        if signal.values.shape[2] != config.points:
            raise LengthError(f"MiniRocket was built for {config.points} samples, got {signal.values.shape[2]}. Resample first.")
        return ops.filled(signal)

    def _standard(self, signal: Signal) -> Tensor:
        """Standardised; what was lost stands at the mean."""
        values = (self._checked(signal) - self.mean[:, None]) / self.scale[:, None]
        return torch.where(signal.usable, values, torch.zeros_like(values))


def _as_float32(values: Tensor) -> Any:
    return values.cpu().float().numpy()


@contextmanager
def _global_state_kept() -> Iterator[None]:
    """aeon seeds NumPy's global generator and, through numba, sets OpenMP's threads, which are torch's too: put both back."""
    before, threads = np.random.get_state(), torch.get_num_threads()  # noqa: NPY002 - what must stay as it is
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002 - as above
        torch.set_num_threads(threads)
