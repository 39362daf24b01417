"""Reconstruction of hidden patches (MAE, He et al. 2022, arXiv:2111.06377, sec. 4; Mu-MAE, arXiv:2408.04243): `reconstruction`."""

from __future__ import annotations

from typing import ClassVar, Literal, final

from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.interfaces import Objective
from sslts.objectives.latent import over_tokens, read_only, token_weights
from sslts.objectives.statistics import same_shape
from sslts.types import LossParts


@final
class Reconstruction(Objective):
    """Mean squared error between predicted and true patches; each true patch is first brought to mean 0 and variance 1."""

    compares: ClassVar[Literal["embeddings", "tokens", "modalities"]] = "tokens"

    class Config(ComponentConfig):
        """normalise: whether patches are brought to mean 0 and variance 1; least: added to the variance."""

        normalise: bool = True
        least: float = Field(default=1e-6, gt=0, le=1)

    config: Config

    @classmethod
    def example(cls) -> Reconstruction:
        """With normalised patches."""
        return cls.create()

    def target(self, patches: Tensor) -> Tensor:
        """What is to be predicted of patches [..., P]."""
        if not self.config.normalise:
            return patches
        return (patches - patches.mean(-1, keepdim=True)) / self._spread(patches)

    def restored(self, predicted: Tensor, patches: Tensor) -> Tensor:
        """Predictions [..., P] as patches, with the level and spread of the true ones where the loss leaves these out."""
        if not self.config.normalise:
            return predicted
        return predicted * self._spread(patches) + patches.mean(-1, keepdim=True)

    def _spread(self, patches: Tensor) -> Tensor:
        return (patches.var(-1, keepdim=True, unbiased=True) + self.config.least).sqrt()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Patches [B, N, P], weight [B, N] -> LossParts."""
        same_shape(predicted, target, 3, "[B, N, P]")
        weights = token_weights(predicted, weight)
        distance = read_only(predicted, self.target(target), weights).square().mean(-1)
        return LossParts.of(reconstruction=over_tokens(distance, weights))
