"""Components of other kinds than encoders that look right and are not: each breaks one promise, the way real ones do."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, final

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from sslts import ops
from sslts.config import ComponentConfig, ModelConfig
from sslts.data.reader import Reader
from sslts.data.recording import Recording
from sslts.errors import TextError
from sslts.interfaces import (
    Aggregator,
    Captioner,
    FewShotHead,
    FittedHead,
    Fusion,
    Masker,
    Method,
    Objective,
    Predictor,
    TextEncoder,
)
from sslts.testing.batches import some_batch
from sslts.types import LossParts, MaskPlan, SensorBatch, Tokens


@final
class DrawsFromTheGlobalGenerator(Masker):
    """Its plan cannot be repeated."""

    @classmethod
    def example(cls) -> DrawsFromTheGlobalGenerator:
        return cls.create()

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        visible = tokens.valid & (torch.rand(tokens.valid.shape) < 0.5)
        visible |= tokens.valid & ~visible.any(1, keepdim=True)
        return MaskPlan(visible[None], (tokens.valid & ~visible)[None])


@final
class DrawsFromPython(Masker):
    """As before, but from Python's own."""

    @classmethod
    def example(cls) -> DrawsFromPython:
        return cls.create()

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        keep = torch.tensor([[random.random() < 0.5 for _ in row] for row in tokens.valid])
        visible = tokens.valid & keep
        visible |= tokens.valid & ~visible.any(1, keepdim=True)
        return MaskPlan(visible[None], (tokens.valid & ~visible)[None])


@final
class HidesEverything(Masker):
    """Sometimes nothing is left."""

    @classmethod
    def example(cls) -> HidesEverything:
        return cls.create()

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        visible = tokens.valid & (torch.rand(tokens.valid.shape, generator=generator) < 0.1)
        return MaskPlan(visible[None], (tokens.valid & ~visible)[None])


@final
class DrawsNothing(Masker):
    """Hides the same stretch for ever."""

    @classmethod
    def example(cls):
        return cls.create()

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        visible = tokens.valid.clone()
        visible[:, 1:3] = False
        return MaskPlan(visible=visible[None], targets=(tokens.valid & ~visible)[None])


@final
class HidesInTheFirstRow(Masker):
    """Looks at one row and forgets the batch."""

    @classmethod
    def example(cls):
        return cls.create()

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        visible = tokens.valid.clone()
        visible[0, int(torch.randint(visible.shape[1], (), generator=generator))] = False
        return MaskPlan(visible=visible[None], targets=(tokens.valid & ~visible)[None])


@final
class ShowsItsTargets(Masker):
    """What is to be predicted can be seen."""

    @classmethod
    def example(cls) -> ShowsItsTargets:
        return cls.create()

    def plan(self, tokens: Tokens, *, generator: torch.Generator) -> MaskPlan:
        visible = tokens.valid & (torch.rand(tokens.valid.shape, generator=generator) < 0.7)
        visible |= tokens.valid & ~visible.any(1, keepdim=True)
        return MaskPlan(visible[None], tokens.valid[None])


class _Width(ComponentConfig):
    """token_dim: D."""

    token_dim: int = Field(default=8, ge=1, le=512)


@final
class BiasForTheAbsent(Aggregator):
    """A row without tokens becomes the bias."""

    class Config(_Width):
        """token_dim: D."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = 4
        self.leave = nn.Linear(config.token_dim, 4)

    @classmethod
    def example(cls) -> BiasForTheAbsent:
        return cls.create()

    def forward(self, tokens: Tokens) -> Tensor:
        return self.leave(ops.pooled_mean(tokens))


@final
class ReadsItsTargets(Predictor):
    """Adds what it was to predict."""

    class Config(_Width):
        """token_dim: D."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.leave = nn.Linear(config.token_dim, config.token_dim)

    @classmethod
    def example(cls) -> ReadsItsTargets:
        return cls.create()

    def forward(self, context: Tokens, targets: Tokens) -> Tokens:
        values = self.leave(ops.pooled_mean(context))[:, None] + 0.01 * targets.values
        return Tokens(values, targets.valid, targets.time_s, targets.modality, targets.channel, targets.cell)


@final
class IgnoresWeights(Objective):
    """Every row counts."""

    @classmethod
    def example(cls) -> IgnoresWeights:
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        return LossParts.of(distance=(predicted - target).square().mean())


@final
class ClimbsUp(Objective):
    """A sign is wrong."""

    compares: ClassVar[Literal["embeddings", "tokens", "modalities"]] = "embeddings"

    @classmethod
    def example(cls) -> ClimbsUp:
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        rows = predicted.new_ones(len(predicted)) if weight is None else weight.to(predicted.dtype)
        used, nothing = rows[:, None] > 0, torch.zeros((), dtype=predicted.dtype)
        alike = torch.cosine_similarity(torch.where(used, predicted, nothing), torch.where(used, target, nothing), dim=1)
        return LossParts.of(alike=(rows * alike).sum() / rows.sum())


class _Nearest(FittedHead):
    def __init__(self, head: LastFitWins) -> None:
        self.head = head

    def scores(self, queries: Tensor) -> Tensor:
        return -torch.cdist(queries, self.head.middles)


@final
class LastFitWins(FewShotHead):
    """Keeps the fit in the head."""

    @classmethod
    def example(cls) -> LastFitWins:
        return cls.create()

    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        ways = int(labels.max()) + 1
        self.__dict__["middles"] = torch.stack([support[labels == way].mean(0) for way in range(ways)])
        return _Nearest(self)


@final
class ForgetsPresence(Fusion):
    """Fuses what is absent as well."""

    class Config(ComponentConfig):
        """embed_dim: E; modalities: M."""

        embed_dim: int = Field(default=4, ge=1, le=512)
        modalities: int = Field(default=2, ge=1, le=64)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim

    @classmethod
    def example(cls) -> ForgetsPresence:
        return cls.create()

    def forward(self, joint: Tensor, unimodal: Tensor, present: Tensor, episode: Tensor | None = None) -> Tensor:
        return torch.where(present.any(1, keepdim=True), joint + unimodal.mean(1), torch.zeros_like(joint))


@final
class NotOfUnitLength(TextEncoder):
    """Vectors as long as they happen to be."""

    embed_dim = 2

    @classmethod
    def example(cls) -> NotOfUnitLength:
        return cls.create()

    def forward(self, texts: Sequence[str]) -> Tensor:
        if isinstance(texts, str) or not all(isinstance(text, str) and text for text in texts):
            raise TextError("Give texts.")
        return torch.tensor([[float(len(text)), float(text.count("i"))] for text in texts]).reshape(len(texts), 2)


@final
class SeesTheWholeBatch(Captioner):
    """Says how a window compares with the others."""

    @classmethod
    def example(cls) -> SeesTheWholeBatch:
        return cls.create()

    def forward(self, batch: SensorBatch) -> list[str]:
        sizes = torch.stack([ops.filled(signal).abs().sum((1, 2)) for signal in batch.signals.values()]).sum(0)
        return ["little" if size < sizes.mean() else "much" for size in sizes]


@final
class ReadsAnything(Reader):
    """Finds a recording where there is none."""

    def sessions(self, root: str | Path) -> tuple[str, ...]:
        return ("only",)

    def read(self, root: str | Path, *, session: str | None = None) -> Recording:
        return Recording.from_arrays({"acc": np.zeros((32, 3))}, rate_hz=32.0, units={"acc": "g"})


@final
class ForgetsItsTarget(Method):
    """Adds what only training needs, and leaves it there."""

    embed_dim = 3

    def __init__(self, config: ComponentConfig) -> None:
        super().__init__(config)
        self.map = nn.Linear(3, 3, bias=False)

    @classmethod
    def example(cls) -> ForgetsItsTarget:
        return cls.create()

    @classmethod
    def from_config(cls, config: ModelConfig) -> ForgetsItsTarget:
        return cls.create()

    def example_batch(self, batch: int = 2) -> SensorBatch:
        return some_batch(batch)

    def embed(self, batch: SensorBatch) -> Tensor:
        means = [ops.masked_mean(ops.filled(signal), signal.usable, -1) for signal in batch.signals.values()]
        return self.map(torch.stack(means).sum(0))

    def training_loss(self, batch: SensorBatch, *, generator: torch.Generator) -> LossParts:
        return LossParts.of(size=(self.embed(batch) - 1).square().mean())

    def start_training(self) -> None:
        self.target = nn.Linear(3, 3).requires_grad_(False)
