"""Linear maps from embeddings to scores, and the logistic regression that more than one head fits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from sslts.heads.support import check_queries, unit_length
from sslts.interfaces import FittedHead


@dataclass(frozen=True, slots=True)
class LinearMap(FittedHead):
    """weight [W, E], bias [W]; `normalised`: queries are brought to unit length first, as the support was."""

    weight: Tensor
    bias: Tensor
    normalised: bool

    def scores(self, queries: Tensor) -> Tensor:
        """[Q, E] -> [Q, W]."""
        check_queries(queries, self.weight.shape[1])
        return functional.linear(unit_length(queries) if self.normalised else queries, self.weight, self.bias)


def logistic_regression(values: Tensor, labels: Tensor, ways: int, *, c: float, steps: int) -> tuple[Tensor, Tensor]:
    """Multinomial logistic regression, classes balanced, by full-batch L-BFGS: [S, E], int [S] -> weight [W, E], bias [W].

    Minimises `mean over balanced rows of cross-entropy + |W|^2 / (2 c S)`: scikit-learn's objective divided by c S, so `c` means the same.
    The fit itself is not differentiated.
    """
    # Episodes are often scored in inference mode, whose tensors cannot take part in a fit: work on a copy outside of it.
    with torch.inference_mode(False), torch.enable_grad():
        values, labels = values.detach().clone(), labels.long().clone()
        counts = torch.bincount(labels, minlength=ways).to(values.dtype)
        row_weight = (len(labels) / (ways * counts))[labels]
        weight = torch.zeros(ways, values.shape[1], dtype=values.dtype, device=values.device, requires_grad=True)
        bias = torch.zeros(ways, dtype=values.dtype, device=values.device, requires_grad=True)
        optimiser = torch.optim.LBFGS([weight, bias], max_iter=steps, line_search_fn="strong_wolfe", tolerance_grad=1e-6)

        def closure() -> Tensor:
            optimiser.zero_grad()
            error = functional.cross_entropy(functional.linear(values, weight, bias), labels, reduction="none")
            loss = (row_weight * error).mean() + weight.pow(2).sum() / (2 * c * len(labels))
            loss.backward()
            return loss

        optimiser.step(closure)
    return weight.detach(), bias.detach()
