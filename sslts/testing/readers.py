"""What readers promise: FILES -> Recording."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sslts.data.reader import Reader
from sslts.data.recording import Recording
from sslts.errors import ReaderError
from sslts.testing.case import broken
from sslts.testing.kit import Kit, Promise, Subject


class ReaderKit(Kit):
    """Fed with a small folder in the reader's layout (`root`), if there is one."""

    base = Reader

    def make(self, cls: Any) -> Any:
        return cls.create()

    def example(self, component: Any, rows: int = 0) -> Any:
        return None

    def run(self, component: Any, given: Any) -> Tensor:
        return torch.zeros(1, 1)

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("missing-folder", "a folder that is not there, or empty, is a ReaderError that names it", _missing),
            Promise("sessions", "sessions are named, in a fixed order, and each can be read", _sessions, _with_a_folder),
            Promise("unknown-session", "a session that is not there is a ReaderError", _unknown, _with_a_folder),
            Promise("recordings", "a session reads the same each time, with the declared streams", _recordings, _with_a_folder),
        )


def _with_a_folder(subject: Subject) -> bool:
    return subject.root is not None


def _missing(subject: Subject) -> None:
    reader = subject.fresh()
    with tempfile.TemporaryDirectory() as folder:
        for root in (Path(folder) / "no-such-folder", Path(folder)):
            try:
                reader.read(root)
            except ReaderError as error:
                if root.name not in str(error):
                    raise broken(f"its error does not name '{root.name}': {error}") from error
                continue
            raise broken(f"reading {'an empty folder' if root.exists() else 'a folder that does not exist'} raises no ReaderError.")


def _sessions(subject: Subject) -> None:
    reader = subject.fresh()
    found = reader.sessions(subject.root)
    if not found or found != reader.sessions(subject.root) or len(set(found)) != len(found):
        raise broken(f"sessions are {found!r}: expected different names, the same at each call.")
    for session in found:
        if not isinstance(reader.read(subject.root, session=session), Recording):
            raise broken(f"session '{session}' is not read as a Recording.")


def _unknown(subject: Subject) -> None:
    try:
        subject.fresh().read(subject.root, session="no-such-session")
    except ReaderError:
        return
    raise broken("a session that is not there raises no ReaderError. Let Reader.choose find it.")


def _recordings(subject: Subject) -> None:
    reader = subject.fresh()
    session = reader.sessions(subject.root)[0]
    first, second = reader.read(subject.root, session=session), reader.read(subject.root, session=session)
    declared = {modality.name: modality for modality in reader.modalities}
    for name, stream in first.streams.items():
        if not np.array_equal(np.asarray(stream.values), np.asarray(second.streams[name].values)):
            raise broken(f"'{name}' of '{session}' reads differently a second time.")
        said = declared.get(name)
        if said is not None and (said.rate_hz != stream.rate_hz or said.channels != stream.channels):
            raise broken(f"'{name}' of '{session}' has another rate or other channels than `modalities` says.")
