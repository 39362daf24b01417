"""The few blocks that more than one component uses."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional


def mlp(widths: Sequence[int], *, dropout: float = 0.0) -> nn.Sequential:
    """Linear layers with GELU and dropout between them: widths (in, hidden..., out)."""
    layers: list[nn.Module] = []
    for index, (wide, narrow) in enumerate(zip(widths, widths[1:], strict=False)):
        if index:
            layers += [nn.GELU(), nn.Dropout(dropout)]
        layers.append(nn.Linear(wide, narrow))
    return nn.Sequential(*layers)


class SelfAttention(nn.Module):
    """Multi-head attention on torch's SDPA (own, because nn.TransformerEncoderLayer freezes batch and length when exported)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, values: Tensor, valid: Tensor) -> Tensor:
        """values [B, N, D], valid bool [B, N] -> [B, N, D]. A row without valid tokens attends to itself and stays finite."""
        query, key, value = self.qkv(values).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        # A row with nothing valid would be a softmax over nothing (NaN): let it see everything; callers discard such rows.
        seen = valid | ~valid.any(1, keepdim=True)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen[:, None, None, :])
        return self.out(mixed.transpose(1, 2).flatten(2))


class TransformerBlock(nn.Module):
    """Pre-norm transformer block (attention, then MLP)."""

    def __init__(self, dim: int, heads: int, *, mlp_ratio: float = 4.0, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads)
        self.norm_mlp = nn.LayerNorm(dim)
        self.mlp = mlp((dim, round(dim * mlp_ratio), dim), dropout=dropout)

    def forward(self, values: Tensor, valid: Tensor) -> Tensor:
        """values [B, N, D], valid bool [B, N] -> [B, N, D]."""
        values = values + self.attention(self.norm_attention(values), valid)
        return values + self.mlp(self.norm_mlp(values))
