"""An aggregate that keeps what the encoders know and fills in what is missing: `completion`.

CroSSL's aggregator compresses (Deldari et al. 2024, sec. 3.2), and a probe on it loses what the encoders' outputs still hold. Here the
leading numbers of each modality's latent keep a place of their own in the embedding; where a modality is hidden, they are inferred from the
others. Under latent masking the two views' places then differ exactly by that inference, so the agreement term trains it.
"""

from __future__ import annotations

from typing import ClassVar, final

import torch
from pydantic import Field
from torch import Tensor, nn

from sslts import ops
from sslts.config import ComponentConfig
from sslts.errors import ConfigError
from sslts.interfaces import Aggregator
from sslts.types import Tokens


@final
class Completion(Aggregator):
    """[B, N, D] -> [B, M * keep + summary]: a place of `keep` numbers for each modality, then a summary of all that is visible."""

    class Config(ComponentConfig):
        """keep: leading numbers of a latent that keep their place; summary: width of the rest; hidden: width of the layers between."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("modalities", "token_dim")

        modalities: int = Field(ge=1, le=64)
        token_dim: int = Field(ge=1, le=4096)
        keep: int = Field(default=32, ge=1, le=4096)
        summary: int = Field(default=96, ge=1, le=4096)
        hidden: int = Field(default=256, ge=1, le=4096)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if config.keep > config.token_dim:
            raise ConfigError(f"keep is {config.keep}, but a latent has only {config.token_dim} numbers. Lower it.")
        places = config.modalities * config.keep
        self.embed_dim = places + config.summary
        read = config.modalities * (config.token_dim + 1)
        self.direct = nn.Linear(read, self.embed_dim)
        self.bent = nn.Sequential(
            nn.Linear(read, config.hidden), nn.LayerNorm(config.hidden), nn.GELU(), nn.Linear(config.hidden, self.embed_dim)
        )

    @classmethod
    def example(cls) -> Completion:
        """Two modalities of width 8."""
        return cls.create(modalities=2, token_dim=8, keep=3, summary=4, hidden=16)

    def forward(self, tokens: Tokens) -> Tensor:
        """[B, N, D] -> [B, E]; an all-absent row -> 0."""
        means, present = ops.modality_means(tokens, self.config.modalities)
        read = torch.cat([means.flatten(1), present.to(means.dtype)], dim=1)
        inferred = self.direct(read) + self.bent(read)
        places = inferred[:, : self.config.modalities * self.config.keep].unflatten(1, (self.config.modalities, self.config.keep))
        kept = torch.where(present[..., None], means[..., : self.config.keep], places)
        whole = torch.cat([kept.flatten(1), inferred[:, self.config.modalities * self.config.keep :]], dim=1)
        return torch.where(present.any(1, keepdim=True), whole, torch.zeros_like(whole))
