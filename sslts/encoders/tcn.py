"""The convolutional encoder of CroSSL: `tcn` (Deldari et al., WSDM 2024, arXiv:2307.16847; sizes and layers of the released code)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Self, final

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from sslts import ops
from sslts.config import Channel, ComponentConfig
from sslts.encoders.convolution import Padding, convolve, fast_on, norm_prelu, same_padding
from sslts.errors import ChannelError
from sslts.interfaces import Encoder
from sslts.types import RateClock, Signal, Tokens

_EPSILON = 1e-3  # TensorFlow's layer norm

Sizes = Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(min_length=1, max_length=16)]


@final
class TCN(Encoder):
    """Blocks of convolution, layer norm over channels, PReLU and dropout, each keeping the signal's length ("same" padding, stride 1).

    [B, C, T] -> one token a time step [B, T', D], T' = ceil(T / product of strides), D the last block's filters. CroSSL averages them over
    time. A token is valid where any channel was observed within its stride; unobserved samples enter the first convolution as 0.

    Parameters. A block from I to O channels with K taps has O (I K + 1) of convolution, 2 O of layer norm and O slopes (one a channel,
    shared over time). With the default sizes that is 56,544 for one channel and 57,696 for three. The paper's sizes are those of the
    encoders together with its aggregator (6,144 M + 3,264 for M modalities, see `ConcatMLP`):

    * WESAD, chest ECG, EMG and EDA of one channel: 3 x 56,544 + 21,696 = 191,328;
    * PAMAP2, three places x (accelerometer, gyroscope) of three axes: 6 x 57,696 + 40,128 = 386,304, and with heart rate of one
      channel + 56,544 + 6,144 = 448,992;
    * Sleep-EDF, two EEG, EOG and EMG as four modalities of one channel: 4 x 56,544 + 27,840 = 254,016.

    Kernels, biases and slopes start as Keras starts them (Glorot uniform, 0, 0).

    Raises:
        ChannelError: the signal has another number of channels.
    """

    class Config(ComponentConfig):
        """filters, kernels, strides: one entry a block."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("channels",)

        channels: int = Field(ge=1, le=256)
        filters: Sizes = (24, 48, 96)
        kernels: Sizes = (24, 16, 8)
        strides: Sizes = (1, 1, 1)
        dropout: float = Field(default=0.1, ge=0, lt=1)

        @model_validator(mode="after")
        def _one_entry_a_block(self) -> Self:
            lengths = len(self.filters), len(self.kernels), len(self.strides)
            if len(set(lengths)) != 1:
                raise ValueError("filters, kernels and strides need one entry a block each, got {}, {} and {}".format(*lengths))
            return self

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.filters[-1]
        sizes = pairwise((config.channels, *config.filters))
        self.blocks = nn.ModuleList(Block(*size, kernel) for size, kernel in zip(sizes, config.kernels, strict=True))

    @classmethod
    def example(cls) -> TCN:
        """Two small blocks for three channels."""
        return cls.create(channels=3, filters=(4, 6), kernels=(5, 4), strides=(1, 2))

    def example_signal(self, batch: int = 2) -> Signal:
        """Random samples, 4 s at 8 Hz."""
        channels = tuple(Channel(name=f"c{index}", kind="accelerometer", unit="g") for index in range(self.config.channels))
        values = torch.randn(batch, len(channels), 32)
        return Signal(values, channels, RateClock(8.0), torch.ones(batch, dtype=torch.bool), torch.ones_like(values, dtype=torch.bool))

    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T] -> [B, T', D]."""
        if signal.values.shape[1] != self.config.channels:
            raise ChannelError(
                f"TCN was built for {self.config.channels} channels, got {signal.values.shape[1]} "
                f"({', '.join(channel.name for channel in signal.channels)}). Give it the modality that its spec describes."
            )
        values = self(ops.filled(signal).transpose(1, 2))
        return ops.sequence_tokens(values, self._observed(signal, values.shape[1]), signal)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """The same tokens; a convolution cannot skip the hidden ones, they are only no longer valid."""
        return tokens if visible is None else tokens.keep(visible)

    def forward(self, values: Tensor) -> Tensor:
        """The network alone. Finite [B, T, C] -> [B, T', D]."""
        fast = fast_on(values)
        pads, samples, width = [], values.shape[1], self.config.channels
        for filters, kernel, stride in zip(self.config.filters, self.config.kernels, self.config.strides, strict=True):
            pads.append(same_padding(samples, width, kernel, stride, packed=fast))
            samples, width = -(-samples // stride), filters
        # Each block writes its result into the padding of the next one.
        padded = functional.pad(values, (0, 0, pads[0].left, pads[0].right))
        for block, stride, before, after in zip(self.blocks, self.config.strides, pads, [*pads[1:], Padding()], strict=True):
            padded = block(padded, stride=stride, before=before, after=after, fused=fast)
            padded = functional.dropout(padded, self.config.dropout, self.training)
        return padded

    def _observed(self, signal: Signal, count: int) -> Tensor:
        """bool [B, T']: any channel observed in the token's stride."""
        stride = torch.Size(self.config.strides).numel()
        usable = signal.usable.any(1)
        return functional.pad(usable, (0, count * stride - usable.shape[1])).unflatten(1, (count, stride)).any(-1)


class Block(nn.Module):
    """Convolution, layer norm, PReLU."""

    def __init__(self, channels: int, filters: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(filters, channels, kernel)))
        self.bias = nn.Parameter(torch.zeros(filters))
        self.norm_weight = nn.Parameter(torch.ones(filters))
        self.norm_bias = nn.Parameter(torch.zeros(filters))
        self.slope = nn.Parameter(torch.zeros(filters))

    def forward(self, padded: Tensor, *, stride: int, before: Padding, after: Padding, fused: bool) -> Tensor:
        """padded [B, left + T + right, I] -> [B, T', O] between the zeros that the next block wants."""
        values = convolve(padded, self.weight, self.bias, stride=stride, pack=before.pack)
        return norm_prelu(values, self.norm_weight, self.norm_bias, self.slope, eps=_EPSILON, pad=after, fused=fused)
