"""The decoders of a masked autoencoder of several modalities (Mu-MAE, arXiv:2408.04243): `patch-decoder`."""

from __future__ import annotations

from typing import Annotated, ClassVar, final

import torch
from pydantic import Field
from torch import Tensor, nn

from sslts import ops
from sslts.config import ComponentConfig
from sslts.interfaces import Predictor
from sslts.types import Tokens
from sslts.vit import ViTBlocks, place, sinusoids, xavier

_Cells = Annotated[int, Field(ge=1, le=65_536)]


@final
class PatchDecoder(Predictor):
    """One small ViT a modality, which sees that modality's visible tokens and a mask token for each hidden place.

    The step from the encoder's width to the decoders' and the mask token are shared by all of them, as in the released code.
    Patches of different modalities differ in size: values are padded with zeros to the largest.
    """

    class Config(ComponentConfig):
        """token_dim: width of the encoder; dim, depth, heads: of each decoder; patches, grids: numbers of a patch and patches along
        time, rows and columns, by modality in the model's order."""

        FROM_SPEC: ClassVar[tuple[str, ...]] = ("token_dim", "patches", "grids")

        token_dim: int = Field(ge=1, le=4096)
        dim: int = Field(default=96, ge=1, le=4096)
        depth: int = Field(default=2, ge=1, le=32)
        heads: int = Field(default=3, ge=1, le=64)
        patches: Annotated[tuple[Annotated[int, Field(ge=1, le=10**6)], ...], Field(min_length=1, max_length=64)]
        grids: Annotated[tuple[tuple[_Cells, _Cells, _Cells], ...], Field(min_length=1, max_length=64)]

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.project = nn.Linear(config.token_dim, config.dim, bias=False)
        self.hidden = nn.Parameter(torch.zeros(config.dim))
        nn.init.normal_(self.hidden, std=0.02)
        self.stacks = nn.ModuleList([ViTBlocks(config.dim, config.depth, config.heads) for _ in config.patches])
        self.leave = nn.ModuleList([nn.Linear(config.dim, numbers) for numbers in config.patches])
        self.project.apply(xavier)
        self.leave.apply(xavier)

    @classmethod
    def example(cls) -> PatchDecoder:
        """Two modalities with patches of 6 and 4 numbers."""
        return cls.create(token_dim=16, dim=8, depth=1, heads=2, patches=(6, 4), grids=((4, 2, 2), (4, 1, 1)))

    def example_tokens(self, batch: int = 2) -> Tokens:
        """All places of all modalities' grids, for conformance tests."""
        grids = [torch.cartesian_prod(*(torch.arange(size) for size in grid)) for grid in self.config.grids]
        cell, counts = torch.cat(grids), [len(places) for places in grids]
        index = torch.arange(len(grids)).repeat_interleave(torch.tensor(counts)).expand(batch, -1)
        values = torch.randn(batch, len(cell), self.config.token_dim, generator=torch.Generator().manual_seed(0))
        valid = torch.ones(batch, len(cell), dtype=torch.bool)
        return Tokens(values, valid, cell[:, 0].float().expand(batch, -1), index, torch.zeros_like(index), cell.expand(batch, -1, -1))

    def forward(self, context: Tokens, targets: Tokens) -> Tokens:
        """Encoded visible tokens [B, K, D] and hidden places [B, N] -> [B, N, largest patch]."""
        made = context.values.new_zeros(*targets.valid.shape, max(self.config.patches))
        for modality, numbers in enumerate(self.config.patches):
            mine = targets.valid & (targets.modality == modality)
            if bool(mine.any()):
                order = torch.argsort((~mine).to(torch.uint8), dim=1, stable=True)[:, : int(mine.sum(1).max())]
                asked = ops.pack_tokens(targets, mine)
                patches = self.decode(modality, context, asked)
                there = torch.gather(mine, 1, order)
                patches = torch.where(there[..., None], patches, torch.zeros_like(patches))
                padded = nn.functional.pad(patches, (0, made.shape[-1] - numbers))
                made = made.scatter_add(1, order[..., None].expand_as(padded), padded)
        return Tokens(made, targets.valid, targets.time_s, targets.modality, targets.channel, targets.cell, targets.described)

    def decode(self, modality: int, context: Tokens, asked: Tokens) -> Tensor:
        """The patches [B, Q, P] of one modality at the places `asked`, from its own visible tokens."""
        seen = ops.pack_tokens(context, context.valid & (context.modality == modality))
        dim, grid = self.config.dim, self.config.grids[modality]
        known = self.project(seen.values) + sinusoids(place(seen.cell, grid), dim)
        wanted = self.hidden + sinusoids(place(asked.cell, grid), dim)
        values = self.stacks[modality](torch.cat([known, wanted], dim=1), torch.cat([seen.valid, asked.valid], dim=1))
        return self.leave[modality](values[:, known.shape[1] :])
