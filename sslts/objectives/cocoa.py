"""Cross-modality contrastive learning (COCOA, Deldari et al. 2022, arXiv:2208.00467, sec. 3.3)."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from sslts.config import ComponentConfig
from sslts.errors import LengthError
from sslts.interfaces import Objective
from sslts.objectives.statistics import same_shape
from sslts.types import LossParts


@final
class COCOA(Objective):
    """All modalities of one moment agree; different moments of one modality differ.

    With cosine similarity s and temperature tau: `scale * mean over rows and pairs of modalities of exp((1 - s) / tau)`
    plus `discrimination * mean over modalities and pairs of rows of exp(s / tau)`.
    Uses negatives, so it is a comparison here, not CroSSL.
    """

    compares: ClassVar[Literal["embeddings", "tokens", "modalities"]] = "modalities"

    class Config(ComponentConfig):
        """temperature tau; scale of the agreement; weight of the discrimination (the paper's lambda)."""

        temperature: float = Field(default=0.5, gt=0, le=10)
        scale: float = Field(default=1.0, ge=0, le=1e3)
        discrimination: float = Field(default=1.0, ge=0, le=1e3)

    config: Config

    @classmethod
    def example(cls) -> COCOA:
        """Temperature 0.5."""
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Modality embeddings [B, M, E] (usually the same tensor twice), weight [B, M] -> LossParts. Weight 0: modality absent."""
        same_shape(predicted, target, 3, "[B, M, E]")
        batch, modalities, _ = predicted.shape
        if weight is None:
            weight = predicted.new_ones(batch, modalities)
        if weight.shape != (batch, modalities):
            raise LengthError(f"weight must be [{batch}, {modalities}], got {tuple(weight.shape)}.")
        used = weight.to(predicted.dtype)
        first, second = (
            functional.normalize(torch.where(used[..., None] > 0, view, torch.ones_like(view)), dim=-1) for view in (predicted, target)
        )
        between = (1 - torch.einsum("b m e, b n e -> b m n", first, second)) / self.config.temperature
        within = torch.einsum("b m e, c m e -> m b c", first, second) / self.config.temperature
        pairs = used[:, :, None] * used[:, None, :] * (1 - torch.eye(modalities, device=used.device, dtype=used.dtype))
        rows = used.T[:, :, None] * used.T[:, None, :] * (1 - torch.eye(batch, device=used.device, dtype=used.dtype))
        return LossParts.of(
            agreement=self.config.scale * (pairs * between.exp()).sum() / pairs.sum().clamp(min=1e-12),
            discrimination=self.config.discrimination * (rows * within.exp()).sum() / rows.sum().clamp(min=1e-12),
        )
