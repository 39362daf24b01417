"""Ridge regression to class indicators in closed form (R2-D2, Bertinetto et al. 2019, arXiv:1805.08136)."""

from __future__ import annotations

from typing import final

import torch
from pydantic import Field
from torch import Tensor

from sslts.config import ComponentConfig
from sslts.heads.regression import LinearMap
from sslts.heads.support import check_support, membership, unit_length
from sslts.interfaces import FewShotHead, FittedHead


@final
class RidgeHead(FewShotHead):
    """W = argmin |X W - Y|^2 + ridge |W|^2 with X [S, E] the support and Y [S, W] its classes as 0 and 1; a query scores q W.

    Solved exactly and differentiably, with S x S numbers where there are fewer examples than dimensions (Woodbury's identity) and E x E
    otherwise. Differs from the paper: it learns the ridge and a scale and a shift of the scores; here the ridge is an option, and
    whoever trains through the scores scales them.
    """

    class Config(ComponentConfig):
        """ridge: strength of the penalty, in squared units of the embedding.

        unit_length: bring embeddings to length 1 first, so that one ridge fits every encoder. centre: subtract the support's mean, and
        add an intercept without penalty.
        """

        ridge: float = Field(default=1.0, ge=1e-6, le=1e6)
        unit_length: bool = True
        centre: bool = False

    config: Config

    @classmethod
    def example(cls) -> RidgeHead:
        """ridge = 1."""
        return cls.create()

    @property
    def bounded(self) -> bool:
        """True: the regression is to 0 and 1."""
        return True

    def fit(self, support: Tensor, labels: Tensor) -> FittedHead:
        """support [S, E], labels int [S] -> LinearMap."""
        ways, config = check_support(support, labels), self.config
        # In double precision (which Apple's GPUs lack): beside long embeddings a small ridge would be rounded away, and two equal
        # examples would make the system singular.
        exact = support.dtype if support.device.type == "mps" else torch.float64
        values = (unit_length(support) if config.unit_length else support).to(exact)
        targets = membership(values, labels, ways)
        middle, level = values.mean(0), targets.mean(0)
        if config.centre:
            values = values - middle  # targets need no centring beside centred values: a constant is orthogonal to them
        if len(values) < values.shape[1]:
            weight = values.T @ torch.linalg.solve(_ridged(values @ values.T, config.ridge), targets)
        else:
            weight = torch.linalg.solve(_ridged(values.T @ values, config.ridge), values.T @ targets)
        bias = level - middle @ weight if config.centre else torch.zeros_like(level)
        return LinearMap(weight.T.to(support), bias.to(support), normalised=config.unit_length)


def _ridged(products: Tensor, ridge: float) -> Tensor:
    return products + ridge * torch.eye(len(products), dtype=products.dtype, device=products.device)
