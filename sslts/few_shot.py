"""A model and a fitted few-shot head, as one classifier of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sslts.data.recording import Recording
from sslts.embeddings import Embeddings
from sslts.interfaces import FittedHead

Normalise = Literal["artefact", "recording"]


class Encodes(Protocol):
    """What a classifier needs of a model."""

    def encode(self, recording: Recording, *, normalise: Normalise | None) -> Embeddings:
        """Embed every window."""
        ...


@dataclass(frozen=True)
class FewShotClassifier:
    """A model and a fitted head."""

    model: Encodes
    head: FittedHead
    classes: tuple[str, ...]
    normalise: Normalise | None = None

    def scores(self, recording: Recording) -> NDArray[np.float32]:
        """[n, W] for each window; larger is likelier. A window without any modality scores NaN for every class: nothing was seen."""
        embeddings = self.model.encode(recording, normalise=self.normalise)
        scores = self.head.scores(torch.from_numpy(embeddings.values)).detach().numpy()
        return np.where(embeddings.usable[:, None], scores, np.float32(np.nan))

    def predict(self, recordings: Recording | Sequence[Recording]) -> list[list[str | None]]:
        """The likeliest class of each window of each recording; None where no modality was present."""
        many = [recordings] if isinstance(recordings, Recording) else recordings
        return [[self._name(row) for row in self.scores(recording)] for recording in many]

    def _name(self, scores: NDArray[np.float32]) -> str | None:
        return None if np.isnan(scores).any() else self.classes[int(scores.argmax())]
