"""From what is kept of a window to the space in which it is compared with words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from sslts.types import Tokens

_LEAST = 1e-3
_CLIP = 3.0
#: So many channels are half-way between few and many, and how sharply the two are told apart.
_MANY, _SHARPNESS = 40, 4
#: Rows of a regression are added so many at a time: adding costs as much as multiplying.
_TOGETHER = 1024
#: Of the largest variance: directions of less are not stretched further.
_LEAST_SHARE = 0.05


class TextSpace(nn.Module):
    """Vectors of texts [n, E] -> the space in which windows and texts are compared, unit length [n, E].

    What all training texts have in common is taken away, and directions in which they differ much are weighed down
    (Mu & Viswanath 2018, arXiv:1702.01417; Su et al. 2021, arXiv:2103.15316): else "standing" and "standing in an elevator" are one text.
    """

    centre: Tensor
    stretch: Tensor

    def __init__(self, dim: int, *, evenness: float) -> None:
        """evenness: 0 keeps the tower's variances, 1 evens them out."""
        super().__init__()
        self.evenness = evenness
        self.register_buffer("centre", torch.zeros(dim))
        self.register_buffer("stretch", torch.eye(dim))

    def forward(self, vectors: Tensor) -> Tensor:
        """[n, E] -> [n, E]."""
        return functional.normalize((vectors - self.centre.to(vectors)) @ self.stretch.to(vectors), dim=1)

    @torch.no_grad()
    def fit(self, vectors: Tensor) -> None:
        """Take centre and variances from training texts [n, E], each once."""
        centre = vectors.mean(0)
        units = functional.normalize(vectors - centre, dim=1).double()
        variance, directions = torch.linalg.eigh(units.T @ units)
        scale = (variance / variance.max().clamp(min=_LEAST) + _LEAST_SHARE) ** (-self.evenness / 2)
        self.centre.copy_(centre)
        self.stretch.copy_(directions * scale @ directions.T)


class TextHead(nn.Module):
    """features [B, F] -> kept [B, K], leading principal components, and meaning [B, E], of unit length.

    The meaning is a linear map, as the seed has it, of what `terms` makes of the features: one map for few channels and another for many,
    and in between their mixture. A single map for both was worse at either. Each reads features at the scale of its own windows: what many
    sensors share out among themselves, a few have to themselves. Windows of more channels than training saw are mapped as its richest ones:
    nothing was learned for them.
    """

    mean: Tensor
    spread: Tensor
    components: Tensor
    richest: Tensor

    def __init__(self, features: int, text: int, *, keep: int) -> None:
        super().__init__()
        self.dim, self.keep = features, min(keep, features)
        # The scale of windows with few sensors, then of windows with all of theirs.
        self.register_buffer("mean", torch.zeros(2, features))
        self.register_buffer("spread", torch.ones(2, features))
        self.register_buffer("components", torch.eye(features, self.keep))
        self.register_buffer("richest", torch.tensor(1.0))
        self.meaning = nn.Linear(2 * features + 1, text)
        nn.init.normal_(self.meaning.weight, std=features**-0.5)

    def forward(self, features: Tensor, richness: Tensor) -> Tensor:
        """features [B, F], richness [B] in 0..1 -> meaning [B, E]."""
        return functional.normalize(self.meaning(self.terms(features, richness)), dim=1)

    def kept(self, features: Tensor, richness: Tensor) -> Tensor:
        """[B, F], [B] -> [B, K], of about unit variance over training windows."""
        return self._blended(features, richness) @ self.components

    def terms(self, features: Tensor, richness: Tensor) -> Tensor:
        """[B, F], [B] -> [B, 2 F + 1]: the scaled features as far as channels are few, the same as far as they are many, richness."""
        rich = self._rich(richness)
        few, many = self.scaled(features)
        return torch.cat([(1 - rich) * few, rich * many, rich], dim=1)

    def scaled(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features of about unit variance over training windows with few sensors, and over those with all."""
        few, many = (((features - mean) / spread).clamp(-_CLIP, _CLIP) for mean, spread in zip(self.mean, self.spread, strict=True))
        return few, many

    @torch.no_grad()
    def scale(self, few: Tensor, whole: Tensor, rich: Tensor) -> None:
        """Take means, deviations and principal components from training windows with few of their sensors and with all, [n, F] each; what
        hardly varies is only centred. rich: richness of both, one after the other [2 n]. How rich windows may be is open again."""
        for row, features in enumerate((few, whole)):
            deviation = features.std(0, correction=0)
            self.mean[row].copy_(features.mean(0))
            self.spread[row].copy_(torch.where(deviation > _LEAST, deviation, torch.ones_like(deviation)))
        self.richest.fill_(1.0)
        blended = self._blended(torch.cat([few, whole]), rich)
        _, strength, directions = torch.linalg.svd(blended - blended.mean(0), full_matrices=False)
        found = min(self.keep, int((strength > _LEAST * strength.max().clamp(min=_LEAST)).sum()))
        # The sign of a component is arbitrary: its largest entry is positive.
        sign = directions.gather(1, directions.abs().argmax(1, keepdim=True)).sign()
        self.components.zero_()
        self.components[:, :found] = (directions * sign)[:found].T * len(blended) ** 0.5 / strength[:found]

    @torch.no_grad()
    def set_linear(self, weight: Tensor, bias: Tensor, *, richest: float) -> None:
        """Replace the map to the text space: weight [2 F + 1, E], bias [E], fitted on windows up to this richness."""
        self.richest.fill_(richest)
        self.meaning.weight.copy_(weight.T)
        self.meaning.bias.copy_(bias)

    def _blended(self, features: Tensor, richness: Tensor) -> Tensor:
        rich = self._rich(richness)
        few, many = self.scaled(features)
        return (1 - rich) * few + rich * many

    def _rich(self, richness: Tensor) -> Tensor:
        """[B] -> [B, 1], no richer than training was."""
        return richness[:, None].minimum(self.richest)


def richness(tokens: Tokens) -> Tensor:
    """How far a window has many channels, [B] in 0..1: 0.001 for one three-axis sensor and what is derived of it, 0.9 for five units."""
    channels = int(tokens.channel.max()) + 1
    counts = torch.zeros(len(tokens.valid), channels, device=tokens.valid.device)
    count = (counts.scatter_add_(1, tokens.channel, tokens.valid.to(counts.dtype)) > 0).sum(1)
    return 1 / (1 + (_MANY / count.clamp(min=1)) ** _SHARPNESS)


class LeastSquares:
    """Ridge regression from sums over batches: as many windows as there are, memory of one matrix."""

    def __init__(self, features: int, targets: int) -> None:
        self.count = 0
        # The last row and column: a feature that is always 1.
        self.square = torch.zeros(features + 1, features + 1, dtype=torch.float64)
        self.cross = torch.zeros(features + 1, targets, dtype=torch.float64)
        self._waiting: list[tuple[Tensor, Tensor]] = []

    def add(self, features: Tensor, targets: Tensor) -> None:
        """Rows [b, F] and [b, E]."""
        self.count += len(features)
        self._waiting.append((features.cpu(), targets.cpu()))
        if sum(len(rows) for rows, _ in self._waiting) >= _TOGETHER:
            self._settle()

    @classmethod
    def evenly(cls, parts: Sequence[LeastSquares]) -> LeastSquares:
        """One regression in which each of these that has rows weighs the same, however many it has."""
        made = cls(len(parts[0].square) - 1, parts[0].cross.shape[1])
        for part in parts:
            part._settle()
            if part.count:
                made.square += part.square / part.count
                made.cross += part.cross / part.count
                made.count += 1
        return made

    def solve(self, ridge: float) -> tuple[Tensor, Tensor]:
        """Weight [F, E] and bias [E] that minimise the mean squared distance + ridge * |weight|^2; zeros if there were no rows."""
        self._settle()
        if not self.count:
            return torch.zeros_like(self.cross[:-1]).float(), torch.zeros_like(self.cross[-1]).float()
        mean, middle = self.square[-1, :-1] / self.count, self.cross[-1] / self.count
        square = self.square[:-1, :-1] / self.count - torch.outer(mean, mean)
        square.diagonal().add_(ridge)
        weight = torch.linalg.solve(square, self.cross[:-1] / self.count - torch.outer(mean, middle))
        return weight.float(), (middle - mean @ weight).float()

    def _settle(self) -> None:
        if not self._waiting:
            return
        features, targets = (torch.cat(parts) for parts in zip(*self._waiting, strict=True))
        features = torch.cat([features, features.new_ones(len(features), 1)], dim=1)
        self.square += (features.T @ features).double()  # products of some rows in single precision, their sum in double
        self.cross += (features.T @ targets).double()
        self._waiting = []
