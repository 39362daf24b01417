"""Cross-attention between what all modalities share and what each says alone (Mu-MAE, arXiv:2408.04243): two variants.

The paper attends along the samples of an episode: row i of the joint features asks all rows of a modality's features. A query is then
judged by the other queries. `cross-attention` asks the modalities of the same row instead, so that a clip's embedding is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self, final

import torch
from einops import rearrange
from pydantic import Field, model_validator
from torch import Tensor, nn

from sslts.config import ComponentConfig
from sslts.fusion.places import Places
from sslts.interfaces import Fusion


class _Config(ComponentConfig):
    FROM_SPEC: ClassVar[tuple[str, ...]] = ("embed_dim", "modalities")

    embed_dim: int = Field(ge=1, le=4096)
    modalities: int = Field(ge=1, le=64)
    heads: int = Field(default=4, ge=1, le=64)

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.embed_dim % self.heads:
            raise ValueError(f"{self.heads} heads do not divide embed_dim {self.embed_dim}")
        return self


class _CrossAttention(Fusion):
    """What both variants are made of: views side by side (`Places`), and one more place for what attention reads.

    W_m W_q, W_k, W_v of each modality, elementwise weights, the map that joins all heads, and how sharply a head attends. A gate that
    starts at 0 lets attention in: before training the result is that of `concatenation`.
    """

    config: _Config

    def __init__(self, config: _Config) -> None:
        super().__init__(config)
        dim = config.embed_dim
        self.embed_dim = (config.modalities + 2) * dim
        self.places = Places(config.modalities)
        self.ask = nn.Parameter(torch.eye(dim).repeat(config.modalities, 1, 1))  # W_m W_q: two linear maps in a row are one
        self.key = nn.Parameter(torch.eye(dim).repeat(config.modalities, 1, 1))
        self.value = nn.Parameter(torch.eye(dim).repeat(config.modalities, 1, 1))
        self.weight = nn.Parameter(torch.ones(config.modalities, dim))
        self.join = nn.Linear(config.modalities * dim, dim)
        # Views are of unit length, so that a head's dot products are about 1 / heads at most: without this, attention would be even.
        self.sharpness = nn.Parameter(torch.full((config.heads, 1), 4.0 * config.heads))
        self.gate = nn.Parameter(torch.zeros(1))

    def weigh(self, weights: Sequence[float], fitted: Sequence[bool]) -> None:
        """Of the joint view and of each modality's own, [M + 1]; which modalities were there, [M]."""
        self.places.weigh(weights, fitted)

    def _projected(self, joint: Tensor, unimodal: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values by modality and head, [B, M, H, E / H] each."""
        asked = torch.einsum("be,mef->bmf", joint, self.ask)
        unimodal = torch.where(present[..., None], unimodal, torch.zeros_like(unimodal))
        key, value = (torch.einsum("bme,mef->bmf", unimodal, matrix) for matrix in (self.key, self.value))
        heads = self.config.heads
        query, keys, values = (rearrange(part, "b m (h d) -> b m h d", h=heads) for part in (asked, key, value))
        return query * self.sharpness, keys, values

    def _joined(self, attended: Tensor, joint: Tensor, unimodal: Tensor, present: Tensor) -> Tensor:
        """Views side by side, and [B, M, H, D] -> [B, E] beside them; nothing present -> 0."""
        weighted = self.weight * rearrange(attended, "b m h d -> b m (h d)")
        weighted = torch.where(present[..., None], weighted, torch.zeros_like(weighted))
        read = self.gate * self.join(weighted.flatten(1))
        read = torch.where(present.any(1, keepdim=True), read, torch.zeros_like(read))
        return torch.cat([self.places(joint, unimodal, present), read], dim=1)


@final
class CrossAttention(_CrossAttention):
    """joint [B, E] asks the M modalities of its own row; a row's result depends on that row alone.

    differs from the paper: attention runs along the modalities of a clip, not along the clips of an episode; views stand beside what it
    reads, and it attends as sharply as it learns to.
    """

    class Config(_Config):
        """embed_dim: E; modalities: M; heads."""

    config: Config

    @classmethod
    def example(cls) -> CrossAttention:
        """Two modalities of width 8, two heads."""
        return cls.create(embed_dim=8, modalities=2, heads=2)

    def forward(self, joint: Tensor, unimodal: Tensor, present: Tensor, episode: Tensor | None = None) -> Tensor:
        """-> [B, E]."""
        query, keys, values = self._projected(joint, unimodal, present)
        scores = torch.einsum("bmhd,bnhd->bhmn", query, keys)
        absent = ~present[:, None, None, :]
        share = torch.softmax(scores.masked_fill(absent, torch.finfo(scores.dtype).min), dim=-1)
        attended = torch.einsum("bhmn,bnhd->bmhd", share.masked_fill(absent, 0.0), values)
        return self._joined(attended, joint, unimodal, present)


@final
class EpisodicCrossAttention(_CrossAttention):
    """The paper's attention: for each modality, row i of the joint features asks that modality's features of all rows of its episode.

    episode: int [B], which rows belong together (None: all do). A row's result depends on the other rows, so that it cannot serve `embed`:
    it is for methods that read episodes, and `mu-mae` refuses it.

    differs from the paper: views stand beside what it reads, which enters through a gate that starts at 0; a head's sharpness is learned,
    where the paper divides by sqrt(d_h).
    """

    episodic: ClassVar[bool] = True

    class Config(_Config):
        """embed_dim: E; modalities: M; heads."""

    config: Config

    @classmethod
    def example(cls) -> EpisodicCrossAttention:
        """Two modalities of width 8, two heads."""
        return cls.create(embed_dim=8, modalities=2, heads=2)

    def forward(self, joint: Tensor, unimodal: Tensor, present: Tensor, episode: Tensor | None = None) -> Tensor:
        """-> [B, E]."""
        query, keys, values = self._projected(joint, unimodal, present)
        together = torch.ones(len(joint), len(joint), dtype=torch.bool, device=joint.device)
        if episode is not None:
            together = episode[:, None] == episode[None, :]
        allowed = together[None, None] & present.T[:, None, None, :]  # [M, 1, B, B]
        scores = torch.einsum("bmhd,cmhd->mhbc", query, keys).masked_fill(~allowed, torch.finfo(query.dtype).min)
        share = torch.softmax(scores, dim=-1).masked_fill(~allowed, 0.0)
        attended = torch.einsum("mhbc,cmhd->bmhd", share, values)
        return self._joined(attended, joint, unimodal, present)
