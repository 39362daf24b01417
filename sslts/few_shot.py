"""A model and a fitted few-shot head, as one classifier of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, overload

import numpy as np
import torch
from numpy.typing import NDArray

from sslts.config import ComponentRef
from sslts.data.recording import Recording
from sslts.embeddings import Embeddings
from sslts.errors import UnsupportedError
from sslts.interfaces import FewShotHead, FittedHead, build

Normalise = Literal["artefact", "recording"]
_SHOWN = 20


class Encodes(Protocol):
    """What a classifier needs of a model."""

    def encode(self, recording: Recording, *, normalise: Normalise | None) -> Embeddings:
        """Embed every window."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Recognition:
    """scores: float32 [n, W] of each window for each class, larger is likelier; time_s: float64 [n], starts of the windows.

    A window without any modality scores NaN for every class: nothing was seen.
    """

    classes: tuple[str, ...]
    scores: NDArray[np.float32]
    time_s: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """bool [n]: windows of which something was seen."""
        return np.asarray(~np.isnan(self.scores).any(axis=1))

    @property
    def predicted(self) -> list[str | None]:
        """The likeliest class of each window; None where nothing was seen."""
        return [self.classes[int(row.argmax())] if there else None for row, there in zip(self.scores, self.usable, strict=True)]

    def ranked(self, window: int = 0) -> list[tuple[str, float]]:
        """(class, score) of one window, likeliest first; empty where nothing was seen."""
        if not self.usable[window]:
            return []
        order = np.argsort(-self.scores[window], kind="stable")
        return [(self.classes[at], float(self.scores[window, at])) for at in order]

    def __repr__(self) -> str:
        rows = [" ".join(f"{name} {score:.3g}," for name, score in self.ranked(window))[:-1] for window in range(min(len(self), _SHOWN))]
        lines = [f"{start:g} s: {row or 'nothing was seen'}" for start, row in zip(self.time_s, rows, strict=False)]
        return "\n".join([*lines, *([f"and {len(self) - _SHOWN} windows more"] if len(self) > _SHOWN else [])])


@dataclass(frozen=True)
class FewShotClassifier:
    """A model and a fitted head."""

    model: Encodes
    head: FittedHead
    classes: tuple[str, ...]
    normalise: Normalise | None = None

    @overload
    def predict(self, recordings: Recording) -> Recognition: ...

    @overload
    def predict(self, recordings: Sequence[Recording]) -> list[Recognition]: ...

    def predict(self, recordings: Recording | Sequence[Recording]) -> Recognition | list[Recognition]:
        """Each window's likeliest class and its scores, of one recording or of each of several."""
        return self._recognise(recordings) if isinstance(recordings, Recording) else [self._recognise(each) for each in recordings]

    def scores(self, recording: Recording) -> NDArray[np.float32]:
        """[n, W] for each window; larger is likelier. A window without any modality scores NaN for every class: nothing was seen."""
        return self.predict(recording).scores

    def _recognise(self, recording: Recording) -> Recognition:
        embeddings = self.model.encode(recording, normalise=self.normalise)
        scores = np.full((len(embeddings.values), len(self.classes)), np.nan, dtype=np.float32)
        # Only what was seen: a transductive head would let the other windows take part in these.
        scores[embeddings.usable] = self.head.scores(torch.from_numpy(embeddings.values[embeddings.usable])).detach().numpy()
        return Recognition(self.classes, scores, embeddings.time_s)


def built_head(head: str | FewShotHead | ComponentRef, embed_dim: int) -> FewShotHead:
    """A head by name (with its defaults) or as a config names it, for embeddings of `embed_dim` numbers; or the one that was given.

    UnsupportedError for a name whose weights mean nothing yet: it would answer, at random.
    """
    if isinstance(head, FewShotHead):
        return head
    ref = ComponentRef(name=head) if isinstance(head, str) else head
    built: FewShotHead = build("head", ref, "head", {"embed_dim": embed_dim})
    if built.needs_training:
        raise UnsupportedError(
            f"'{ref.name}' compares by weights that must be trained first. Train a {type(built).__name__} on episodes and pass it as "
            "head=, or name a head that needs no training, such as 'prototypes'."
        )
    return built
