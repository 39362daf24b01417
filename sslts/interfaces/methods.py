"""Methods: which parts see what, and what is compared."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from torch import Generator, Tensor

from sslts.config import ComponentRef, ModelConfig
from sslts.errors import UnsupportedError
from sslts.interfaces.base import Component
from sslts.interfaces.parts import Fusion
from sslts.interfaces.words import TextEncoder
from sslts.types import LossParts, SensorBatch, Views


class Method(Component):
    """A recipe: which parts see what, and what is compared.

    The constructor receives built components; only `from_config` asks the registry.
    """

    embed_dim: int
    #: What `Model.few_shot` compares embeddings with unless it is told otherwise.
    few_shot_head: ClassVar[ComponentRef] = ComponentRef(name="prototypes")

    @classmethod
    @abstractmethod
    def from_config(cls, config: ModelConfig) -> Self:
        """Build all parts that the config names (no I/O)."""

    @abstractmethod
    def embed(self, batch: SensorBatch) -> Tensor:
        """[B, E], deterministic in eval mode; a window with nothing present -> 0."""

    @abstractmethod
    def training_loss(self, batch: SensorBatch, *, generator: Generator) -> LossParts:
        """The loss of one step; all randomness comes from `generator`."""

    def example_batch(self, batch: int = 2) -> SensorBatch:
        """Random windows that this method accepts, for conformance tests."""
        raise UnsupportedError(f"{type(self).__name__} gives no example batch. Implement example_batch to use the conformance kit.")

    def has_front(self) -> bool:
        """Whether `front` computes anything for every modality, so that training may compute it once and keep it."""
        return False

    def front(self, batch: SensorBatch) -> SensorBatch:
        """What the fixed parts of the encoders make of a batch; `embed` and `training_loss` take either. Default: the batch."""
        return batch

    def after_step(self, step: int, total: int) -> None:
        """Called after each optimiser step (an EMA target updates here)."""

    def start_training(self) -> None:
        """Called before the first step, and before a checkpoint is read: add what only training needs (an EMA target)."""

    def finish_training(self) -> None:
        """Called after the last step: drop it again, so that a published model does not carry it."""

    def prepare(self, batch: SensorBatch) -> None:
        """Called once before training with windows of the training subjects: let the encoders fit label-free statistics."""

    def conclude(self, recorded: Iterable[SensorBatch], changed: Iterable[SensorBatch], *, generator: Generator) -> None:
        """Called once after the last step with windows of the training subjects, as they were recorded and as training read them
        (augmented): fit what has a closed form. Default: nothing."""


class TextMethod(Method):
    """A method that also embeds words into its space."""

    #: The tower that `embed_text` reads with: callers ask it which words it does not know.
    text_encoder: TextEncoder
    #: [] Divides cosine similarities between windows and texts before a softmax.
    temperature: Tensor

    @abstractmethod
    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """n texts -> [n, T], unit length."""

    @abstractmethod
    def in_text_space(self, embeddings: Tensor) -> Tensor:
        """What of embeddings [n, E] compares with texts: [n, T], unit length or 0."""

    def in_sensor_space(self, embeddings: Tensor) -> Tensor:
        """What of embeddings [n, E] compares with windows of other sensors: [n, S]. Default: all of it."""
        return embeddings


class FusedMethod(Method):
    """A method whose embedding fuses views of a clip, and that learns from base classes, after pretraining, how to compare them."""

    #: Fuses the views; None: the method was built for pretraining only.
    fusion: Fusion | None

    @abstractmethod
    def views(self, batch: SensorBatch) -> Views:
        """What is fused, without any of what base classes taught."""

    @abstractmethod
    def fused(self, views: Views, episode: Tensor | None = None) -> Tensor:
        """[B, E]: what `embed` returns. episode: int [B], for a fusion that looks at the other rows of an episode."""

    @abstractmethod
    def fit_metric(self, views: Views, labels: Tensor, *, shrink: float | None = None) -> None:
        """Fit what has a closed form to labelled clips of base classes; labels int [B]. shrink: how far covariances are drawn to a sphere,
        0 to 1; the method's own if None."""

    @abstractmethod
    def weigh(self, weights: Sequence[float], fitted: Sequence[bool]) -> None:
        """How much the joint view and each modality's own counts, [M + 1]; which modalities were there when they were fitted, [M]."""
