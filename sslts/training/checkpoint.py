"""Checkpoints that survive a kill at any moment: safetensors + JSON, written aside, fsynced, renamed, the marker last.

    out/checkpoints/step-000000120/state.safetensors   method and optimiser tensors
                                   state.json          step, epoch, history, digests, sha256 of the other file
                                   COMPLETE            sha256 of state.json; a folder without it does not count

No random state is stored: every step's randomness is a function of the seed and the step (seeding.py).
Everything read back is treated as input: bounded, hashed and compared with what the model implies.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor

from sslts.config import Frozen, Sha256, Text, parse
from sslts.errors import CheckpointError, ConfigError
from sslts.strict_json import read_json
from sslts.training.tensorfile import Layout, encode, read_tensors

logger = logging.getLogger(__name__)

FORMAT = 1
TENSORS, STATE, MARKER = "state.safetensors", "state.json", "COMPLETE"
_MAX_STATE_BYTES = 64 * 1024 * 1024
_FOLDER = re.compile(r"step-(\d{9,12})\Z")
_ASIDE = ".saving-"


class Disk:
    """The few file operations that saving needs, in one place so that tests can make any of them fail."""

    def make(self, folder: Path) -> None:
        """Create a folder and its parents."""
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, path: Path, data: bytes) -> None:
        """Write a whole file."""
        path.write_bytes(data)

    def sync(self, path: Path) -> None:
        """Force a file or a folder's entries to the disk."""
        if path.is_dir() and os.name != "posix":  # pragma: no cover (Windows syncs no folders)
            return
        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, old: Path, new: Path) -> None:
        """Move within one folder, atomically."""
        os.replace(old, new)

    def remove(self, path: Path) -> None:
        """Delete a file or a folder."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


DISK = Disk()


Number = Annotated[float, Field(allow_inf_nan=False)]


class EpochRecord(Frozen):
    """What one finished epoch left behind. `epoch` counts from 1; monitors that did not run are None."""

    epoch: Annotated[int, Field(ge=1, le=10**9)]
    step: Annotated[int, Field(ge=1, le=10**12)]
    loss: Number
    rankme: Number | None = None
    std: Number | None = None
    knn: Number | None = None


class State(Frozen):
    """All of `state.json`. `step` counts finished optimiser steps; the running sums belong to the epoch that is not over yet."""

    format: Annotated[int, Field(ge=1, le=1000)] = FORMAT
    step: Annotated[int, Field(ge=0, le=10**12)]
    epoch: Annotated[int, Field(ge=0, le=10**9)]
    recipe: Sha256
    source: Sha256
    sslts_version: Text = ""
    history: Annotated[tuple[EpochRecord, ...], Field(max_length=1_000_000)] = ()
    loss_sum: Number = 0.0
    loss_count: Annotated[int, Field(ge=0, le=10**12)] = 0
    files: dict[str, Sha256] = Field(default_factory=dict, max_length=8)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A verified checkpoint. tensors: names as in tensorfile.collect."""

    state: State
    tensors: Mapping[str, Tensor]
    folder: Path


def save(folder: Path, state: State, tensors: dict[str, Tensor], *, keep: int, disk: Disk = DISK) -> Path:
    """Write one checkpoint under `folder` and forget all but the last `keep`. Returns its folder.

    Whatever fails, and whenever the process dies, the checkpoints that were complete before stay so.

    Raises:
        CheckpointError: the disk refused (full, read-only); names the folder and the cause.
    """
    final = folder / f"step-{state.step:09d}"
    aside = folder / f"{_ASIDE}{final.name}-{os.getpid()}"
    try:
        disk.make(folder)
        if final.exists():
            if _is_whole(final):  # the same step of the same run has the same content
                return final
            disk.remove(final)
        _write(aside, final, state, tensors, disk)
        _prune(folder, state.step, keep, disk)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise CheckpointError(
            f"{final} cannot be written ({error}). Earlier checkpoints are untouched; free some space and resume."
        ) from error
    return final


def latest(folder: Path, *, recipe: str, source: str, expected: Layout) -> Checkpoint | None:
    """The newest checkpoint that is whole, or None where there is none yet. A damaged one is passed over with a warning.

    Raises:
        CheckpointError: it belongs to another recipe or other windows, or there are checkpoints but none can be read
            (never a silent start from zero).
    """
    found = complete(folder)
    problems = []
    for path in reversed(found):
        try:
            state = read_state(path)
        except CheckpointError as error:
            logger.warning("Passing over a damaged checkpoint: %s", error)
            problems.append(str(error))
            continue
        _check_owner(path, state, recipe, source)
        try:
            return Checkpoint(state, read_tensors(path / TENSORS, expected), path)
        except CheckpointError as error:
            logger.warning("Passing over a damaged checkpoint: %s", error)
            problems.append(str(error))
    if problems:
        raise CheckpointError(
            f"None of the {len(found)} checkpoints in {folder} can be read. {problems[0]} Remove the folder to start over."
        )
    return None


def complete(folder: Path) -> list[Path]:
    """Folders of finished checkpoints, oldest first. What they hold is not checked yet."""
    if not folder.is_dir():
        return []
    steps = {int(match[1]): path for path in folder.iterdir() if (match := _FOLDER.match(path.name)) and (path / MARKER).is_file()}
    return [steps[step] for step in sorted(steps)]


def read_state(path: Path) -> State:
    """`state.json` of one checkpoint, after checking every hash (CheckpointError otherwise)."""
    try:
        promised = (path / MARKER).read_bytes()[:80].decode("ascii")
        if _sha256(path / STATE) != promised:
            raise CheckpointError(f"{path / STATE} is damaged: its sha256 is not the one in {MARKER}.")
        state: State = parse(State, read_json(path / STATE, limit=_MAX_STATE_BYTES), str(path / STATE))
        if state.format != FORMAT:
            raise CheckpointError(f"{path} has format {state.format}, this sslts reads {FORMAT}.")
        if set(state.files) != {TENSORS} or _sha256(path / TENSORS) != state.files[TENSORS]:
            raise CheckpointError(f"{path / TENSORS} is damaged: its sha256 is not the one in {STATE}.")
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise CheckpointError(f"{path} is damaged ({error}).") from error
    return state


def clean(folder: Path, *, disk: Disk = DISK) -> None:
    """Remove what killed saves left behind."""
    for path in folder.glob(f"{_ASIDE}*") if folder.is_dir() else ():
        try:
            disk.remove(path)
        except OSError as error:
            logger.warning("Cannot remove the unfinished checkpoint %s (%s).", path, error)


def installed_version() -> str:
    """The version of sslts, for the record."""
    try:
        return metadata.version("sslts")
    except metadata.PackageNotFoundError:
        return "unknown"


def _write(aside: Path, final: Path, state: State, tensors: dict[str, Tensor], disk: Disk) -> None:
    blob = encode(tensors)
    told: dict[str, Any] = state.model_dump(mode="json") | {"files": {TENSORS: hashlib.sha256(blob).hexdigest()}}
    text = json.dumps(told, indent=1, allow_nan=False).encode()
    disk.make(aside)
    for name, data in ((TENSORS, blob), (STATE, text)):
        disk.write(aside / name, data)
        disk.sync(aside / name)
    disk.sync(aside)
    disk.rename(aside, final)
    disk.sync(final.parent)
    # The marker too is written aside, so that it is either whole or absent.
    half = final / f"{_ASIDE}marker"
    disk.write(half, hashlib.sha256(text).hexdigest().encode())
    disk.sync(half)
    disk.rename(half, final / MARKER)
    disk.sync(final)


def _prune(folder: Path, newest: int, keep: int, disk: Disk) -> None:
    # A checkpoint beyond the newest was passed over as damaged; it neither counts nor goes.
    steps = [path for path in complete(folder) if int(path.name.removeprefix("step-")) <= newest]
    for path in steps[:-keep]:
        try:
            disk.remove(path / MARKER)
            disk.remove(path)
        except OSError as error:
            logger.warning("Cannot remove the old checkpoint %s (%s).", path, error)


def _is_whole(path: Path) -> bool:
    try:
        read_state(path)
    except CheckpointError:
        return False
    return True


def _check_owner(path: Path, state: State, recipe: str, source: str) -> None:
    if state.recipe != recipe:
        raise CheckpointError(
            f"{path} was written by another recipe (digest {state.recipe[:12]}, this one has {recipe[:12]}). "
            "Resume with the recipe that started the run, or choose another output folder."
        )
    if state.source != source:
        raise CheckpointError(
            f"{path} was written by a run on other windows. Give the same recordings and subjects, or choose another output folder."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
