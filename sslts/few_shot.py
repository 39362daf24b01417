"""A model and a fitted few-shot head, as one classifier of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sslts.config import ComponentRef
from sslts.data.recording import Recording
from sslts.embeddings import Embeddings
from sslts.errors import UnsupportedError
from sslts.interfaces import FewShotHead, FittedHead, build

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
        scores = np.full((len(embeddings.values), len(self.classes)), np.nan, dtype=np.float32)
        # Only what was seen: a transductive head would let the other windows take part in these.
        scores[embeddings.usable] = self.head.scores(torch.from_numpy(embeddings.values[embeddings.usable])).detach().numpy()
        return scores

    def predict(self, recordings: Recording | Sequence[Recording]) -> list[list[str | None]]:
        """The likeliest class of each window of each recording; None where no modality was present."""
        many = [recordings] if isinstance(recordings, Recording) else recordings
        return [[self._name(row) for row in self.scores(recording)] for recording in many]

    def _name(self, scores: NDArray[np.float32]) -> str | None:
        return None if np.isnan(scores).any() else self.classes[int(scores.argmax())]


def built_head(head: str | FewShotHead, embed_dim: int) -> FewShotHead:
    """A head by name, with its defaults, for embeddings of `embed_dim` numbers; or the head that was given, trained perhaps.

    UnsupportedError for a name whose weights mean nothing yet: it would answer, at random.
    """
    if isinstance(head, FewShotHead):
        return head
    built: FewShotHead = build("head", ComponentRef(name=head), "head", {"embed_dim": embed_dim})
    if built.needs_training:
        raise UnsupportedError(
            f"'{head}' compares by weights that must be trained first. Train a {type(built).__name__} on episodes and pass it as head=, "
            "or name a head that needs no training, such as 'prototypes'."
        )
    return built
