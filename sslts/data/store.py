"""Windows of more recordings than fit into memory: prepared, continuous streams on disk, cut where and when they are needed.

Overlapping windows cost nothing, since streams are stored once. Layout of a store's folder:

    manifest.json                     written last: sessions, those skipped and why, spec, stride
    sessions/KEY/session.json         lengths, starts, labels, fingerprint of the source, sha256 of the files beside it
    sessions/KEY/NAME.values.npy      float32 [C, L], of a video [C, L, H, W]
    sessions/KEY/NAME.observed.npy    bits of bool [C, L], of a video [1, L], only where something was lost
    sessions/KEY/starts.npy           float64 [n], present.npy bool [n, M]

A session is written under a temporary name and renamed, so a killed build goes on where it stopped; a changed spec, stride or source is
noticed and only what changed is built again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sslts.config import Modality, SensorSpec, parse
from sslts.data.array_files import array_header, load_array
from sslts.data.labels import Interval, LabelTrack
from sslts.data.recording import Recording, Stream
from sslts.data.store_build import MANIFEST, MAX_JSON, SESSIONS, Source, build_store, file_sha256
from sslts.data.windows import Cut, cut_arrays, finished
from sslts.errors import ConfigError, LengthError, ReaderError
from sslts.strict_json import read_json

__all__ = ["Source", "WindowIndex", "WindowStore", "build_store"]

logger = logging.getLogger(__name__)

#: How many files of a store are mapped at a time, those used last. A process may have several stores, and 256 or 1,024 open files.
MAPPED_FILES = 64
_SMALL = ("starts", "present")


@dataclass(frozen=True, slots=True, eq=False)
class WindowIndex:
    """One row a window. session: int [n] into `sessions`; start_s: float64 [n] on that session's clock; present: bool [n, M]."""

    session: NDArray[np.int64]
    start_s: NDArray[np.float64]
    present: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.session)


class WindowStore:
    """A built store, memory-mapped. Windows are in the order of sessions and time; `select` restricts them to some subjects.

    Safe to share between processes: files are opened where they are read, and those used last stay open.
    """

    def __init__(
        self,
        folder: Path,
        spec: SensorSpec,
        stride_s: float,
        sessions: Sequence[Mapping[str, Any]],
        skipped: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.spec = spec
        self.stride_s = stride_s
        #: Sessions that could not be read when the store was built, by key, and why: `build_store(..., skip_broken=True)`.
        self.skipped = dict(skipped or {})
        self._sessions = tuple(sessions)
        self._mapped: OrderedDict[tuple[str, str], NDArray[Any]] = OrderedDict()

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a finished store.

        Raises:
            ReaderError: there is no finished store, or a file is missing, truncated or of another shape; the message names it.
        """
        root = Path(folder).expanduser()
        if not (root / MANIFEST).is_file():
            raise ReaderError(f"{root} holds no finished store ({MANIFEST} is missing). Build it: sslts.data.build_store(folder, ...).")
        try:
            manifest = read_json(root / MANIFEST, limit=MAX_JSON)
            spec = parse(SensorSpec, manifest["spec"], f"{root / MANIFEST}: spec")
            sessions = [read_json(root / SESSIONS / key / "session.json", limit=MAX_JSON) for key in manifest["sessions"]]
            skipped = {str(key): str(reason) for key, reason in manifest.get("skipped", {}).items()}
            store = cls(root, spec, float(manifest["stride_s"]), sessions, skipped)
            store._check_files()
        except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, ReaderError):
                raise
            detail = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise ReaderError(f"{root}: the store is damaged ({detail}). Delete the folder and build it again.") from error
        return store

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        counts = f"{len(self.sessions)} sessions, {len(self.subjects)} subjects{skipped}"
        return f"WindowStore({len(self)} windows of {self.spec.window_s:g} s, {counts})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_mapped": OrderedDict()}

    @property
    def sessions(self) -> tuple[str, ...]:
        """Session keys."""
        return tuple(session["key"] for session in self._sessions)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Distinct subjects, in order of appearance; a session whose recording names none is a subject of its own, by its key."""
        return tuple(dict.fromkeys(session["subject"] for session in self._sessions if session["subject"] is not None))

    @cached_property
    def index(self) -> WindowIndex:
        """All windows: which session, when, and what is present."""
        starts = [self._array(session["key"], "starts") for session in self._sessions]
        present = [self._array(session["key"], "present") for session in self._sessions]
        number = np.repeat(np.arange(len(starts)), [len(part) for part in starts])
        return WindowIndex(
            number, np.concatenate([np.empty(0), *starts]), np.concatenate([np.empty((0, len(self.spec.names)), dtype=bool), *present])
        )

    def digest(self) -> str:
        """sha256 of what the windows hold: the fingerprints of all sessions (files, reader and contract)."""
        told = json.dumps([[session["key"], session["fingerprint"]] for session in self._sessions])
        return hashlib.sha256(told.encode()).hexdigest()

    def select(self, subjects: Collection[str]) -> Self:
        """The same store with the sessions of some subjects only.

        Raises:
            ConfigError: a subject is not in the store.
        """
        unknown = sorted(set(subjects) - set(self.subjects))
        if unknown:
            raise ConfigError(f"No subject {', '.join(unknown)} in {self.folder}. Subjects: {', '.join(self.subjects) or 'none'}.")
        return type(self)(self.folder, self.spec, self.stride_s, [s for s in self._sessions if s["subject"] in subjects], self.skipped)

    def windows(self, indices: ArrayLike, *, min_observed: float = 0.5) -> dict[str, Cut]:
        """Some windows by number, as `sslts.data.cut` gives them; every modality of the spec has an entry.

        Raises:
            LengthError: an index is outside 0..len-1.
        """
        rows = np.asarray(indices)
        if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu") or (len(rows) and not 0 <= rows.min() <= rows.max() < len(self)):
            raise LengthError(f"indices must be whole numbers [n] from 0 to {len(self) - 1}, got {rows.dtype} {rows.shape}.")
        rows = rows.astype(np.int64)
        return self._cut(self.index.session[rows], self.index.start_s[rows], min_observed)

    def windows_at(self, session: str, starts_s: ArrayLike, *, min_observed: float = 0.5) -> dict[str, Cut]:
        """Windows of one session at any starts, on that session's clock."""
        starts = np.asarray(starts_s, dtype=np.float64)
        return self._cut(np.full(len(starts), self._number(session)), starts, min_observed)

    def keys(self, indices: ArrayLike) -> dict[str, list[object]]:
        """Subject, session and start of some windows, as `to_batch` takes them."""
        rows = np.asarray(indices, dtype=np.int64)
        chosen = [self._sessions[number] for number in self.index.session[rows]]
        return {
            "subject": [session["subject"] for session in chosen],
            "session": [session["key"] for session in chosen],
            "start_s": self.index.start_s[rows].tolist(),
        }

    def recording(self, session: str) -> Recording:
        """One session's prepared recording; values stay memory-mapped."""
        entry = self._sessions[self._number(session)]
        streams = {}
        for name, stream in entry["streams"].items():
            modality = self.spec.modality(name)
            values, lost = self._array(session, f"{name}.values"), None
            if stream["gaps"]:
                lost = np.unpackbits(self._array(session, f"{name}.observed"), axis=1, count=stream["length"]).astype(bool).T
            streams[name] = Stream(name, modality.channels, modality.rate_hz, np.moveaxis(values, 0, 1), lost, stream["start_s"])
        labels = entry["labels"]
        return Recording(
            streams,
            subject=entry["subject"],
            session=entry["session"],
            labels=None if labels is None else LabelTrack(tuple(Interval(*interval) for interval in labels)),
            start_unix=entry["start_unix"],
            events_s=tuple(entry["events_s"]),
        )

    def recordings(self, subjects: Collection[str] | None = None) -> Iterator[Recording]:
        """Prepared recordings of all sessions, or of some subjects', one at a time."""
        for session in self._sessions:
            if subjects is None or session["subject"] in subjects:
                yield self.recording(session["key"])

    def verify(self) -> None:
        """Read everything and compare it with the checksums made when it was built.

        Raises:
            ReaderError: a file differs.
        """
        for session in self._sessions:
            for name, expected in session["files"].items():
                path = self._path(session["key"], name)
                if file_sha256(path) != expected:
                    raise ReaderError(f"{path} is not what was written when the store was built. Delete {path.parent} and build again.")

    def _number(self, session: str) -> int:
        if session not in self.sessions:
            raise ConfigError(f"No session '{session}' in {self.folder}. Sessions: {', '.join(self.sessions)}.")
        return self.sessions.index(session)

    def _cut(self, number: NDArray[np.int64], starts_s: NDArray[np.float64], min_observed: float) -> dict[str, Cut]:
        return {modality.name: self._cut_modality(modality, number, starts_s, min_observed) for modality in self.spec.named}

    def _cut_modality(self, modality: Modality, number: NDArray[np.int64], starts_s: NDArray[np.float64], min_observed: float) -> Cut:
        samples = self.spec.samples(modality)
        values = np.zeros((len(number), len(modality.channels), samples, *(modality.frame or ())), dtype=np.float32)
        observed = np.zeros(values.shape if modality.frame is None else (len(number), 1, samples), dtype=bool)
        for session in np.unique(number):
            entry = self._sessions[session]
            stream = entry["streams"].get(modality.name)
            if stream is None:
                continue
            rows = np.flatnonzero(number == session)
            # The same rule as for recordings: nearest sample, halves up, a hair of tolerance.
            first = np.floor((starts_s[rows] - stream["start_s"]) * modality.rate_hz + 0.5 + 1e-6).astype(np.int64)
            whole = self._array(entry["key"], f"{modality.name}.values")
            part = cut_arrays(whole, None, first, samples, min_observed=0)
            values[rows], seen = part.values, part.observed
            if stream["gaps"]:
                bits = self._array(entry["key"], f"{modality.name}.observed")
                for row, begin in enumerate(first):
                    low, high = max(int(begin), 0), min(int(begin) + samples, stream["length"])
                    if low < high:
                        seen[row, :, low - begin : high - begin] = _bits(bits, low, high)
            observed[rows] = seen
        return finished(values, observed, min_observed)

    def _path(self, key: str, name: str) -> Path:
        return self.folder / SESSIONS / key / f"{name}.npy"

    def _array(self, key: str, name: str) -> NDArray[Any]:
        # Each mapped file holds a descriptor, of which a process may have some hundreds; a data set has more files than that.
        array = self._mapped.pop((key, name), None)
        if array is None:
            # An empty file cannot be mapped; only `starts` and `present` may be empty, and they are small and read once.
            array = load_array(self._path(key, name), mapped=name not in _SMALL)
        if name not in _SMALL:
            self._mapped[key, name] = array
            while len(self._mapped) > MAPPED_FILES:
                self._mapped.popitem(last=False)
        return array

    def _check_files(self) -> None:
        for session in self._sessions:
            key = session["key"]
            count = int(session["windows"])
            expected: dict[str, tuple[tuple[int, ...], type]] = {
                "starts": ((count,), np.float64),
                "present": ((count, len(self.spec.names)), np.bool_),
            }
            for name, stream in session["streams"].items():
                modality = self.spec.modality(name)
                channels = len(modality.channels)
                expected[f"{name}.values"] = ((channels, stream["length"], *(modality.frame or ())), np.float32)
                if stream["gaps"]:
                    expected[f"{name}.observed"] = ((channels if modality.frame is None else 1, -(-stream["length"] // 8)), np.uint8)
            for name, (shape, dtype) in expected.items():
                found = array_header(self._path(key, name))
                if found != (shape, np.dtype(dtype)):
                    came = f"{found[1]} {found[0]}, expected {np.dtype(dtype)} {shape}"
                    raise ReaderError(f"{self._path(key, name)} holds {came}. Delete its folder and build again.")


def _bits(packed: NDArray[np.uint8], low: int, high: int) -> NDArray[np.bool_]:
    """bool [C, high - low] out of packed bits [C, L / 8]."""
    byte = low // 8
    unpacked = np.unpackbits(np.asarray(packed[:, byte : -(-high // 8)]), axis=1)
    return unpacked[:, low - 8 * byte : high - 8 * byte].astype(bool)
