"""The parts that methods are made of: from windows to tokens, plans, embeddings and losses."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

from torch import Generator, Tensor

from sslts.errors import UnsupportedError
from sslts.interfaces.base import Component
from sslts.types import LossParts, MaskPlan, Signal, Tokens


class Encoder(Component):
    """WINDOWS -> TOKENS. `tokenize` and `encode` are apart because MAE and JEPA mask between them."""

    embed_dim: int
    #: True if `encode` can skip hidden tokens, so that they cost nothing and cannot leak.
    drops_tokens: ClassVar[bool] = False
    #: False if it computes outside torch, so that torch.export cannot capture it.
    exportable: ClassVar[bool] = True

    def front(self, signal: Signal) -> Signal:
        """The fixed part, if there is one: training may compute it once and keep it. `tokenize` takes either. Default: the signal."""
        return signal

    @abstractmethod
    def tokenize(self, signal: Signal) -> Tokens:
        """[B, C, T] -> [B, N, D]. A window that is absent or wholly unobserved has no valid token."""

    @abstractmethod
    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tokens:
        """[B, N, D] -> [B, N or fewer, D]; visible: bool [B, N]."""

    def prepare(self, signal: Signal) -> None:
        """Fit label-free statistics into buffers, once before training, on windows of the training subjects. Default: nothing."""

    def example_signal(self, batch: int = 2) -> Signal:
        """A random signal that this encoder accepts, for conformance tests."""
        raise UnsupportedError(f"{type(self).__name__} gives no example signal. Implement example_signal to use the conformance kit.")


class DescribedEncoder(Encoder):
    """An encoder that reads any channels, in any order and number, by what their descriptions say (frozen text vectors)."""

    @abstractmethod
    def tokenize(self, signal: Signal, described: Tensor | None = None) -> Tokens:
        """[B, C, T] and descriptions [C, E] -> [B, N, D]. Without descriptions the encoder knows no channel from another."""

    def derive(self, signal: Signal) -> Signal:
        """Append channels that it computes from others, each with a description. Default: none."""
        return signal

    def prepare_all(self, signals: Sequence[Signal]) -> None:
        """As `prepare`, on all sensors together: one encoder reads them all. Default: nothing."""

    def prepare_descriptions(self, described: Tensor) -> None:
        """Fit how the descriptions of all channels that training meets differ, [K, E]. Default: nothing."""


class Masker(Component):
    """TOKENS -> MaskPlan. Leaves at least one visible token wherever anything is valid."""

    #: What a token is when this masker is asked: a piece of time, or a whole modality (after pooling over time).
    level: ClassVar[Literal["token", "modality"]] = "token"
    #: False if places alone decide the plan, whatever the generator (a forecast may always hide the same end).
    stochastic: ClassVar[bool] = True

    @abstractmethod
    def plan(self, tokens: Tokens, *, generator: Generator) -> MaskPlan:
        """All randomness comes from `generator`."""


class Aggregator(Component):
    """TOKENS -> EMBEDDING."""

    embed_dim: int

    @abstractmethod
    def forward(self, tokens: Tokens) -> Tensor:
        """[B, N, D] -> [B, E]; a row without valid tokens -> 0."""


class Fusion(Component):
    """JOINT + UNIMODAL -> EMBEDDING."""

    embed_dim: int
    #: True if a row's result uses other rows (episodic fusion): such a fusion cannot serve `embed`.
    episodic: ClassVar[bool] = False

    @abstractmethod
    def forward(self, joint: Tensor, unimodal: Tensor, present: Tensor, episode: Tensor | None = None) -> Tensor:
        """joint [B, D], unimodal [B, M, D], present bool [B, M] -> [B, embed_dim]. episode: int [B], whose rows belong together."""

    def weigh(self, weights: Sequence[float], fitted: Sequence[bool]) -> None:
        """How much the joint view and each modality's own counts, [M + 1], and which modalities were there when they were fitted, [M].
        Default: this fusion decides itself."""


class Predictor(Component):
    """TOKENS AT TARGETS: the JEPA predictor and the MAE decoder alike."""

    @abstractmethod
    def forward(self, context: Tokens, targets: Tokens) -> Tokens:
        """Predict values at the targets' positions; `targets.values` is never read."""


class Objective(Component):
    """TWO TENSORS -> LossParts."""

    #: What is compared: one vector a window [B, E], tokens [B, N, D], or one vector a modality [B, M, E].
    compares: ClassVar[Literal["embeddings", "tokens", "modalities"]] = "embeddings"

    @abstractmethod
    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """`weight` is bool or float, one entry a row (or a token, or a modality); 0 takes no part."""
