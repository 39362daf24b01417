"""What describes a training window in words: wordings of its label, and a caption of what its signal does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Protocol

import torch

from sslts.errors import ConfigError, suggest
from sslts.interfaces import Captioner
from sslts.strict_json import read_json
from sslts.training.source import LabelledSource, WindowSource, fingerprint
from sslts.types import TEXTS, SensorBatch

_MAX_BYTES = 4 * 1024 * 1024


class Described(WindowSource, LabelledSource, Protocol):
    """A source that knows labels."""


class TextedSource:
    """A source whose windows carry texts: the wordings of their label, then a caption; none for a window that has neither.

    labelled: ids of the windows whose label may be read (None: all). Captions describe the signal alone, so that every window may have one.
    """

    def __init__(
        self,
        source: Described,
        wordings: Sequence[Sequence[str]],
        *,
        captioner: Captioner | None = None,
        labelled: Collection[str] | None = None,
    ) -> None:
        self._source = source
        self._wordings = [tuple(words) for words in wordings]
        self._captioner = captioner
        self._labels = [int(label) for label in source.labels(range(len(source)))]
        if labelled is not None:
            known = set(labelled)
            ids = source.ids(range(len(source)))
            self._labels = [label if name in known else -1 for label, name in zip(self._labels, ids, strict=True)]
        self._captions: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._source)

    def __getattr__(self, name: str) -> object:
        return getattr(self._source, name)

    def batch(self, indices: Sequence[int], *, generator: torch.Generator) -> SensorBatch:
        """These windows, with their texts."""
        found = self._source.batch(indices, generator=generator)
        captions = self._captioned(indices, found)
        texts = [self._wordings[self._labels[i]] if self._labels[i] >= 0 else () for i in indices]
        told = [(*words, *caption) for words, caption in zip(texts, captions, strict=True)]
        return SensorBatch(found.signals, {**found.keys, TEXTS: told})

    def digest(self) -> str:
        """That of the source, and of what labels say where they may be read: a run does not go on with other words."""
        told = json.dumps([self._wordings, self._labels])
        return hashlib.sha256(f"{fingerprint(self._source)} {told}".encode()).hexdigest()

    def labels(self, indices: Sequence[int]) -> Sequence[int]:
        """The source's labels, for the monitor."""
        return self._source.labels(indices)

    def ids(self, indices: Sequence[int]) -> Sequence[str]:
        """The source's names."""
        return self._source.ids(indices)

    def _captioned(self, indices: Sequence[int], batch: SensorBatch) -> list[tuple[str, ...]]:
        if self._captioner is None:
            return [()] * len(indices)
        new = [place for place, index in enumerate(indices) if index not in self._captions]
        if new:
            told = self._captioner(batch.select(torch.tensor(new)))
            self._captions |= {indices[place]: caption for place, caption in zip(new, told, strict=True)}
        return [(self._captions[index],) for index in indices]


def load_wordings(name: str | Path) -> Mapping[str, Sequence[str]]:
    """{label: wordings} from a bundled file, such as "activities", or a JSON file.

    Raises:
        ConfigError: there is no such file, or it is not of this form.
    """
    path = Path(name)
    if not path.exists():
        folder = resources.files("sslts").joinpath("recipes/wordings")
        known = sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))
        if str(name) not in known:
            raise ConfigError(f"No wordings are named '{name}' and it is no file. {suggest(str(name), known)}Bundled: {', '.join(known)}.")
        path = Path(str(folder.joinpath(f"{name}.json")))
    found = read_json(path, limit=_MAX_BYTES)
    if not isinstance(found, dict) or not all(_is_wordings(words) for words in found.values()):
        raise ConfigError(f"{path}: expected {{label: [wording, ...]}} with at least one wording each.")
    return found


def wordings_of(labels: Sequence[str], table: Mapping[str, Sequence[str]] | None) -> list[tuple[str, ...]]:
    """The wordings of each label; a label that the table does not name is its own wording."""
    return [tuple((table or {}).get(label, (label,))) for label in labels]


def _is_wordings(words: object) -> bool:
    return isinstance(words, list) and bool(words) and all(isinstance(word, str) and word.strip() for word in words)
