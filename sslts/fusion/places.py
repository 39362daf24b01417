"""Views side by side, each at its weight: what every fusion of ours starts from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from sslts.errors import LengthError


def has_all(present: Tensor, fitted: Tensor) -> Tensor:
    """bool [B]: which clips have every modality in `fitted` (bool [M]); present: bool [B, M]. A clip without any modality has not."""
    return (present | ~fitted).all(1) & present.any(1)


class Places(nn.Module):
    """joint [B, E] and unimodal [B, M, E] -> [B, (M + 1) * E]: each of unit length times its amplitude; absent ones are 0.

    amplitude: [M + 1], the square root of a view's weight: a cosine similarity of two results is the mean of the views' cosines at these
    weights, and a view of weight 0 stays out, whatever training does. The joint view counts only where every modality is there that was
    there when it was fitted: what an encoder makes of fewer is another vector.
    """

    fitted: Tensor

    def __init__(self, modalities: int, *, joint: float = 1.0) -> None:
        super().__init__()
        self.amplitude = nn.Parameter(torch.cat([torch.tensor([joint]).sqrt(), torch.ones(modalities)]))
        self.register_buffer("fitted", torch.ones(modalities, dtype=torch.bool))

    def forward(self, joint: Tensor, unimodal: Tensor, present: Tensor) -> Tensor:
        """present: bool [B, M]."""
        shared = torch.where(has_all(present, self.fitted)[:, None], joint, torch.zeros_like(joint))
        own = torch.where(present[..., None], unimodal, torch.zeros_like(unimodal))
        views = functional.normalize(torch.cat([shared[:, None], own], dim=1), dim=-1)
        # The slope of |a| at 0 is 0: what was left out stays out.
        return (self.amplitude.abs()[:, None] * views).flatten(1)

    @torch.no_grad()
    def weigh(self, weights: Sequence[float], fitted: Sequence[bool]) -> None:
        """Set the weights, and which modalities were there when views were fitted (LengthError: not M + 1 and M of them)."""
        if len(weights) != len(self.amplitude) or len(fitted) != len(self.fitted):
            raise LengthError(f"Expected {len(self.amplitude)} weights, of the joint view and of each modality's own; got {len(weights)}.")
        self.amplitude.copy_(torch.tensor(list(weights)).sqrt())
        self.fitted.copy_(torch.tensor(list(fitted)))
