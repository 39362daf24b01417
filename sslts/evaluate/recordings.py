"""A protocol's recordings and their windows, whichever way its reader divides subjects into sessions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from sslts import registry
from sslts.data.reader import Reader
from sslts.data.readers.activity import ActivityReader
from sslts.data.recording import Recording
from sslts.data.windows import LabelledWindows, labelled_windows
from sslts.evaluate.protocol import Protocol


def reader_of(protocol: Protocol) -> Reader:
    """The protocol's reader with its default options."""
    return registry.get("reader", protocol.reader).create()


def read_recordings(
    protocol: Protocol, root: str | Path, *, subjects: Sequence[str] | None = None, progress: bool = False
) -> dict[str, Recording]:
    """All sessions of the protocol's subjects (or of some) by name, subject by subject, in the reader's order.

    A reader without subjects of its own has one session for each of them, under the subject's name.

    Raises:
        ReaderError: the data set is not at `root`, or not complete.
    """
    reader = reader_of(protocol)
    found: dict[str, Recording] = {}
    for subject in tqdm(subjects or protocol.subjects, desc="read", unit="subject", disable=not progress):
        sessions = reader.sessions(root, subject=subject) if isinstance(reader, ActivityReader) else (subject,)
        found |= {session: reader.read(root, session=session) for session in sessions}
    return found


def protocol_windows(protocol: Protocol, recording: Recording) -> LabelledWindows:
    """The recording's windows on the protocol's grid, those of other labels left out."""
    windows = labelled_windows(recording, window_s=protocol.window_s, stride_s=protocol.stride_s)
    used = np.asarray([label in protocol.classes for label in windows.labels], dtype=bool)
    return LabelledWindows(windows.starts_s[used], tuple(label for label in windows.labels if label in protocol.classes))
