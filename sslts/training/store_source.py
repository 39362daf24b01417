"""Training windows from a store on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sslts.config import ChannelStatistics
from sslts.data.collate import to_batch
from sslts.data.normalise import standardise_windows
from sslts.data.store import WindowStore
from sslts.training.source import LabelledSource, WindowSource
from sslts.types import SensorBatch

#: [s] Windows and labels that share no more than this only touch.
_TOUCH = 1e-5


class StoreSource:
    """Windows of a store that have at least one modality, standardised as the recipe says."""

    def __init__(
        self,
        store: WindowStore,
        statistics: Mapping[str, Mapping[str, ChannelStatistics]] | None,
        clip: float | None,
        *,
        label_names: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._label_names = {name: number for number, name in enumerate(label_names)}
        self._statistics = statistics
        self._clip = clip
        self._rows = np.flatnonzero(store.index.present.any(axis=1))

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, indices: Sequence[int], *, generator: torch.Generator) -> SensorBatch:
        """These windows, in this order. Nothing is random here."""
        rows = self._rows[np.asarray(indices, dtype=np.int64)]
        cuts, keys = self._store.windows(rows), self._store.keys(rows)
        if self._statistics is None:
            return to_batch(cuts, self._store.spec, keys)
        sessions = np.asarray(keys["session"])
        for session in dict.fromkeys(sessions.tolist()):
            mine = sessions == session
            statistics = self._statistics[session]
            part = {name: type(cut)(*(array[mine] for array in cut)) for name, cut in cuts.items() if name in statistics}
            for name, scaled in standardise_windows(part, statistics, self._clip).items():
                cuts[name].values[mine] = scaled.values
        return to_batch(cuts, self._store.spec, keys)

    def digest(self) -> str:
        """The store's, with the statistics that standardise its windows."""
        told = {session: {name: part.model_dump() for name, part in parts.items()} for session, parts in (self._statistics or {}).items()}
        return hashlib.sha256(f"{self._store.digest()} {json.dumps(told, sort_keys=True)} {self._clip}".encode()).hexdigest()

    def labels(self, indices: Sequence[int]) -> Sequence[int]:
        """A class for each window that lies wholly inside one labelled stretch, else -1. For the monitors: training never sees it."""
        keys = self._store.keys(self._rows[np.asarray(indices, dtype=np.int64)])
        tracks = {session: self._store.recording(str(session)).labels for session in set(keys["session"])}
        found = []
        for session, start in zip(keys["session"], np.asarray(keys["start_s"], dtype=np.float64), strict=True):
            track, end = tracks[session], start + self._store.spec.window_s
            inside = [
                interval.label for interval in (track.intervals if track else ()) if interval.start_s <= start and end <= interval.end_s
            ]
            found.append(self._label_names.get(inside[0], -1) if inside else -1)
        return found

    def meets(self, labels: Collection[str]) -> NDArray[np.bool_]:
        """Whether a window overlaps a stretch with one of these labels, be it in part: such a window has no label of its own."""
        keys = self._store.keys(self._rows)
        sessions, starts = np.asarray(keys["session"]), np.asarray(keys["start_s"], dtype=np.float64)
        found = np.zeros(len(self._rows), dtype=np.bool_)
        for session in dict.fromkeys(sessions.tolist()):
            track = self._store.recording(str(session)).labels
            for interval in track.intervals if track else ():
                if interval.label in labels:
                    before, after = starts + self._store.spec.window_s <= interval.start_s + _TOUCH, starts >= interval.end_s - _TOUCH
                    found |= (sessions == session) & ~before & ~after
        return found

    def subjects(self) -> Sequence[str]:
        """The subject of each window."""
        return [str(subject) for subject in self._store.keys(self._rows)["subject"]]

    def ids(self, indices: Sequence[int]) -> Sequence[str]:
        """session@start for each window."""
        keys = self._store.keys(self._rows[np.asarray(indices, dtype=np.int64)])
        return [f"{session}@{start:g}s" for session, start in zip(keys["session"], keys["start_s"], strict=True)]


class KnownSource(WindowSource, LabelledSource, Protocol):
    """A source that names the subject and the class of its windows."""

    def digest(self) -> str:
        """Changes with the windows."""
        ...

    def subjects(self) -> Sequence[str]:
        """The subject of each window."""
        ...


class Rows:
    """Some windows of a source."""

    def __init__(self, source: KnownSource, rows: Sequence[int]) -> None:
        self._source, self._rows = source, list(rows)

    @classmethod
    def of_subjects(cls, source: KnownSource, subjects: Collection[str]) -> Rows:
        """The windows of these subjects."""
        wanted = set(subjects)
        return cls(source, [row for row, subject in enumerate(source.subjects()) if subject in wanted])

    def __len__(self) -> int:
        return len(self._rows)

    def digest(self) -> str:
        """That of the source; which windows are taken, their ids say."""
        return self._source.digest()

    def batch(self, indices: Sequence[int], *, generator: torch.Generator) -> SensorBatch:
        """These windows, in this order."""
        return self._source.batch(self._at(indices), generator=generator)

    def ids(self, indices: Sequence[int]) -> Sequence[str]:
        """session@start for each window."""
        return self._source.ids(self._at(indices))

    def labels(self, indices: Sequence[int]) -> Sequence[int]:
        """A class for each window."""
        return self._source.labels(self._at(indices))

    def subjects(self) -> Sequence[str]:
        """The subject of each window."""
        everybody = self._source.subjects()
        return [everybody[row] for row in self._rows]

    def _at(self, indices: Sequence[int]) -> list[int]:
        return [self._rows[index] for index in indices]


def label_names(store: WindowStore) -> list[str]:
    """Every label of a store's recordings, sorted."""
    tracks = [store.recording(session).labels for session in store.sessions]
    return sorted({interval.label for track in tracks if track for interval in track.intervals})
