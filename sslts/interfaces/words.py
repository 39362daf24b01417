"""Words: text towers and what says what a signal does."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from sslts.interfaces.base import Component
from sslts.types import SensorBatch


@dataclass(frozen=True, slots=True)
class TowerOrigin:
    """Where the weights of a text tower lie when its model's folder does not carry them.

    `sha256` maps the files to read, of `repo` at the 40-hex commit `revision`, to their hashes.
    """

    repo: str
    revision: str
    sha256: Mapping[str, str]


class TextEncoder(Component):
    """WORDS -> VECTORS. Frozen: nothing to train, no gradient.

    A constructor does no I/O, so a tower starts empty. It gets its weights from a state dict that carries them, or from `fill`; its
    Config names them by revision and sha256, and other weights are a TowerError.
    """

    embed_dim: int

    @property
    def ready(self) -> bool:
        """Whether the weights are there."""
        return True

    @property
    def origin(self) -> TowerOrigin | None:
        """Where `fill`'s folder comes from; None if the weights travel with sslts or in the model's folder."""
        return None

    def fill(self, folder: Path | None = None) -> None:
        """Read the weights that the Config names, from `folder` or from the package. Default: there are none to read."""
        return

    @abstractmethod
    def forward(self, texts: Sequence[str]) -> Tensor:
        """n texts -> [n, E], unit length, on the tower's device. TextError for what is no text."""

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """The words of a text that this tower has no meaning for, as a caller warns of them. Default: it cannot tell."""
        return ()


class Captioner(Component):
    """WINDOWS -> WORDS: says what a signal does."""

    @abstractmethod
    def forward(self, batch: SensorBatch) -> list[str]:
        """One sentence or more for each window."""
