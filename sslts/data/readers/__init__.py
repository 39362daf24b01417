"""Readers of devices' and data sets' own layouts, as functions. Each returns a `Recording`.

    sslts.data.readers.empatica_e4("S01/")
    sslts.data.readers.wesad_wrist("WESAD/", subject="S2")

The registry (kind "reader") offers the same as classes, plugins' readers included. The modules are named otherwise than the functions,
so that importing one never hides the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from sslts.data.recording import Recording

__all__ = ["csv", "empatica_e4", "sessions", "wesad", "wesad_wrist"]


def empatica_e4(path: str | Path, *, subject: str | None = None, heart_rate: bool = False, allow_truncated: bool = False) -> Recording:
    """An Empatica E4 recording: a folder or a .zip with ACC.csv, BVP.csv, EDA.csv, TEMP.csv (any of them may be missing).

    Raises:
        ReaderError: a file is missing, truncated or not in its layout; the message names file and line.
    """
    from sslts.data.readers.e4 import EmpaticaE4

    return EmpaticaE4.create(subject=subject, heart_rate=heart_rate, allow_truncated=allow_truncated).read(path)


def wesad(path: str | Path, subject: str | None = None, *, device: Literal["wrist", "chest", "both"] = "wrist") -> Recording:
    """One subject of WESAD from the official pickle `SX/SX.pkl`, read without unpickling, with labels.

    Raises:
        ReaderError, UnsafeFileError: the file is missing, truncated, or holds anything beyond plain numbers.
    """
    from sslts.data.readers.wesad_pickle import WESAD

    return WESAD.create(device=device).read(path, session=subject)


def wesad_wrist(path: str | Path, subject: str | None = None) -> Recording:
    """One subject of WESAD's wrist part from `SX/SX_E4_Data(.zip)` and `SX/SX_quest.csv`, with labels on the E4's clock.

    Raises:
        ReaderError: a file is missing, truncated or not in its layout.
    """
    from sslts.data.readers.wesad_e4 import WESADWrist

    return WESADWrist.create().read(path, session=subject)


def csv(
    path: str | Path,
    *,
    rate_hz: float,
    units: Mapping[str, str],
    streams: Mapping[str, Sequence[str]] | None = None,
    kinds: Mapping[str, str] | None = None,
    delimiter: str = ",",
    subject: str | None = None,
) -> Recording:
    """A table with one header line and one row a sample. `streams` groups columns: `{"acc": ["ax", "ay", "az"]}`; default: one each.

    Raises:
        ReaderError: a column is missing or a cell is no number; the message names file and line.
    """
    from sslts.data.readers.table import CSVReader

    reader = CSVReader.create(
        rate_hz=rate_hz, units=dict(units), streams={k: tuple(v) for k, v in (streams or {}).items()}, kinds=dict(kinds or {}),
        delimiter=delimiter, subject=subject,
    )  # fmt: skip
    return reader.read(path)


def sessions(reader: str, path: str | Path) -> tuple[str, ...]:
    """The sessions that a registered reader ("wesad-wrist") finds under a folder.

    Raises:
        UnknownComponentError: no such reader.
        ReaderError: nothing is there.
    """
    from sslts import registry

    return registry.get("reader", reader).create().sessions(path)  # type: ignore[attr-defined]
