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

    def encode(self, recording: Recording, *, normalise: Normalise) -> Embeddings:
        """Embed every window."""
        ...


@dataclass(frozen=True)
class FewShotClassifier:
    """A model and a fitted head."""

    model: Encodes
    head: FittedHead
    classes: tuple[str, ...]
    normalise: Normalise = "artefact"

    def scores(self, recording: Recording) -> NDArray[np.float32]:
        """[n, W] for each window; larger is likelier. NaN never: a window without any modality scores 0 for all."""
        embeddings = self.model.encode(recording, normalise=self.normalise)
        scores = self.head.scores(torch.from_numpy(embeddings.values)).detach().numpy()
        return np.where(embeddings.usable[:, None], scores, np.float32(0))

    def predict(self, recordings: Recording | Sequence[Recording]) -> list[list[str]]:
        """The likeliest class of each window of each recording."""
        many = [recordings] if isinstance(recordings, Recording) else recordings
        return [[self.classes[index] for index in self.scores(recording).argmax(1)] for recording in many]
