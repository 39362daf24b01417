"""Folders that appear complete or not at all: written aside, flushed to the disk, renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sslts.errors import ArtefactError


def check_target(folder: Path, known: Collection[str], *, what: str, overwrite: bool | None) -> None:
    """Refuse a folder that may not be written.

    Args:
        known: names of the files that such a folder may hold and that may be replaced.
        what: what it holds, for the message ("model").
        overwrite: whether a full folder may be replaced; None: it may not, and whoever called cannot ask for it.

    Raises:
        ArtefactError: it is a file or a link, not empty without `overwrite`, or holds anything but `known`.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ArtefactError(f"{folder} is a file or a link, expected a folder to write.")
    found = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if found and not overwrite:
        instead = "" if overwrite is None else f", or overwrite=True to replace the {what} in it"
        raise ArtefactError(f"{folder} is not empty. Choose another folder{instead}.")
    strangers = [name for name in found if name not in known]
    if strangers:
        raise ArtefactError(f"{folder} holds {', '.join(strangers[:3])}, which is not part of a {what}; it will not be replaced.")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder`, to fill; it takes that place when the block ends, and vanishes when it fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file() or os.name == "posix":
                _sync(path)
        temporary.chmod(0o755)  # mkdtemp makes it private
        _put_in_place(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put_in_place(temporary: Path, folder: Path) -> None:
    if not folder.exists():
        temporary.rename(folder)
    else:
        # A folder cannot replace a full one in one step: move the old one aside, and back if the new one does not arrive.
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
        try:
            folder.rename(aside / "old")
            temporary.rename(folder)
        except OSError:
            if not folder.exists():
                (aside / "old").rename(folder)
            aside.rmdir()
            raise
        shutil.rmtree(aside, ignore_errors=True)
    if os.name == "posix":  # only POSIX lets a folder be opened
        _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
