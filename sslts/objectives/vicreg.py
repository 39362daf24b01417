"""Variance-invariance-covariance regularisation (VICReg, Bardes et al. 2022, arXiv:2105.04906, sec. 4.1)."""

from __future__ import annotations

from typing import Annotated, final

from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.errors import ConfigError
from sslts.interfaces import Objective
from sslts.objectives.statistics import centred, covariance, off_diagonal, row_weights, same_shape, without_unused
from sslts.types import LossParts


@final
class VICReg(Objective):
    """Two views agree (invariance), every dimension varies (variance), dimensions do not repeat each other (covariance).

    With V the mean over the two views of the hinge max(0, 1 - std_d), averaged over dimensions, and C each view's covariance:
    `invariance * MSE(p, t) + variance * V + covariance * sum over views of (1 / E) sum_{i != j} C_ij^2`.

    The defaults are VICReg's own weights 25 / 25 / 1. CroSSL's (Deldari et al. 2024, released code) are 10 / 10 / 100 with the
    population variance.
    """

    class Config(ComponentConfig):
        """Weights of the three terms; `correction` is subtracted from B in the variance (0: population, 1: sample).

        blocks: widths of consecutive parts of the embedding that may repeat each other; the covariance term then works inside each,
        so that one part may summarise another. Empty: the whole embedding is one block.
        """

        invariance: float = Field(default=25.0, ge=0, le=1e6)
        variance: float = Field(default=25.0, ge=0, le=1e6)
        covariance: float = Field(default=1.0, ge=0, le=1e6)
        correction: int = Field(default=1, ge=0, le=1)
        epsilon: float = Field(default=1e-4, gt=0, le=1)
        blocks: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field(default=(), max_length=64)

    config: Config

    @classmethod
    def example(cls) -> VICReg:
        """VICReg's weights."""
        return cls.create()

    def forward(self, predicted: Tensor, target: Tensor, weight: Tensor | None = None) -> LossParts:
        """Two views [B, E], weight [B] -> LossParts. Needs B > 1 to say anything about variance."""
        same_shape(predicted, target, 2, "[B, E]")
        rows = row_weights(predicted, weight)
        options = self.config
        # Before any arithmetic: NaN in a row that takes no part must not reach the gradient either.
        predicted, target = without_unused(predicted, rows), without_unused(target, rows)
        squared = ((predicted - target) ** 2).mean(1)
        invariance = (rows * squared).sum() / rows.sum().clamp(min=1e-12)
        hinge = predicted.new_zeros(())
        redundancy = predicted.new_zeros(())
        for view in (predicted, target):
            centre = centred(view, rows)
            variance = (rows[:, None] * centre**2).sum(0) / (rows.sum() - options.correction).clamp(min=1.0)
            hinge = hinge + (1 - (variance + options.epsilon).sqrt()).clamp(min=0).mean() / 2
            for block in centre.split(self._widths(view.shape[1]), dim=1):
                cross = off_diagonal(covariance(block, rows, correction=1))
                redundancy = redundancy + cross.pow(2).sum() / block.shape[1]
        return LossParts.of(
            invariance=options.invariance * invariance,
            variance=options.variance * hinge,
            covariance=options.covariance * redundancy,
        )

    def _widths(self, width: int) -> list[int]:
        blocks = list(self.config.blocks) or [width]
        if sum(blocks) != width or min(blocks) < 1:
            raise ConfigError(f"vicreg's blocks {blocks} add up to {sum(blocks)}, but the embedding has {width} numbers.")
        return blocks
