"""A stack of ViT blocks as Mu-MAE and VideoMAE use them: timm's, with biases on queries and values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from sslts import ops

if TYPE_CHECKING:
    from timm.models.beit import Block

#: Added to attention's logits where a token is padding.
_NEVER = -1e4


class ViTBlocks(nn.Module):
    """Pre-norm blocks and a last norm. [B, N, D] -> [B, N, D]; padding is not attended to."""

    def __init__(self, dim: int, depth: int, heads: int, *, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        block = _block()
        self.blocks = nn.ModuleList([block(dim, heads, qkv_bias=True, mlp_ratio=mlp_ratio, norm_layer=nn.LayerNorm) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.apply(xavier)

    def forward(self, values: Tensor, valid: Tensor) -> Tensor:
        """values [B, N, D], valid bool [B, N]. A row without valid tokens attends to itself and stays finite."""
        barred = None
        if not ops.surely_all(valid):
            seen = valid | ~valid.any(1, keepdim=True)
            barred = torch.zeros_like(seen, dtype=values.dtype).masked_fill(~seen, _NEVER)[:, None, None, :]
        for block in self.blocks:
            values = block(values, shared_rel_pos_bias=barred)
        return self.norm(values)


def xavier(module: nn.Module) -> None:
    """The initialisation of the released code: Xavier-uniform weights, no biases."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def place(cell: Tensor, grid: tuple[int, int, int]) -> Tensor:
    """int [..., 3] (time, row, column) -> int [...], its number in a grid of patches: time, then rows, then columns."""
    return (cell[..., 0] * grid[1] + cell[..., 1]) * grid[2] + cell[..., 2]


def sinusoids(places: Tensor, dim: int) -> Tensor:
    """Fixed sine-cosine positions of integer places (Vaswani et al. 2017, sec. 3.5). [...] -> [..., dim]."""
    number = torch.arange(dim, device=places.device)
    angle = places[..., None].to(torch.float32) / 10_000 ** (2 * (number // 2) / dim)
    return torch.where(number % 2 == 0, angle.sin(), angle.cos())


def _block() -> type[Block]:
    from timm.models.beit import Block  # here: it takes a second that listing and loading other models need not pay

    return Block
