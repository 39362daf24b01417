"""What naming and searching need of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import torch
from numpy.typing import NDArray

from sslts.config import ModelConfig
from sslts.data.recording import Recording
from sslts.embeddings import Embeddings
from sslts.few_shot import Normalise
from sslts.interfaces import Method

#: A recording, or {modality: array} with rate_hz and units.
Given = Recording | Mapping[str, NDArray[Any]]


class Encodes(Protocol):
    """`sslts.model.Model`, as seen from below it."""

    @property
    def config(self) -> ModelConfig:
        """Contract and parts."""
        ...

    @property
    def method(self) -> Method:
        """The network."""
        ...

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    def iter_encode(
        self,
        recording: Given,
        *,
        rate_hz: float | Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        normalise: Normalise | None = None,
        stride_s: float | None = None,
        batch_size: int = 64,
        progress: bool = False,
    ) -> Iterator[Embeddings]:
        """Embed every window, a piece at a time."""
        ...
