"""From what is kept of a window to the space in which it is compared with words."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sslts.types import Tokens

_LEAST = 1e-3
_CLIP = 5.0
#: So many channels are half-way between few and many.
_MANY = 20


class TextHead(nn.Module):
    """features [B, F] -> meaning [B, E], of unit length.

    The meaning is a linear map, as the seed has it, of what `terms` makes of the features: one map for few sensors and another for many,
    and in between their mixture. A single map for both was worse at either.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, features: int, text: int) -> None:
        super().__init__()
        self.dim = features
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.meaning = nn.Linear(2 * features + 1, text)
        nn.init.normal_(self.meaning.weight, std=features**-0.5)

    def forward(self, features: Tensor, richness: Tensor) -> Tensor:
        """features [B, F], richness [B] in 0..1 -> [B, E]."""
        return functional.normalize(self.meaning(self.terms(features, richness)), dim=1)

    def terms(self, features: Tensor, richness: Tensor) -> Tensor:
        """[B, F], [B] -> [B, 2 F + 1]: the scaled features, the same times richness, richness."""
        scaled, rich = self.scaled(features), richness[:, None]
        return torch.cat([scaled, rich * scaled, rich], dim=1)

    def scaled(self, features: Tensor) -> Tensor:
        """Features of about unit variance over training windows."""
        return ((features - self.mean) / self.spread).clamp(-_CLIP, _CLIP)

    @torch.no_grad()
    def scale(self, features: Tensor) -> None:
        """Take mean and deviation from training windows [n, F]; what hardly varies is only centred."""
        deviation = features.std(0, correction=0)
        self.mean.copy_(features.mean(0))
        self.spread.copy_(torch.where(deviation > _LEAST, deviation, torch.ones_like(deviation)))

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor) -> None:
        """Replace the map to the text space: weight [2 F + 1, E], bias [E]."""
        self.meaning.weight.copy_(weight.T)
        self.meaning.bias.copy_(bias)


def richness(tokens: Tokens) -> Tensor:
    """How many channels a window has, [B] in 0..1: 0.2 for one three-axis sensor and what is derived of it, 0.8 for five units of three."""
    channels = int(tokens.channel.max()) + 1
    counts = torch.zeros(len(tokens.valid), channels, device=tokens.valid.device)
    count = (counts.scatter_add_(1, tokens.channel, tokens.valid.to(counts.dtype)) > 0).sum(1)
    return count / (count + _MANY)


class LeastSquares:
    """Ridge regression from sums over batches: as many windows as there are, memory of one matrix."""

    def __init__(self, features: int, targets: int) -> None:
        self.count = 0
        self.features, self.targets = torch.zeros(features, dtype=torch.float64), torch.zeros(targets, dtype=torch.float64)
        self.square = torch.zeros(features, features, dtype=torch.float64)
        self.cross = torch.zeros(features, targets, dtype=torch.float64)

    def add(self, features: Tensor, targets: Tensor) -> None:
        """Rows [b, F] and [b, E]."""
        features, targets = features.cpu(), targets.cpu()
        self.count += len(features)
        self.features += features.sum(0).double()
        self.targets += targets.sum(0).double()
        self.square += (features.T @ features).double()  # a batch's products in single precision, their sum in double
        self.cross += (features.T @ targets).double()

    def solve(self, ridge: float) -> tuple[Tensor, Tensor]:
        """Weight [F, E] and bias [E] that minimise the mean squared distance + ridge * |weight|^2; zeros if there were no rows."""
        if not self.count:
            return torch.zeros_like(self.cross).float(), torch.zeros_like(self.targets).float()
        mean, middle = self.features / self.count, self.targets / self.count
        square = self.square / self.count - torch.outer(mean, mean)
        square.diagonal().add_(ridge)
        weight = torch.linalg.solve(square, self.cross / self.count - torch.outer(mean, middle))
        return weight.float(), (middle - mean @ weight).float()
