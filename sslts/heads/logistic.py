"""Logistic regression on embeddings of unit length, the strong simple baseline of Tian et al. 2020 (arXiv:2003.11539)."""

from __future__ import annotations

from typing import final

from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.heads.regression import LinearMap, logistic_regression
from sslts.heads.support import check_support, unit_length
from sslts.interfaces import FewShotHead, FittedHead


@final
class LogisticHead(FewShotHead):
    """Each embedding at unit length, then multinomial logistic regression with an L2 penalty, classes balanced.

    `linear` standardises each dimension on the support; with a handful of examples those statistics are noise, so this head scales each
    embedding by its own length instead.
    """

    class Config(ComponentConfig):
        """c: inverse strength of the penalty, as in scikit-learn; steps: L-BFGS iterations at most."""

        c: float = Field(default=1.0, gt=0, le=1e6)
        steps: int = Field(default=100, ge=1, le=10_000)

    config: Config

    @classmethod
    def example(cls) -> LogisticHead:
        """c = 1."""
        return cls.create()

    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] -> LinearMap (the fit itself is not differentiated)."""
        ways = check_support(support, labels)
        weight, bias = logistic_regression(unit_length(support), labels, ways, c=self.config.c, steps=self.config.steps)
        return LinearMap(weight, bias, normalised=True)
