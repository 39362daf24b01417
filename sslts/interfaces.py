"""The abstract base classes that built-ins and plugins fill in.

A component is an `nn.Module` with a frozen pydantic `Config` as its only constructor argument. Constructors build layers and nothing
else: no I/O, no network, no global random state beyond torch's own initialisation. Concrete classes are `@final`; a variant is a new
class, not a flag. Contracts (tests hold them): junk in an absent or unobserved slot changes no output bit; a row's output does not
depend on other rows, up to floating-point rounding (another batch size may sum in another order and change the last bits: tests allow
1e-4 relative); hidden tokens do not influence visible ones; the same generator gives the same plan.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from sslts import registry
from sslts.config import ComponentConfig, ComponentRef, ModelConfig, parse
from sslts.errors import ConfigError, UnsupportedError
from sslts.types import LossParts, MaskPlan, SensorBatch, Signal, Tokens


class Component(nn.Module, ABC):
    """Base of everything the registry builds."""

    Config: ClassVar[type[ComponentConfig]] = ComponentConfig

    def __init__(self, config: ComponentConfig) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def create(cls, **options: Any) -> Self:
        """Build from plain options, checked by `Config` (ConfigError names the option)."""
        return cls(parse(cls.Config, options, cls.__name__))

    @classmethod
    @abstractmethod
    def example(cls) -> Self:
        """A small instance, for documentation and conformance tests."""


class Encoder(Component):
    """WINDOWS -> TOKENS. `tokenize` and `encode` are apart because MAE and JEPA mask between them."""

    embed_dim: int
    #: True if `encode` can skip hidden tokens, so that they cost nothing and cannot leak.
    drops_tokens: ClassVar[bool] = False

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

    @abstractmethod
    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        """All randomness comes from `generator`."""


class Aggregator(Component):
    """TOKENS -> EMBEDDING."""

    embed_dim: int

    @abstractmethod
    def forward(self, tokens: Tokens) -> Tensor:
        """[B, N, D] -> [B, E]; a row without valid tokens -> 0."""


class Fusion(Component):
    """JOINT + UNIMODAL -> EMBEDDING."""

    #: True if a row's result uses other rows (episodic fusion): such a fusion cannot serve `embed`.
    episodic: ClassVar[bool] = False

    @abstractmethod
    def forward(self, joint: Tensor, unimodal: Tensor, present: Tensor, episode: Tensor | None = None) -> Tensor:
        """joint [B, E], unimodal [B, M, E], present bool [B, M] -> [B, E]."""


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


@dataclass(frozen=True, slots=True)
class TowerOrigin:
    """Where the weights of a text tower lie when its model's folder does not carry them.

    `sha256` maps the files to read, of `repo` at the 40-hex commit `revision`, to their hashes.
    """

    repo: str
    revision: str
    sha256: Mapping[str, str]


class TextEncoder(Component):
    """WORDS -> VECTORS. Frozen: nothing to train, no gradient.

    A constructor does no I/O, so a tower starts empty. It gets its weights from a state dict that carries them, or from `fill`; its
    Config names them by revision and sha256, and other weights are a TowerError.
    """

    embed_dim: int

    @property
    def ready(self) -> bool:
        """Whether the weights are there."""
        return True

    @property
    def origin(self) -> TowerOrigin | None:
        """Where `fill`'s folder comes from; None if the weights travel with sslts or in the model's folder."""
        return None

    def fill(self, folder: Path | None = None) -> None:
        """Read the weights that the Config names, from `folder` or from the package. Default: there are none to read."""
        return

    @abstractmethod
    def forward(self, texts: Sequence[str]) -> Tensor:
        """n texts -> [n, E], unit length, on the tower's device. TextError for what is no text."""

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """The words of a text that this tower has no meaning for, as a caller warns of them. Default: it cannot tell."""
        return ()


class FittedHead(ABC):
    """What a few-shot head returns: an immutable value."""

    @abstractmethod
    def scores(self, queries: Tensor) -> Tensor:
        """[Q, E] -> [Q, W]; larger is likelier."""


class FewShotHead(Component):
    """EMBEDDINGS -> SCORES, fitted on a few labelled examples. May hold trained weights; gradients flow through `fit`."""

    #: True if a query's scores use the other queries; such a head is exempt from row independence.
    transductive: ClassVar[bool] = False

    @abstractmethod
    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] in 0..W-1."""


class Captioner(Component):
    """WINDOWS -> WORDS: says what a signal does."""

    @abstractmethod
    def forward(self, batch: SensorBatch) -> list[str]:
        """One sentence or more for each window."""


class Method(Component):
    """A recipe: which parts see what, and what is compared.

    The constructor receives built components; only `from_config` asks the registry.
    """

    embed_dim: int

    @classmethod
    @abstractmethod
    def from_config(cls, config: ModelConfig) -> Self:
        """Build all parts that the config names (no I/O)."""

    @abstractmethod
    def embed(self, batch: SensorBatch) -> Tensor:
        """[B, E], deterministic in eval mode; a window with nothing present -> 0."""

    @abstractmethod
    def training_loss(self, batch: SensorBatch, *, generator: torch.Generator) -> LossParts:
        """The loss of one step; all randomness comes from `generator`."""

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

    def conclude(self, recorded: Iterable[SensorBatch], changed: Iterable[SensorBatch], *, generator: torch.Generator) -> None:
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


def build(kind: str, ref: ComponentRef, role: str, facts: Mapping[str, Any] | None = None) -> Any:
    """Build one component. Fields of its Config named in FROM_SPEC are filled in from `facts`; a contradiction is an error.

    Raises:
        UnknownComponentError, CollisionError, PluginError: from the lookup.
        ConfigError: the options do not fit; the path names the role, the component and, for a plugin, its distribution.
    """
    component: Any = registry.get(kind, ref.name)
    owner = registry.origin(kind, ref.name)
    where = f"{role} ({kind} '{ref.name}'" + (f" of {owner})" if owner != "sslts" else ")")
    options = dict(ref.options)
    for name in component.Config.FROM_SPEC:
        if facts is None or name not in facts:
            continue
        fact = facts[name]
        if name in options and options[name] != fact:
            raise ConfigError(f"{where}: option {name} is {options[name]!r}, but the model's spec says {fact!r}. Leave it out.")
        options[name] = fact
    return component(parse(component.Config, options, where))
