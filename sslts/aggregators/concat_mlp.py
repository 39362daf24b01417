"""CroSSL's own aggregator (Deldari et al., WSDM 2024, arXiv:2307.16847; sizes of the released code): `concat-mlp`."""

from __future__ import annotations

from typing import Annotated, ClassVar, final

import torch
from pydantic import Field
from torch import Tensor, nn

from sslts import ops
from sslts.config import ComponentConfig
from sslts.interfaces import Aggregator
from sslts.types import Tokens

_EPSILON = 1e-3  # TensorFlow's layer norm


@final
class ConcatMLP(Aggregator):
    """Modality means side by side, through an MLP with a layer norm at its end. [B, N, D] -> [B, E].

    A missing modality's place holds zeros. With the default sizes and D = 96 it has 6,144 M + 3,264 parameters.
    """

    class Config(ComponentConfig):
        """hidden: widths of the ReLU layers before the last linear one."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("modalities", "token_dim")

        modalities: int = Field(ge=1, le=64)
        token_dim: int = Field(ge=1, le=4096)
        hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(max_length=8)] = (64, 32)
        embed_dim: int = Field(default=32, ge=1, le=4096)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        width, layers = config.modalities * config.token_dim, []
        for hidden in config.hidden:
            layers += [nn.Linear(width, hidden), nn.ReLU()]
            width = hidden
        self.mlp = nn.Sequential(*layers, nn.Linear(width, config.embed_dim), nn.LayerNorm(config.embed_dim, eps=_EPSILON))

    @classmethod
    def example(cls) -> ConcatMLP:
        """Three modalities of eight numbers."""
        return cls.create(modalities=3, token_dim=8, hidden=(6,), embed_dim=4)

    def forward(self, tokens: Tokens) -> Tensor:
        """[B, N, D] -> [B, E]; a row without valid tokens -> 0."""
        means, present = ops.modality_means(tokens, self.config.modalities)
        embedding = self.mlp(means.flatten(1))
        return torch.where(present.any(1, keepdim=True), embedding, torch.zeros_like(embedding))
