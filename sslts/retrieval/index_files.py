"""An index on disk: index.json says what it is and the sha256 of vectors.safetensors, which holds the numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sslts.config import ComponentRef, Finite, Frozen, Seconds, Sha256, Text, parse
from sslts.errors import ArtefactError, ConfigError, IndexCorruptedError, LengthError
from sslts.hub.artefact import sha256_of
from sslts.hub.folders import check_target, new_folder
from sslts.hub.header import read_header
from sslts.retrieval.index import Index, IndexedRecording, Maker
from sslts.strict_json import printable, read_json

SCHEMA = 1
ABOUT, VECTORS = "index.json", "vectors.safetensors"
FILES = (ABOUT, VECTORS)
_MAX_ABOUT_BYTES = 256 << 20
_DTYPES = {"words": ("F32", "F16"), "sensors": ("F32", "F16"), "time_s": ("F64",), "recording": ("I32",)}


class _Recording(Frozen):
    subject: Text | None
    session: Text | None
    start_unix: Finite | None


class _About(Frozen):
    """All of index.json."""

    format: Literal["sslts-index"]
    schema_version: Literal[1]
    model: Text
    digest: Sha256
    tower: ComponentRef | None
    window_s: Seconds
    normalise: Literal["artefact", "recording"]
    windows: Annotated[int, Field(ge=0, le=1 << 40)]
    recordings: Annotated[tuple[_Recording, ...], Field(min_length=1, max_length=1_000_000)]
    sha256: Sha256


def write_index(index: Index, folder: Path, *, half: bool, overwrite: bool) -> Path:
    """See `Index.save`."""
    from safetensors.numpy import save_file

    check_target(folder, FILES, what="search index", overwrite=overwrite)
    kind = np.float16 if half else np.float32
    tensors: dict[str, NDArray[Any]] = {"sensors": index.sensors.astype(kind, copy=False)}
    if index.words is not None and index.words is not index.sensors:
        tensors["words"] = index.words.astype(kind, copy=False)
    tensors |= {"time_s": index.time_s, "recording": index.recording}
    about = {
        "format": "sslts-index",
        "schema_version": SCHEMA,
        "model": index.maker.name,
        "digest": index.maker.digest,
        "tower": index.maker.tower,
        "window_s": index.window_s,
        "normalise": index.normalise,
        "windows": len(index),
        "recordings": [{"subject": r.subject, "session": r.session, "start_unix": r.start_unix} for r in index.recordings],
    }
    try:
        with new_folder(folder) as temporary:
            path = temporary / VECTORS
            shared = {"words": "sensors"} if index.words is index.sensors else {}
            save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, path, metadata=shared or None)
            sealed: _About = parse(_About, {**about, "sha256": sha256_of(path)}, str(folder / ABOUT))
            text = json.dumps(sealed.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False)
            (temporary / ABOUT).write_text(text + "\n", encoding="utf-8")
            shutil.copymode(temporary / ABOUT, path)  # safetensors makes it private
    except OSError as error:
        raise ArtefactError(f"{folder} cannot be written ({error}).") from error
    return folder


def read_index(folder: Path) -> Index:
    """See `Index.load`."""
    if not (folder / ABOUT).is_file():
        raise IndexCorruptedError(f"{folder} is not an index: it has no {ABOUT}. Make one: model.index(recordings).save('{folder}').")
    try:
        return _read(folder)
    except IndexCorruptedError:
        raise
    except (ArtefactError, ConfigError, LengthError, OSError) as error:
        raise IndexCorruptedError(f"The index in {folder} cannot be used: {error} Copy it again, or index the recordings anew.") from error


def _read(folder: Path) -> Index:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    raw = read_json(folder / ABOUT, limit=_MAX_ABOUT_BYTES)
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if type(version) is int and version > SCHEMA:
        raise IndexCorruptedError(f"The index in {folder} has format {version}, this sslts knows up to {SCHEMA}: pip install -U sslts.")
    about: _About = parse(_About, raw, str(folder / ABOUT))
    path = folder / VECTORS
    header = read_header(path)
    shared = header.metadata.get("words") == "sensors"
    for name, info in header.tensors.items():
        if info.dtype not in _DTYPES.get(name, ()) or info.shape[:1] != (about.windows,):
            raise IndexCorruptedError(
                f"{path}: tensor '{printable(name[:40])}' is {info.dtype} {list(info.shape)}, expected {about.windows} rows."
            )
    missing = {"sensors", "time_s", "recording"} - set(header.tensors)
    if missing or (about.tower is not None and not shared and "words" not in header.tensors):
        raise IndexCorruptedError(f"{path} lacks {', '.join(sorted(missing)) or 'words'}. Copy it again, or index the recordings anew.")
    found = sha256_of(path)
    if found != about.sha256:
        raise IndexCorruptedError(
            f"{path} has sha256 {found}, {ABOUT} says {about.sha256}: it was changed or damaged. "
            "Copy it again, or index the recordings anew."
        )
    try:
        tensors = load_file(path)
    except (SafetensorError, ValueError) as error:
        raise IndexCorruptedError(f"{path} cannot be read ({error}).") from error
    vectors = {name: tensors[name].astype(np.float32, copy=False) for name in ("words", "sensors") if name in tensors}
    return Index(
        words=vectors["sensors"] if shared else vectors.get("words"),
        sensors=vectors["sensors"],
        time_s=tensors["time_s"],
        recording=tensors["recording"],
        recordings=tuple(IndexedRecording(r.subject, r.session, r.start_unix) for r in about.recordings),
        window_s=about.window_s,
        normalise=about.normalise,
        maker=Maker(about.model, about.digest, about.tower),
    )
