"""Building a store: see `sslts.data.store` for its layout."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from sslts.config import SensorSpec
from sslts.data.prepare import prepare
from sslts.data.reader import Reader
from sslts.data.recording import Recording
from sslts.data.windows import cut, present, window_starts
from sslts.errors import ConfigError, ReaderError, SignalError
from sslts.strict_json import printable, read_json

if TYPE_CHECKING:
    from sslts.data.store import WindowStore

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
SESSIONS = "sessions"
MAX_JSON = 64 * 1024 * 1024
_SCHEMA = 1
_CHUNK_WINDOWS = 256
_MAX_LISTED = 100  # sessions in one message; the manifest names all


@dataclass(frozen=True, slots=True)
class Source:
    """A reader and where it reads; `sessions` None: all that it finds."""

    reader: Reader
    root: str | Path
    sessions: tuple[str, ...] | None = None


def build_store(
    folder: str | Path,
    recordings: Source | Iterable[Recording | Source],
    spec: SensorSpec,
    *,
    stride_s: float | None = None,
    skip_broken: bool = False,
) -> WindowStore:
    """Prepare every recording and write it; what is there already, from the same source and spec, is kept.

    A recording without a subject gets its session's key as subject: nobody says which sessions are of one person, so that leaving a
    session out counts as leaving a person out. Name the subjects where one person has several sessions.

    Args:
        folder: where the store goes; may hold an interrupted or older build of it. Sessions that are no longer given are removed.
        recordings: recordings, or Sources, whose sessions are read one at a time (and not at all when already built).
        spec: the input contract; its modalities must be named.
        stride_s: between windows; the spec's when not given.
        skip_broken: leave out sessions that cannot be read or do not fit, with a warning, instead of stopping at the first. The store's
            `skipped` says which and why; they are tried again by every build.

    Raises:
        ConfigError: two sessions have one key, or the spec accepts any modality.
        SignalError, ReaderError: a recording does not fit, or none does; the message names it.
    """
    from sslts.data.store import WindowStore

    if spec.open:
        raise ConfigError("A store needs a spec with named modalities, this one accepts any.")
    root = Path(folder).expanduser()
    (root / SESSIONS).mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".lock"):  # several processes of one training ask for the same store: one builds, the others find it built
        _build(root, recordings, spec, spec.stride_s if stride_s is None else stride_s, skip_broken=skip_broken)
        return WindowStore.open(root)


def _build(root: Path, recordings: Source | Iterable[Recording | Source], spec: SensorSpec, stride: float, *, skip_broken: bool) -> None:
    contract = _digest({"schema": _SCHEMA, "spec": spec.model_dump(mode="json"), "stride_s": stride})
    keys: list[str] = []
    skipped: dict[str, str] = {}
    written = 0
    for item in _items(recordings):
        if item.key in keys or item.key in skipped:
            raise ConfigError(f"Two sessions are called '{item.key}'. Give recordings different subject and session names.")
        try:
            written += _build_item(root, item, spec, stride, contract)
        except SignalError as error:  # a ReaderError is one
            if not skip_broken:
                raise
            skipped[item.key] = printable(str(error))
        else:
            keys.append(item.key)
    if skipped:
        _report(root, keys, skipped)
    logger.info("%s: wrote %d sessions, %d were built already.", root, written, len(keys) - written)
    manifest = {"schema": _SCHEMA, "contract": contract, "stride_s": stride, "sessions": keys, "spec": spec.model_dump(mode="json")}
    if skipped:
        manifest["skipped"] = skipped
    write_json(root / MANIFEST, manifest)
    for stale in (root / SESSIONS).iterdir():  # only what a build of ours made
        if stale.name not in keys and (stale.name.startswith(".") or (stale / "session.json").is_file()):
            shutil.rmtree(stale, ignore_errors=True)


def _build_item(root: Path, item: _Item, spec: SensorSpec, stride: float, contract: str) -> bool:
    """One session, if it is not there already: whether it was written."""
    try:
        fingerprint = _digest({"contract": contract, "source": item.fingerprint()})
        if _is_built(root / SESSIONS / item.key, fingerprint):
            return False
        # The old manifest vouches for sessions that are about to change.
        (root / MANIFEST).unlink(missing_ok=True)
        recording = prepare(item.read(), spec)
    except Exception as error:  # whatever it was goes on as it is, with the session's name
        error.add_note(f"while building session '{item.key}' of the store {root}")
        raise
    _write_session(root / SESSIONS, item.key, recording, spec, stride, fingerprint)
    return True


def _report(root: Path, keys: Sequence[str], skipped: Mapping[str, str]) -> None:
    reasons = "".join(f"\n  {key}: {reason}" for key, reason in list(skipped.items())[:_MAX_LISTED])
    if len(skipped) > _MAX_LISTED:
        reasons += f"\n  and {len(skipped) - _MAX_LISTED} more"
    if not keys:
        raise ReaderError(f"{root}: none of {len(skipped)} sessions can be read:{reasons}")
    logger.warning("%d of %d sessions cannot be read and are left out of %s:%s", len(skipped), len(keys) + len(skipped), root, reasons)


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, read in pieces (ReaderError if it cannot be read)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ReaderError(f"{path} cannot be read ({error}).") from error


def write_json(path: Path, data: Any) -> None:
    """Write to a temporary name, flush to disk, rename: the file is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(data, file, indent=1, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@dataclass(frozen=True, slots=True)
class _Item:
    """A session to build: a recording in memory, or a reader's session that is read when it is needed."""

    key: str
    recording: Recording | None = None
    source: Source | None = None
    session: str = ""

    def read(self) -> Recording:
        return self.recording if self.recording is not None else self._source.reader.read(self._source.root, session=self.session)

    def fingerprint(self) -> str:
        if self.recording is not None:
            return _recording_digest(self.recording)
        reader = self._source.reader
        files = reader.files(self._source.root, self.session)
        if not files:  # a reader that does not say what it reads must be asked for the data
            return _recording_digest(self.read())
        return _digest(
            {
                "reader": f"{type(reader).__module__}.{type(reader).__qualname__}",
                "config": reader.config.model_dump(mode="json"),
                "files": [(path.name, file_sha256(path)) for path in files],
            }
        )

    @property
    def _source(self) -> Source:
        if self.source is None:
            raise ConfigError(f"Session '{self.key}' has neither a recording nor a source.")
        return self.source


def _items(recordings: Source | Iterable[Recording | Source]) -> Iterator[_Item]:
    for entry in [recordings] if isinstance(recordings, Source) else recordings:
        if isinstance(entry, Source):
            sessions = entry.sessions if entry.sessions is not None else entry.reader.sessions(entry.root)
            if not sessions:
                raise ReaderError(f"{entry.root}: {type(entry.reader).__name__} finds no session here.")
            for session in sessions:
                yield _Item(_key(session), source=entry, session=session)
        else:
            names = dict.fromkeys(part for part in (entry.subject, entry.session) if part)
            yield _Item(_key("-".join(names) or "recording"), recording=entry)


def _key(name: str) -> str:
    """A session's name as the name of a folder."""
    key = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")[:100]
    if not key:
        raise ConfigError(f"'{name}' cannot name a session: expected letters or digits.")
    return key


def _is_built(folder: Path, fingerprint: str) -> bool:
    """Whether a whole session of this fingerprint is there. Sizes are compared, so that a file truncated later is built again."""
    try:
        entry = read_json(folder / "session.json", limit=MAX_JSON)
        # A session without a subject was written by an earlier version, which left it out of every training.
        return (
            entry["subject"] is not None
            and entry["fingerprint"] == fingerprint
            and all((folder / f"{name}.npy").stat().st_size == size for name, size in entry["sizes"].items())
        )
    except (ConfigError, OSError, KeyError, TypeError, AttributeError):
        return False


def _write_session(parent: Path, key: str, recording: Recording, spec: SensorSpec, stride_s: float, fingerprint: str) -> None:
    temporary, final = parent / f".{key}.{os.getpid()}", parent / key
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    starts = window_starts(recording, window_s=spec.window_s, stride_s=stride_s)
    chunks = [starts[first : first + _CHUNK_WINDOWS] for first in range(0, len(starts), _CHUNK_WINDOWS)]
    presence = [np.empty((0, len(spec.names)), dtype=bool), *(present(cut(recording, spec, chunk), spec.names) for chunk in chunks)]
    has = np.concatenate(presence)
    usable = has.any(axis=1)  # a window without anything is no window
    arrays: dict[str, np.ndarray[Any, Any]] = {"starts": starts[usable], "present": has[usable]}
    streams = {}
    for name, stream in recording.streams.items():
        arrays[f"{name}.values"] = np.ascontiguousarray(np.moveaxis(stream.values, 0, 1))
        if stream.observed is not None:
            arrays[f"{name}.observed"] = np.packbits(stream.observed.T, axis=1)
        streams[name] = {"length": len(stream), "start_s": stream.start_s, "gaps": stream.observed is not None}
    for name, array in arrays.items():
        with (temporary / f"{name}.npy").open("wb") as file:
            np.save(file, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
    labels = recording.labels
    entry = {
        "key": key,
        "subject": recording.subject or key,
        "session": recording.session,
        "start_unix": recording.start_unix,
        "events_s": list(recording.events_s),
        "labels": None if labels is None else [[i.start_s, i.end_s, i.label] for i in labels.intervals],
        "streams": streams,
        "windows": int(usable.sum()),
        "fingerprint": fingerprint,
        "files": {name: file_sha256(temporary / f"{name}.npy") for name in arrays},
        "sizes": {name: (temporary / f"{name}.npy").stat().st_size for name in arrays},
    }
    write_json(temporary / "session.json", entry)
    shutil.rmtree(final, ignore_errors=True)
    temporary.replace(final)


def _recording_digest(recording: Recording) -> str:
    digest = hashlib.sha256(repr((recording.subject, recording.session, recording.labels, recording.events_s)).encode())
    for stream in recording.streams.values():
        digest.update(repr((stream.name, stream.channels, stream.rate_hz, stream.start_s, stream.values.shape)).encode())
        digest.update(np.ascontiguousarray(stream.values).data)
        if stream.observed is not None:
            digest.update(np.packbits(stream.observed).data)
    return digest.hexdigest()


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
