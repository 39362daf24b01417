"""A small static tower: each piece of a word has one vector, a text is the direction of their sum, bent by one hidden layer.

After model2vec (github.com/MinishLab/model2vec), which has no hidden layer; it is what makes similarities of unseen words come out right
(docs/decisions.md). `python -m benchmarks.tools.distil_text` fits everything to MiniLM. All are buffers, so they travel inside a model's
weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from sslts.config import ComponentConfig, Name, Sha256
from sslts.errors import TowerError
from sslts.interfaces import TextEncoder
from sslts.text import reading
from sslts.text.known import unknown
from sslts.text.published import static_ref

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "static.safetensors"
_PACKAGED = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Hidden:
    """One hidden layer: weight [H, E], bias [H], output [E, H]."""

    weight: Tensor
    bias: Tensor
    output: Tensor


@final
class StaticText(TextEncoder):
    """Sum of the pieces' vectors, to unit length, plus what one hidden layer makes of it, to unit length. A piece's weight is the
    length of its vector.

    Vectors are stored as int8 with one float16 scale a piece, the hidden layer as float16. The vocabulary is the bytes of its lines, in
    a buffer of its own: so one file and one hash cover all that decides a vector.
    """

    class Config(ComponentConfig):
        """`sha256` is `fingerprint` of the contents, whatever file carries them; the sizes are what a constructor needs to know."""

        revision: Name
        sha256: Sha256
        tokens: int = Field(gt=0, le=1_000_000)
        vocabulary_bytes: int = Field(gt=0, le=16_000_000)
        embed_dim: int = Field(gt=0, le=4096)
        hidden_dim: int = Field(gt=0, le=16_384)

    config: Config
    vocabulary: Tensor
    vectors: Tensor
    scales: Tensor
    hidden_weight: Tensor
    hidden_bias: Tensor
    output_weight: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed_dim = config.embed_dim
        self.register_buffer("vocabulary", torch.zeros(config.vocabulary_bytes, dtype=torch.uint8))
        self.register_buffer("vectors", torch.zeros(config.tokens, config.embed_dim, dtype=torch.int8))
        self.register_buffer("scales", torch.zeros(config.tokens, dtype=torch.float16))
        wide, inner = config.embed_dim, config.hidden_dim
        for name, shape in {"hidden_weight": (inner, wide), "hidden_bias": (inner,), "output_weight": (wide, inner)}.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float16))
        self._pieces: dict[str, int] = {}
        self._tokenizer: Tokenizer | None = None
        self.register_load_state_dict_post_hook(_take)

    @classmethod
    def of(cls, pieces: Sequence[str], vectors: Tensor, hidden: Hidden, *, revision: str) -> Self:
        """A tower of these pieces ("[UNK]" among them), their vectors [n, E] and a hidden layer, rounded to what is stored."""
        scales = (vectors.abs().amax(1) / 127).clamp(min=1e-7).to(torch.float16)
        state = {
            "vocabulary": torch.frombuffer(bytearray("\n".join(pieces), "utf-8"), dtype=torch.uint8),
            "vectors": (vectors / scales.float()[:, None]).round().clamp(-127, 127).to(torch.int8),
            "scales": scales,
            "hidden_weight": hidden.weight.to(torch.float16),
            "hidden_bias": hidden.bias.to(torch.float16),
            "output_weight": hidden.output.to(torch.float16),
        }
        sizes = {"tokens": len(pieces), "vocabulary_bytes": len(state["vocabulary"]), "embed_dim": vectors.shape[1]}
        tower = cls.create(revision=revision, sha256=fingerprint(state), hidden_dim=len(hidden.bias), **sizes)
        tower.load_state_dict(state)
        return tower.eval()

    @classmethod
    def example(cls) -> Self:
        """A dozen words with fixed vectors of 8 numbers."""
        pieces = ["[UNK]", "walking", "running", "jogging", "sitting", "standing", "a", "person", "is", "##s", "sensor", "wrist", "."]
        generator = torch.Generator().manual_seed(0)
        vectors, weight, bias, output = (torch.randn(shape, generator=generator) for shape in ((len(pieces), 8), (4, 8), (4,), (8, 4)))
        return cls.of(pieces, vectors, Hidden(weight, bias, 0.1 * output), revision="example")

    @property
    def ready(self) -> bool:
        return bool(self._pieces)

    def fill(self, folder: Path | None = None) -> None:
        """Read the vectors that travel with sslts, or those in a folder that `distil_text` wrote.

        Raises:
            TowerError: the file is missing or damaged, or its vectors are not the ones that the config names.
        """
        path = (folder or _PACKAGED) / FILE
        try:
            state = safetensors.torch.load_file(path)
        except (OSError, safetensors.SafetensorError) as error:
            raise TowerError(f"{path} cannot be read ({error}). Reinstall sslts, or distil the tower again.") from error
        expected = {name: (tensor.shape, tensor.dtype) for name, tensor in self.state_dict().items()}
        if {name: (tensor.shape, tensor.dtype) for name, tensor in state.items()} != expected:
            raise TowerError(
                f"{path} does not hold static tower '{self.config.revision}' (sha256 {self.config.sha256}) but one of another size. "
                "Install the version of sslts that carries it, or load a model's folder, which carries its own."
            )
        self.load_state_dict(state)

    @torch.no_grad()
    def forward(self, texts: Sequence[str]) -> Tensor:
        listed = reading.checked(texts)
        tokenizer = self._reader()
        if not listed:
            return torch.zeros(0, self.embed_dim, device=self.vectors.device)
        tokens = [reading.ids(tokenizer, text) for text in listed]
        device = self.vectors.device
        used, places = torch.tensor([index for text in tokens for index in text], device=device).unique(return_inverse=True)
        starts = torch.tensor([0, *(len(text) for text in tokens[:-1])], device=device).cumsum(0)
        table = self.vectors[used].float() * self.scales[used, None].float()
        summed = F.normalize(F.embedding_bag(places, table, starts, mode="sum"), dim=-1)
        inner = F.gelu(F.linear(summed, self.hidden_weight.float(), self.hidden_bias.float()))
        return F.normalize(summed + F.linear(inner, self.output_weight.float()), dim=-1)

    def unknown_words(self, text: str) -> tuple[str, ...]:
        (text,) = reading.checked([text])
        return unknown(reading.words(self._reader(), text), self._pieces)

    def _reader(self) -> Tokenizer:
        if not self.ready:
            raise TowerError(
                f"Static text tower '{self.config.revision}' has no vectors yet: call fill(), or take sslts.text.load_static()."
            )
        if self._tokenizer is None:
            self._tokenizer = reading.wordpiece(list(self._pieces))
        return self._tokenizer


def load_static() -> StaticText:
    """The tower that travels with sslts, ready to read."""
    tower: StaticText = StaticText.create(**static_ref().options)
    tower.fill()
    return tower.eval()


def fingerprint(state: Mapping[str, Tensor]) -> str:
    """Sha256 of a tower's contents: its tensors by name, each preceded by name and shape, floats as float16."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        stored = tensor.detach().cpu().contiguous()
        stored = stored.to(torch.float16) if stored.is_floating_point() else stored
        digest.update(f"{name} {list(stored.shape)};".encode())
        digest.update(stored.numpy().tobytes())
    return digest.hexdigest()


def _take(module: nn.Module, _: Any) -> None:
    """After a state dict was loaded, wherever it came from: are these the vectors that the config names?"""
    tower: Any = module
    found = fingerprint(tower.state_dict())
    if found != tower.config.sha256:
        raise TowerError(
            f"The config names static text tower '{tower.config.revision}' with sha256 {tower.config.sha256}, these vectors have {found}. "
            "A model speaks to the tower it was trained with: get the model's folder again."
        )
    pieces = bytes(tower.vocabulary.cpu().numpy()).decode().split("\n")
    if len(set(pieces)) != tower.config.tokens or reading.UNKNOWN not in pieces:
        raise TowerError(f"The vocabulary has {len(set(pieces))} different pieces, expected {tower.config.tokens} with {reading.UNKNOWN}.")
    tower._pieces, tower._tokenizer = {piece: index for index, piece in enumerate(pieces)}, None
