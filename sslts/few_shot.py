"""A model and a fitted few-shot head, as one classifier of recordings."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, overload

import numpy as np
import torch
from numpy.typing import NDArray

from sslts import registry
from sslts.config import ComponentRef
from sslts.data.recording import Recording
from sslts.embeddings import Embeddings
from sslts.errors import ConfigError, DTypeError, LengthError, UnsupportedError, naming
from sslts.interfaces import FewShotHead, FittedHead, build

logger = logging.getLogger(__name__)

Normalise = Literal["artefact", "recording"]
_SHOWN = 20


class Encodes(Protocol):
    """What a classifier needs of a model."""

    def encode(self, recording: Recording, *, normalise: Normalise | None) -> Embeddings:
        """Embed every window."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Recognition:
    """scores: float32 [n, W] of each window for each class, larger is likelier; time_s: float64 [n], starts of the windows; present: bool
    [n, M], which of the `modalities` each window had.

    A window without any modality scores NaN for every class, as does one whose embedding shares no place with those of a class's examples:
    a model that puts modalities side by side leaves the places of absent ones 0, so that there is nothing to compare.
    """

    classes: tuple[str, ...]
    scores: NDArray[np.float32]
    time_s: NDArray[np.float64]
    present: NDArray[np.bool_]
    modalities: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """bool [n]: windows that could be compared with every class."""
        return np.asarray(~np.isnan(self.scores).any(axis=1))

    @property
    def predicted(self) -> list[str | None]:
        """The likeliest class of each window; None where there was nothing to compare."""
        return [self.classes[int(row.argmax())] if there else None for row, there in zip(self.scores, self.usable, strict=True)]

    def ranked(self, window: int = 0) -> list[tuple[str, float]]:
        """(class, score) of one window, likeliest first; empty where there was nothing to compare."""
        if not self.usable[window]:
            return []
        order = np.argsort(-self.scores[window], kind="stable")
        return [(self.classes[at], float(self.scores[window, at])) for at in order]

    def used(self, window: int = 0) -> tuple[str, ...]:
        """The modalities that one window had: a lost one takes no part, and nothing else says so."""
        return tuple(name for name, there in zip(self.modalities, self.present[window], strict=True) if there)

    def __repr__(self) -> str:
        rows = [" ".join(f"{name} {score:.3g}," for name, score in self.ranked(window))[:-1] for window in range(min(len(self), _SHOWN))]
        told = [f"{row or 'nothing to compare'} (from {', '.join(self.used(at)) or 'nothing'})" for at, row in enumerate(rows)]
        lines = [f"{start:g} s: {row}" for start, row in zip(self.time_s, told, strict=False)]
        return "\n".join([*lines, *([f"and {len(self) - _SHOWN} windows more"] if len(self) > _SHOWN else [])])


@dataclass(frozen=True)
class FewShotClassifier:
    """A model and a fitted head.

    shown: bool [W, E], where an example of a class differs from 0: a model that gives each modality a place leaves those of absent ones 0.
    transductive: scores depend on what is recognised in the same call.
    """

    model: Encodes
    head: FittedHead
    classes: tuple[str, ...]
    shown: NDArray[np.bool_]
    normalise: Normalise | None = None
    transductive: bool = False

    @overload
    def predict(self, recordings: Recording) -> Recognition: ...

    @overload
    def predict(self, recordings: Sequence[Recording]) -> list[Recognition]: ...

    def predict(self, recordings: Recording | Sequence[Recording]) -> Recognition | list[Recognition]:
        """Each window's likeliest class and its scores, of one recording or of each of several.

        A transductive head sees the windows of all of them together, any other one recording after another.

        Raises:
            SignalError: a recording does not fit the model; of several, the message says which.
        """
        # Arrays alone do not know their rates, and a path is no recording: encode says how to make one.
        if isinstance(recordings, Recording | Mapping | str) or not isinstance(recordings, Iterable):
            return self._recognised([self.model.encode(recordings, normalise=self.normalise)])[0]
        if self.transductive:
            return self._recognised(list(_embedded(self.model, recordings, self.normalise)))
        return [self._recognised([each])[0] for each in _embedded(self.model, recordings, self.normalise)]

    def scores(self, recording: Recording) -> NDArray[np.float32]:
        """[n, W] for each window; larger is likelier. NaN for every class where there is nothing to compare (`Recognition`)."""
        return self._recognised([self.model.encode(recording, normalise=self.normalise)])[0].scores

    def _recognised(self, parts: Sequence[Embeddings]) -> list[Recognition]:
        values = np.concatenate([np.empty((0, self.shown.shape[1]), np.float32), *(part.values for part in parts)])
        usable = np.concatenate([np.empty(0, bool), *(part.usable for part in parts)])
        usable &= ((values != 0).astype(np.float32) @ self.shown.T.astype(np.float32) > 0).all(axis=1)
        scores = np.full((len(values), len(self.classes)), np.nan, dtype=np.float32)
        # Only what can be compared: a transductive head would let the other windows take part in these.
        scores[usable] = self.head.scores(torch.from_numpy(values[usable])).detach().numpy()
        ends = np.cumsum([len(part.values) for part in parts])
        return [
            Recognition(self.classes, scores[end - len(part.values) : end], part.time_s, part.present, part.modalities)
            for end, part in zip(ends, parts, strict=True)
        ]


def fitted_classifier(
    model: Encodes, support: Sequence[Recording], labels: Sequence[str], head: FewShotHead, normalise: Normalise | None
) -> FewShotClassifier:
    """A head fitted on every window of labelled recordings.

    Raises:
        LengthError: not one label a recording, fewer than two classes, or nothing was seen of any example of a class.
        DTypeError: labels that are no names.
        SignalError: a recording does not fit the model; the message says which.
    """
    if any(isinstance(given, Recording | Mapping | str) or not isinstance(given, Iterable) for given in (support, labels)):
        raise LengthError("few_shot needs a list of recordings and a list of labels, one a recording: few_shot([a, b], ['wave', 'clap']).")
    support, labels = list(support), list(labels)
    if len(support) != len(labels):
        raise LengthError(f"few_shot needs one label a recording, got {len(support)} recordings and {len(labels)} labels.")
    classes = _classes(labels)
    parts = list(_embedded(model, support, normalise))
    lost = [at for at, part in enumerate(parts) if not part.usable.any()]
    for label in classes:
        mine = [at for at, given in enumerate(labels) if given == label]
        if set(mine) <= set(lost):
            told = ", ".join(_which(at, support[at]) for at in mine)
            raise LengthError(f"Nothing was seen of any example of '{label}' ({told}). Give one whose samples are not all lost.")
    for at in lost:
        logger.warning("%s, an example of '%s', is left out: nothing was seen of it.", _which(at, support[at]), labels[at])
    rows = [torch.from_numpy(part.values[part.usable]) for part in parts]
    index = [torch.full((len(row),), classes.index(label)) for row, label in zip(rows, labels, strict=True)]
    values, numbers = torch.cat(rows), torch.cat(index)
    shown = np.stack([(values[numbers == number] != 0).any(0).numpy() for number in range(len(classes))])
    if not shown.any(axis=1).all():
        raise LengthError(
            f"Every example of '{classes[int(shown.any(axis=1).argmin())]}' has an embedding of 0, which nothing can be compared with: it "
            "holds only what this model gives no weight, or one window alone under normalise='recording'. Give other examples, or "
            "normalise='artefact'."
        )
    return FewShotClassifier(model, head.fit(values, numbers), tuple(classes), shown, normalise, head.transductive)


def _classes(labels: Sequence[str]) -> list[str]:
    """The classes in order. Whatever can be put in order may name one."""
    for at, label in enumerate(labels):
        if label is None or not isinstance(label, Hashable) or label != label:
            raise DTypeError(f"Labels are names of classes, label {at} is {label!r}.")
    try:
        classes = sorted(set(labels))
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in labels})
        raise DTypeError(f"Labels are names of classes, all of one kind, got {' and '.join(kinds)}.") from error
    if len(classes) < 2:
        told = f"'{classes[0]}' alone, which every recording would be called" if classes else "no recording"
        raise LengthError(f"few_shot needs examples of two classes or more, got {told}.")
    return classes


def _embedded(model: Encodes, recordings: Sequence[Recording], normalise: Normalise | None) -> Iterator[Embeddings]:
    for at, recording in enumerate(recordings):
        with naming(_which(at, recording)):
            yield model.encode(recording, normalise=normalise)


def _which(at: int, recording: object) -> str:
    # Whatever was given instead of a recording is for `encode` to refuse.
    told = " ".join(part for part in (getattr(recording, "subject", None), getattr(recording, "session", None)) if part)
    return f"Recording {at}{f' ({told})' if told else ''}"


def built_head(head: str | FewShotHead | ComponentRef, embed_dim: int) -> FewShotHead:
    """A head by name (with its defaults) or as a config names it, for embeddings of `embed_dim` numbers; or the one that was given.

    UnsupportedError for a name whose weights mean nothing yet: it would answer, at random. ConfigError for what is neither.
    """
    if isinstance(head, FewShotHead):
        return head
    if not isinstance(head, str | ComponentRef):
        raise ConfigError(
            f"head must be the name of a head ({', '.join(registry.names('head'))}) or one that was built, "
            f"got {head.__name__ if isinstance(head, type) else type(head).__name__}."
        )
    ref = ComponentRef(name=head) if isinstance(head, str) else head
    built: FewShotHead = build("head", ref, "head", {"embed_dim": embed_dim})
    if built.needs_training:
        raise UnsupportedError(
            f"'{ref.name}' compares by weights that must be trained first. Train a {type(built).__name__} on episodes and pass it as "
            "head=, or name a head that needs no training, such as 'prototypes'."
        )
    return built
