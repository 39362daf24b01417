"""Attention that knows what its channels are (CHARM's conditioning; Dutta et al., arXiv:2605.31580).

A frozen text embedding of each channel's description conditions every layer: it gates what a channel's tokens take from the layer, and two
descriptions together decide how much two channels heed each other and how far apart in time they look. Nothing depends on the order of the
channels, so permuting them permutes the tokens, and sets of channels never seen in training are served.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sslts import ops
from sslts.config import Channel
from sslts.errors import ConfigError
from sslts.layers import mlp
from sslts.types import RateClock, Signal, Tokens

_NARROW = 16


class ChannelBias(nn.Module):
    """How much, and at which distance in time, tokens of two channels heed each other, per head: what is added to attention's logits.

    `amount = a_h cos(P E_i, Q E_j)` is the gate between channels (a sigmoid gate on weights is a sum on logits); each head also prefers
    near moments, `- s_h |t_i - t_j - o_ij|`, with a learned offset o between the two channels (their learnable inter-channel time offset).
    """

    def __init__(self, text_dim: int, heads: int) -> None:
        super().__init__()
        self.query = nn.Linear(text_dim, _NARROW, bias=False)
        self.key = nn.Linear(text_dim, _NARROW, bias=False)
        self.amount = nn.Parameter(torch.zeros(heads))
        self.early = nn.Linear(text_dim, _NARROW, bias=False)
        self.late = nn.Linear(text_dim, _NARROW, bias=False)
        self.nearness = nn.Parameter(torch.linspace(-6.0, -1.0, heads))

    def forward(self, tokens: Tokens) -> Tensor:
        """[B, heads, N, N]."""
        described = descriptions(tokens)
        alike = functional.normalize(self.query(described), dim=-1) @ functional.normalize(self.key(described), dim=-1).T
        # Odd in (i, j): channel j early for i means i late for j. Up to one second.
        early, late = functional.normalize(self.early(described), dim=-1), functional.normalize(self.late(described), dim=-1)
        offset = torch.tanh(early @ late.T - late @ early.T)
        rows, columns = tokens.channel[:, :, None], tokens.channel[:, None, :]
        apart = (tokens.time_s[:, :, None] - tokens.time_s[:, None, :] - offset[rows, columns]).abs()
        return (
            self.amount[:, None, None] * alike[rows, columns][:, None] - functional.softplus(self.nearness)[:, None, None] * apart[:, None]
        )


class DescribedBlock(nn.Module):
    """Pre-norm transformer block whose attention and output each channel's description gates."""

    def __init__(self, dim: int, heads: int, text_dim: int, *, mlp_ratio: float = 3.0, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.gate = nn.Linear(text_dim, dim)
        self.norm_mlp = nn.LayerNorm(dim)
        self.mlp = mlp((dim, round(dim * mlp_ratio), dim), dropout=dropout)
        nn.init.zeros_(self.gate.weight)  # every gate starts open: sigmoid(2) = 0.88
        nn.init.constant_(self.gate.bias, 2.0)

    def forward(self, values: Tensor, tokens: Tokens, logits: Tensor) -> Tensor:
        """values [B, N, D]; tokens say which are valid and what their channels are; logits [B, heads, N, N] -> [B, N, D]."""
        query, key, value = self.qkv(self.norm_attention(values)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=logits)
        gates = torch.sigmoid(self.gate(descriptions(tokens)))[tokens.channel]
        values = values + gates * self.out(mixed.transpose(1, 2).flatten(2))
        return values + self.mlp(self.norm_mlp(values))


class DescribedStack(nn.Module):
    """Several such blocks over one sequence; tokens that are not valid are not looked at."""

    def __init__(self, dim: int, depth: int, heads: int, text_dim: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.bias = ChannelBias(text_dim, heads)
        self.blocks = nn.ModuleList([DescribedBlock(dim, heads, text_dim, dropout=dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)

    def forward(self, values: Tensor, tokens: Tokens) -> Tensor:
        """values [B, N, D] at the tokens' places -> [B, N, D]."""
        # A row with nothing valid would be a softmax over nothing: let it see everything; callers discard such rows.
        seen = tokens.valid | ~tokens.valid.any(1, keepdim=True)
        logits = self.bias(tokens).masked_fill(~seen[:, None, None, :], float("-inf"))
        for block in self.blocks:
            values = block(values, tokens, logits)
        return self.norm(values)


def descriptions(tokens: Tokens) -> Tensor:
    """[K, E]: what each channel is (ConfigError if the tokens do not say)."""
    if tokens.described is None:
        raise ConfigError(
            "These tokens do not say what their channels are. Tokenise with descriptions: encoder.tokenize(signal, described)."
        )
    return tokens.described


def checked_descriptions(signal: Signal, described: Tensor | None, text_dim: int) -> Tensor:
    """Descriptions [C, text_dim] of a signal's channels; zeros where none are given (ConfigError if they do not fit)."""
    expected = (signal.values.shape[1], text_dim)
    if described is None:
        return signal.values.new_zeros(expected)
    if tuple(described.shape) != expected:
        raise ConfigError(
            f"Descriptions must be {list(expected)}, got {tuple(described.shape)}. Give one vector a channel, derived channels included."
        )
    return described


def described_noise(batch: int, channels: int) -> Signal:
    """A second of noise at 32 Hz on channels with a description, for examples."""
    values = torch.randn(batch, channels, 32, generator=torch.Generator().manual_seed(0))
    named = tuple(Channel(name=f"c{index}", kind="accelerometer", unit="g", description=f"axis {index}") for index in range(channels))
    return Signal(values, named, RateClock(32.0), torch.ones(batch, dtype=torch.bool), torch.ones_like(values, dtype=torch.bool))


def place(tokens: Tokens, dim: int) -> Tensor:
    """Sine-cosine features of the tokens' times, [B, N, dim]. Periods from one second to two minutes."""
    return ops.sincos_time(tokens.time_s, dim, 12.0)
