"""The simplest aggregator: `mean`."""

from __future__ import annotations

from typing import ClassVar, final

from pydantic import Field
from torch import Tensor

from sslts import ops
from sslts.config import ComponentConfig
from sslts.interfaces import Aggregator
from sslts.types import Tokens


@final
class MeanAggregator(Aggregator):
    """Mean over the present modalities of each one's mean token, so that many tokens give a modality no more weight. No parameters."""

    class Config(ComponentConfig):
        """Both are facts of the model's spec."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("modalities", "token_dim")

        modalities: int = Field(ge=1, le=64)
        token_dim: int = Field(ge=1, le=4096)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.token_dim

    @classmethod
    def example(cls) -> MeanAggregator:
        """Three modalities of eight numbers."""
        return cls.create(modalities=3, token_dim=8)

    def forward(self, tokens: Tokens) -> Tensor:
        """[B, N, D] -> [B, D]; a row without valid tokens -> 0."""
        means, present = ops.modality_means(tokens, self.config.modalities)
        return ops.masked_mean(means, present[..., None], dim=1)
