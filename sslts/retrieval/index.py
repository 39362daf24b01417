"""Embedded recordings that can be searched again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from tqdm.auto import tqdm

from sslts.config import ComponentRef
from sslts.data.recording import Recording
from sslts.embeddings import Embeddings
from sslts.errors import IndexMismatchError, LengthError, naming
from sslts.few_shot import Normalise
from sslts.interfaces import TextMethod
from sslts.retrieval.encodes import Encodes, Given
from sslts.retrieval.hits import Hit
from sslts.retrieval.identity import digest, spelt, tower_of
from sslts.retrieval.nearest import Exact, Faiss, Nearest, spread

Space = Literal["words", "sensors"]


@dataclass(frozen=True, slots=True)
class IndexedRecording:
    """Whose windows they are, and the UNIX time of second 0 of the recording's clock, where known."""

    subject: str | None = None
    session: str | None = None
    start_unix: float | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """The model that made an index: its name, the hash of what decides its embeddings, and its text tower."""

    name: str
    digest: str
    tower: ComponentRef | None


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """One row a window in which something was present.

    words:     float32 [n, T], unit length: what compares with texts; None if the model knows no text
    sensors:   float32 [n, S], unit length: what compares with other windows
    time_s:    float64 [n], start of each window on its recording's clock
    recording: int32 [n], whose window it is: a place in `recordings`
    """

    words: NDArray[np.float32] | None
    sensors: NDArray[np.float32]
    time_s: NDArray[np.float64]
    recording: NDArray[np.int32]
    recordings: tuple[IndexedRecording, ...]
    window_s: float
    normalise: str
    maker: Maker
    nearest: Mapping[Space, Nearest] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.time_s)
        parts = [self.sensors] if self.words is None else [self.sensors, self.words]
        if any(part.ndim != 2 or len(part) != count for part in parts) or self.recording.shape != (count,) or self.time_s.ndim != 1:
            raise LengthError(
                f"An index needs words and sensors [n, width], time_s [n] and recording [n], got {[part.shape for part in parts]}, "
                f"{self.time_s.shape} and {self.recording.shape}."
            )
        if count and not (self.recording.min() >= 0 and self.recording.max() < len(self.recordings)):
            raise LengthError(f"An index of {len(self.recordings)} recordings names recording {self.recording.max()}.")
        if not self.nearest:
            exact: dict[Space, Nearest] = {"sensors": Exact(self.sensors)}
            if self.words is not None:
                exact["words"] = Exact(self.words)
            object.__setattr__(self, "nearest", exact)

    def __len__(self) -> int:
        return len(self.time_s)

    def __repr__(self) -> str:
        return f"Index({len(self)} windows of {self.window_s:g} s, {len(self.recordings)} recordings, by {self.maker.name})"

    def with_faiss(self, factory: str = "Flat") -> Self:
        """The same index, searched through FAISS (pip install 'sslts[faiss]'). It is built in memory anew; `save` does not store it.

        Args:
            factory: FAISS's name for the kind: "Flat" is exact; "HNSW32" and "IVF1024,Flat" trade recall for speed.

        Raises:
            MissingDependencyError: FAISS is not installed.
            ConfigError: FAISS does not know the kind, or it needs more vectors than there are.
        """
        made: dict[Space, Nearest] = {"sensors": Faiss(self.sensors, factory)}
        if self.words is not None:
            made["words"] = made["sensors"] if self.words is self.sensors else Faiss(self.words, factory)
        return replace(self, nearest=made)

    def best(self, query: NDArray[np.float32], *, space: Space, top_k: int, apart_s: float) -> list[Hit]:
        """The moments whose vectors have the greatest cosine with a unit vector [T] (words) or [S] (sensors)."""
        if not len(self):
            return []
        ranked = spread(self.nearest[space].to(query), self.recording, self.time_s, top_k=top_k, apart_s=apart_s)
        return [self._hit(place + 1, int(row), float(ranked.scores[place])) for place, row in enumerate(ranked.rows)]

    def check_made_by(self, model: Encodes) -> None:
        """Raise IndexMismatchError unless this very model, with this very text tower, made the index."""
        tower = tower_of(model.config)
        if tower != self.maker.tower:
            raise IndexMismatchError(
                f"This index was made with {spelt(self.maker.tower)}, {model.name} has {spelt(tower)}: their vectors do not compare. "
                f"Load the model that made it ('{self.maker.name}'), or index the recordings anew: model.index(recordings)."
            )
        found = digest(model.config, model.method.state_dict())
        if found != self.maker.digest:
            raise IndexMismatchError(
                f"This index was made by '{self.maker.name}' ({self.maker.digest[:12]}), this model is '{model.name}' ({found[:12]}): its "
                "weights, parts or windows differ. Load the model that made it, or index the recordings anew: model.index(recordings)."
            )

    def save(self, folder: str | Path, *, half: bool = False, overwrite: bool = False) -> Path:
        """Write the index into a folder of its own, whole or not at all; returns it.

        Args:
            half: store vectors as float16: half the size; cosines change by less than 0.0005.
            overwrite: replace an index that is there.

        Raises:
            ArtefactError: the folder holds an index (without `overwrite`) or anything else, or the disk refuses.
        """
        from sslts.retrieval.index_files import write_index

        return write_index(self, Path(folder), half=half, overwrite=overwrite)

    @staticmethod
    def load(folder: str | Path) -> Index:
        """Read what `save` wrote.

        Raises:
            IndexCorruptedError: it is no index, or incomplete, damaged, or of a version that this sslts does not know.
        """
        from sslts.retrieval.index_files import read_index

        return read_index(Path(folder))

    def _hit(self, rank: int, row: int, score: float) -> Hit:
        number, start_s = int(self.recording[row]), float(self.time_s[row])
        whose = self.recordings[number]
        return Hit(
            rank=rank,
            score=score,
            recording=number,
            subject=whose.subject,
            session=whose.session,
            start_s=start_s,
            end_s=start_s + self.window_s,
            start_unix=None if whose.start_unix is None else whose.start_unix + start_s,
        )


def build_index(
    model: Encodes,
    recordings: Given | Iterable[Given],
    *,
    rate_hz: float | Mapping[str, float] | None,
    units: Mapping[str, str] | None,
    normalise: Normalise | None,
    stride_s: float | None,
    batch_size: int,
    progress: bool,
) -> Index:
    """See `Model.index`: one recording after the other, so that an iterable may read each when it is needed."""
    alone = isinstance(recordings, Recording | Mapping)
    many: Any = [recordings] if alone else recordings
    words: list[NDArray[np.float32]] = []
    sensors: list[NDArray[np.float32]] = []
    times, whose, known, used = [], [], [], ""
    for number, recording in enumerate(tqdm(many, desc=f"index ({model.name})", unit="recording", disable=not progress)):
        known.append(_whose(recording))
        pieces = model.iter_encode(recording, rate_hz=rate_hz, units=units, normalise=normalise, stride_s=stride_s, batch_size=batch_size)
        for piece in pieces if alone else _named(pieces, f"Recording {number} ({known[-1].session or known[-1].subject or 'unnamed'})"):
            there = piece.select(piece.usable)
            sensors.append(in_space(model, there.values, "sensors"))
            if isinstance(model.method, TextMethod):
                words.append(in_space(model, there.values, "words"))
            times.append(there.time_s)
            whose.append(np.full(len(there), number, dtype=np.int32))
            used = piece.normalise
    if not known:
        raise LengthError("Nothing to search: expected at least one recording, got none.")
    seen = np.concatenate(sensors)
    meant = np.concatenate(words) if words else None
    return Index(
        words=seen if meant is not None and np.array_equal(meant, seen) else meant,
        sensors=seen,
        time_s=np.concatenate(times),
        recording=np.concatenate(whose),
        recordings=tuple(known),
        window_s=model.config.spec.window_s,
        normalise=used,
        maker=Maker(model.name, digest(model.config, model.method.state_dict()), tower_of(model.config)),
    )


def in_space(model: Encodes, values: NDArray[np.float32], space: Space) -> NDArray[np.float32]:
    """The part of embeddings [n, E] that compares with texts or with other windows, at unit length; 0 stays 0."""
    given, method = torch.from_numpy(values).to(model.device), model.method
    with torch.inference_mode():
        if isinstance(method, TextMethod):
            given = method.in_text_space(given) if space == "words" else method.in_sensor_space(given)
        return functional.normalize(given.float(), dim=1).cpu().numpy()


def _whose(recording: Given) -> IndexedRecording:
    if not isinstance(recording, Recording):
        return IndexedRecording()
    return IndexedRecording(recording.subject, recording.session, recording.start_unix)


def _named(pieces: Iterator[Embeddings], name: str) -> Iterator[Embeddings]:
    """The pieces; an error says which of many recordings it is about."""
    with naming(name):
        yield from pieces
