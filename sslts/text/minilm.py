"""MiniLM sentence vectors: a small BERT, its outputs averaged over the text (Wang et al. 2020, arXiv:2002.10957; Reimers and Gurevych
2019, arXiv:1908.10084; Devlin et al. 2019, arXiv:1810.04805, sec. 3).

The forward pass of its own equals sentence-transformers' and loads in a quarter of the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, final

import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from einops import rearrange
from pydantic import Field
from torch import Tensor

from sslts.config import Sha256
from sslts.errors import ConfigError, TextError, TowerError
from sslts.interfaces import TowerOrigin
from sslts.text import reading
from sslts.text.by_reference import WEIGHTS, ByReference, ReferenceConfig
from sslts.text.known import unknown

VOCABULARY = "vocab.txt"
_ROWS = 256  # texts at a time


@final
class MiniLM(ByReference):
    """BERT encoder, mean over all tokens, unit length.

    A text longer than `max_tokens` is a TextError. differs from sentence-transformers, which cuts it off silently.
    """

    class Config(ReferenceConfig):
        """`vocabulary_sha256` is that of vocab.txt; the sizes are those of all-MiniLM-L6-v2."""

        vocabulary_sha256: Sha256
        vocabulary: int = Field(default=30_522, gt=4, le=1_000_000)
        layers: int = Field(default=6, gt=0, le=48)
        heads: int = Field(default=12, gt=0, le=64)
        embed_dim: int = Field(default=384, gt=0, le=4096)
        hidden_dim: int = Field(default=1536, gt=0, le=16_384)
        positions: int = Field(default=512, gt=2, le=8192)
        max_tokens: int = Field(default=256, gt=2, le=8192)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if config.embed_dim % config.heads or config.max_tokens > config.positions:
            raise ConfigError(
                f"MiniLM: embed_dim ({config.embed_dim}) must be a multiple of heads ({config.heads}), and max_tokens "
                f"({config.max_tokens}) at most positions ({config.positions})."
            )
        self.embed_dim = config.embed_dim
        self._weights: dict[str, Tensor] = {}
        self._pieces: dict[str, int] = {}
        self._tokenizer: Any = None

    @classmethod
    def example(cls) -> Self:
        """A tower of one narrow layer with fixed weights and eight words."""
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "walking", "running", "sitting", "a", "person", "is", "##s", "."]
        sizes = {"vocabulary": len(pieces), "layers": 1, "heads": 2, "embed_dim": 8, "hidden_dim": 16, "positions": 16, "max_tokens": 16}
        tower = cls.create(repo="sslts/example", revision="0" * 40, sha256="0" * 64, vocabulary_sha256="0" * 64, **sizes)
        generator = torch.Generator().manual_seed(0)
        weights = {name: 0.3 * torch.randn(shape, generator=generator) for name, shape in tower.shapes().items()}
        tower._take(weights, pieces)
        return tower

    @property
    def ready(self) -> bool:
        return bool(self._weights)

    @property
    def origin(self) -> TowerOrigin:
        hashes = {WEIGHTS: self.config.sha256, VOCABULARY: self.config.vocabulary_sha256}
        return TowerOrigin(self.config.repo, self.config.revision, hashes)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The tensors of model.safetensors that are used, by the names of BERT's own implementation."""
        wide, inner = self.config.embed_dim, self.config.hidden_dim
        tables = {"word": self.config.vocabulary, "position": self.config.positions, "token_type": 2}
        shapes: dict[str, tuple[int, ...]] = {f"embeddings.{name}_embeddings.weight": (rows, wide) for name, rows in tables.items()}
        sizes = {f"attention.self.{part}": (wide, wide) for part in ("query", "key", "value")}
        sizes |= {"attention.output.dense": (wide, wide), "intermediate.dense": (inner, wide), "output.dense": (wide, inner)}
        norms = ["embeddings.LayerNorm"]
        for layer in range(self.config.layers):
            prefix = f"encoder.layer.{layer}."
            shapes |= {f"{prefix}{name}.weight": size for name, size in sizes.items()}
            shapes |= {f"{prefix}{name}.bias": size[:1] for name, size in sizes.items()}
            norms += [f"{prefix}attention.output.LayerNorm", f"{prefix}output.LayerNorm"]
        return shapes | {f"{norm}.{part}": (wide,) for norm in norms for part in ("weight", "bias")}

    @torch.no_grad()
    def forward(self, texts: Sequence[str]) -> Tensor:
        listed = reading.checked(texts)
        if not self.ready:
            raise self._not_ready()
        some = next(iter(self._weights.values()))
        vectors = some.new_zeros(len(listed), self.embed_dim)
        for rows, tokens in self._batches(listed):
            vectors[rows] = self.embed_tokens(tokens.to(some.device))
        return vectors

    @torch.no_grad()
    def embed_tokens(self, tokens: Tensor) -> Tensor:
        """[n, L] indices of pieces, [CLS] and [SEP] included -> [n, E]."""
        return F.normalize(self._bert(tokens).mean(1), dim=-1)

    @property
    def pieces(self) -> Mapping[str, int]:
        """Piece -> index; empty until the tower is filled."""
        return self._pieces

    def unknown_words(self, text: str) -> tuple[str, ...]:
        (text,) = reading.checked([text])
        if not self.ready:
            raise self._not_ready()
        return unknown(reading.words(self._tokenizer, text), self._pieces)

    def _batches(self, texts: Sequence[str]) -> list[tuple[list[int], Tensor]]:
        """Texts of equal length together: without padding there is nothing to hide from attention."""
        by_length: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for row, text in enumerate(texts):
            tokens = [self._pieces["[CLS]"], *reading.ids(self._tokenizer, text), self._pieces["[SEP]"]]
            if len(tokens) > self.config.max_tokens:
                raise TextError(f"Text {row} has {len(tokens)} tokens, the tower reads at most {self.config.max_tokens}. Shorten it.")
            by_length[len(tokens)].append((row, tokens))
        pieces = [group[start : start + _ROWS] for group in by_length.values() for start in range(0, len(group), _ROWS)]
        return [([row for row, _ in piece], torch.tensor([tokens for _, tokens in piece])) for piece in pieces]

    def _bert(self, tokens: Tensor) -> Tensor:
        """[n, L] token ids -> [n, L, E]."""
        weights = self._weights
        values = weights["embeddings.word_embeddings.weight"][tokens]
        values = (
            values
            + weights["embeddings.position_embeddings.weight"][: tokens.shape[1]]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        values = self._norm(values, "embeddings.LayerNorm")
        for layer in range(self.config.layers):
            block = f"encoder.layer.{layer}"
            values = self._norm(values + self._attend(values, f"{block}.attention"), f"{block}.attention.output.LayerNorm")
            inner = F.gelu(self._linear(values, f"{block}.intermediate.dense"))
            values = self._norm(values + self._linear(inner, f"{block}.output.dense"), f"{block}.output.LayerNorm")
        return values

    def _attend(self, values: Tensor, name: str) -> Tensor:
        query, key, value = (
            rearrange(self._linear(values, f"{name}.self.{part}"), "n l (h d) -> n h l d", h=self.config.heads)
            for part in ("query", "key", "value")
        )
        return self._linear(rearrange(F.scaled_dot_product_attention(query, key, value), "n h l d -> n l (h d)"), f"{name}.output.dense")

    def _linear(self, values: Tensor, name: str) -> Tensor:
        return F.linear(values, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, values: Tensor, name: str) -> Tensor:
        return F.layer_norm(values, (self.embed_dim,), self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], eps=1e-12)

    def _read(self, files: Mapping[str, bytes], folder: Path) -> None:
        try:
            weights = safetensors.torch.load(files[WEIGHTS])
        except safetensors.SafetensorError as error:
            raise TowerError(f"{folder / WEIGHTS} is not a safetensors file ({error}).") from error
        self._take(weights, files[VOCABULARY].decode().rstrip("\n").split("\n"))

    def _take(self, weights: Mapping[str, Tensor], pieces: Sequence[str]) -> None:
        for name, shape in self.shapes().items():
            found = tuple(weights[name].shape) if name in weights else None
            if found != shape:
                raise TowerError(f"Tensor '{name}' is {found or 'missing'}, the config implies {shape}. Are these the weights of a BERT?")
        if len(pieces) != self.config.vocabulary or not {"[CLS]", "[SEP]", reading.UNKNOWN} <= set(pieces):
            raise TowerError(
                f"The vocabulary has {len(pieces)} pieces, the config says {self.config.vocabulary}, with [CLS], [SEP] and [UNK]."
            )
        self._weights = {name: weights[name].float() for name in self.shapes()}
        self._pieces = {piece: index for index, piece in enumerate(pieces)}
        self._tokenizer = reading.wordpiece(pieces)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)
        self._weights = {name: fn(tensor) for name, tensor in self._weights.items()}
        return self
