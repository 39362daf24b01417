"""Distances between predicted and target latents of hidden places: what a JEPA minimises. Targets carry no gradient."""

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


def token_weights(predicted: Tensor, weight: Tensor | None) -> Tensor:
    """Weights [B, N] as floats: all ones when none are given."""
    if weight is None:
        return predicted.new_ones(predicted.shape[:2])
    if weight.shape != predicted.shape[:2]:
        raise LengthError(f"weight must have one entry a token, {tuple(predicted.shape[:2])}, got {tuple(weight.shape)}.")
    return weight.to(predicted.dtype)


def read_only(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """predicted - target [B, N, D], 0 where weight [B, N] is 0: what stands there reaches neither value nor gradient."""
    used, nothing = weight[..., None] > 0, torch.zeros((), dtype=predicted.dtype, device=predicted.device)
    return torch.where(used, predicted, nothing) - torch.where(used, target.detach(), nothing)


def over_tokens(distance: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of distances [B, N]; entries of weight 0 are not read."""
    kept = torch.where(weight > 0, distance, torch.zeros_like(distance))
    return (weight * kept).sum() / weight.sum().clamp(min=1e-12)


@final
class LatentDistance(Objective):
    """`|| g(z, m) - sg[f(x)_m] ||^2`, mean over numbers and places: the first term of sensor-text JEPA's objective."""

    compares: ClassVar[Literal["embeddings", "tokens", "modalities"]] = "tokens"

    @classmethod
    def example(cls) -> LatentDistance:
        """The squared distance."""
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Latents [B, N, D], weight [B, N] -> LossParts."""
        same_shape(predicted, target, 3, "[B, N, D]")
        weights = token_weights(predicted, weight)
        distance = read_only(predicted, target, weights).square().mean(-1)
        return LossParts.of(latent=over_tokens(distance, weights))


@final
class SmoothL1(Objective):
    """Smooth L1 between latents (Assran et al. 2023 and data2vec, Baevski et al. 2022): quadratic below `beta`, linear above."""

    compares: ClassVar[Literal["embeddings", "tokens", "modalities"]] = "tokens"

    class Config(ComponentConfig):
        """beta: where the quadratic part ends."""

        beta: float = Field(default=1.0, gt=0, le=100)

    config: Config

    @classmethod
    def example(cls) -> SmoothL1:
        """beta 1."""
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Latents [B, N, D], weight [B, N] -> LossParts."""
        same_shape(predicted, target, 3, "[B, N, D]")
        weights = token_weights(predicted, weight)
        apart = read_only(predicted, target, weights)
        distance = functional.smooth_l1_loss(apart, torch.zeros_like(apart), beta=self.config.beta, reduction="none").mean(-1)
        return LossParts.of(latent=over_tokens(distance, weights))


@final
class MultiResolutionL1(Objective):
    """L1 at three resolutions: each place, the mean of each channel, the mean of all (CHARM, arXiv:2605.31580).

    `groups` says which channel a place belongs to; without it, all places are one channel.
    """

    compares: ClassVar[Literal["embeddings", "tokens", "modalities"]] = "tokens"
    grouped: ClassVar[bool] = True

    class Config(ComponentConfig):
        """Weights of the three resolutions."""

        points: float = Field(default=1.0, ge=0, le=1e3)
        channels: float = Field(default=1.0, ge=0, le=1e3)
        whole: float = Field(default=1.0, ge=0, le=1e3)

    config: Config

    @classmethod
    def example(cls) -> MultiResolutionL1:
        """All weights 1."""
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None, groups: Tensor | None = None) -> LossParts:
        """Latents [B, N, D], weight [B, N], groups int [B, N] -> LossParts."""
        same_shape(predicted, target, 3, "[B, N, D]")
        weights = token_weights(predicted, weight)
        difference = read_only(predicted, target, weights)
        index = torch.zeros_like(weights, dtype=torch.long) if groups is None else groups
        belongs = functional.one_hot(index, int(index.max()) + 1 if index.numel() else 1).to(predicted.dtype) * weights[..., None]
        counts = belongs.sum(1)  # [B, G]
        channel = torch.einsum("bng,bnd->bgd", belongs, difference) / counts.clamp(min=1e-12)[..., None]
        whole = (weights[..., None] * difference).sum(1) / weights.sum(1, keepdim=True).clamp(min=1e-12)
        rows = (weights.sum(1) > 0).to(predicted.dtype)
        return LossParts.of(
            points=self.config.points * over_tokens(difference.abs().mean(-1), weights),
            channels=self.config.channels * over_tokens(channel.abs().mean(-1), (counts > 0).to(predicted.dtype)),
            whole=self.config.whole * (rows * whole.abs().mean(-1)).sum() / rows.sum().clamp(min=1e-12),
        )
