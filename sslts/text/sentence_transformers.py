"""Any model of sentence-transformers (Reimers and Gurevych 2019, arXiv:1908.10084) as a text tower. Needs the extra `text`."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self, final

import torch
from pydantic import Field, StringConstraints
from torch import Tensor

from sslts.config import Sha256
from sslts.errors import ConfigError, TextError, TowerError, UnsupportedError, missing_dependency
from sslts.interfaces import TowerOrigin
from sslts.strict_json import read_json
from sslts.text import reading
from sslts.text.by_reference import WEIGHTS, ByReference, ReferenceConfig

_PART = r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*"
FileName = Annotated[str, StringConstraints(max_length=128, pattern=rf"^({_PART}/)?{_PART}\.(json|txt|model|safetensors)$")]
_OWN = "sentence_transformers."


@final
class SentenceTransformers(ByReference):
    """A sentence-transformers model, read from a local folder: no network, no code of the repository, safetensors only.

    A text longer than the model reads is a TextError. differs from sentence-transformers, which cuts it off silently.
    """

    class Config(ReferenceConfig):
        """`files` maps every other file that the model reads to its sha256, because pooling and tokeniser decide its vectors as well;
        `hashes(folder)` gives them. `embed_dim` is checked against the model's when it is filled.
        """

        files: dict[FileName, Sha256] = Field(min_length=1, max_length=64)
        embed_dim: int = Field(gt=0, le=16_384)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if importlib.util.find_spec("sentence_transformers") is None:
            raise missing_dependency("sentence-transformers", "text", "The text tower 'sentence-transformers'")
        self.embed_dim = config.embed_dim
        self._model: Any = None

    @classmethod
    def example(cls) -> Self:
        raise UnsupportedError("The text tower 'sentence-transformers' has no small example: its weights come from a repository.")

    @property
    def ready(self) -> bool:
        return self._model is not None

    @property
    def origin(self) -> TowerOrigin:
        return TowerOrigin(self.config.repo, self.config.revision, {**self.config.files, WEIGHTS: self.config.sha256})

    @torch.no_grad()
    def forward(self, texts: Sequence[str]) -> Tensor:
        listed = reading.checked(texts)
        if not self.ready:
            raise self._not_ready()
        if not listed:
            return torch.zeros(0, self.embed_dim, device=self._model.device)
        limit = self._model.max_seq_length
        for row, text in enumerate(listed):
            length = len(self._model.tokenizer(text, truncation=False, verbose=False)["input_ids"])
            if limit is not None and length > limit:
                raise TextError(f"Text {row} has {length} tokens, the tower reads at most {limit}. Shorten it.")
        vectors = self._model.encode(listed, convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False)
        # The model's own inference tensors could not take part in a loss.
        return vectors.clone().float()

    def _read(self, files: Mapping[str, bytes], folder: Path) -> None:
        _refuse_foreign_code(folder)
        from sentence_transformers import SentenceTransformer

        try:
            model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True})
        except (OSError, ValueError, ImportError) as error:
            raise TowerError(f"{folder} is not a folder that sentence-transformers can read ({error}).") from error
        width = model.encode(["width"], show_progress_bar=False).shape[1]
        if width != self.embed_dim:
            raise TowerError(f"The model in {folder} gives vectors of {width} numbers, the config says embed_dim={self.embed_dim}.")
        self._model = model.eval().requires_grad_(False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)
        if self._model is not None:
            self._model._apply(fn, recurse)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        # Registered as a submodule, the model would be in the state dict.
        if name == "_model":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


def hashes(folder: Path) -> dict[str, str]:
    """Sha256 of each file of a sentence-transformers folder but model.safetensors, as `Config.files` lists them."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in (".json", ".txt", ".model", ".safetensors")]
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in names.items() if name != WEIGHTS}


def _refuse_foreign_code(folder: Path) -> None:
    """Some versions of sentence-transformers run a local folder's own classes unasked."""
    path = folder / "modules.json"
    try:
        parts = read_json(path)
        named = [part["type"] for part in parts]
    except (ConfigError, TypeError, KeyError) as error:
        raise TowerError(f"{path} is not a list of modules with a type ({error}).") from error
    foreign = [name for name in named if not str(name).startswith(_OWN)]
    if foreign:
        raise TowerError(f"{path} asks for code outside sentence-transformers ('{str(foreign[0])[:80]}'), which is never run.")
