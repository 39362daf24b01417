"""Empatica E4 wristband: the CSV files of a session, in a folder or the downloaded .zip.

Layout: the first line is the UNIX start, the second the rate in Hz (a column each), then one row a sample. ACC is in 1/64 g.
HR and IBI are derived by the device; IBI is not read. tags.csv holds button presses.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, final

import numpy as np

from sslts.config import Channel, ComponentConfig, Modality, Text
from sslts.data import specs
from sslts.data.reader import Reader, existing
from sslts.data.readers.files import Folder, numbers, opened
from sslts.data.recording import Recording, Stream
from sslts.errors import ReaderError

logger = logging.getLogger(__name__)

_HR = Channel(name="hr", kind="heart-rate", unit="bpm", description="heart rate computed by the device from the pulse wave")
_E4 = {modality.name: modality.channels for modality in specs.empatica_e4().named}
#: File -> stream, channels, factor to the channels' unit.
_FILES: dict[str, tuple[str, tuple[Channel, ...], float]] = {
    "ACC.csv": ("acc", _E4["acc"], 1 / 64),
    "BVP.csv": ("bvp", _E4["bvp"], 1.0),
    "EDA.csv": ("eda", _E4["eda"], 1.0),
    "TEMP.csv": ("temp", _E4["temp"], 1.0),
    "HR.csv": ("hr", (_HR,), 1.0),
}
_SIGNALS = ("ACC.csv", "BVP.csv", "EDA.csv", "TEMP.csv")
_MANY_SECONDS = 60.0
_FAR_HOURS = 6.0  # between the starts of one session's files: refuses a damaged start, which would stretch the session over years


@final
class EmpaticaE4(Reader):
    """Streams acc (x, y, z in g, 32 Hz), bvp (a.u., 64 Hz), eda (uS, 4 Hz), temp (degC, 4 Hz), optionally hr.

    Second 0 is the earliest stream's start.
    """

    class Config(ComponentConfig):
        #: Who wore it; the files do not say.
        subject: Text | None = None
        heart_rate: bool = False
        #: Drop an incomplete last row (a lost connection, a full disk) instead of refusing the file.
        allow_truncated: bool = False

    citation: ClassVar[str] = "Empatica E4 wristband, CSV export"

    config: Config

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """acc, bvp, eda and temp at the device's own rates."""
        return specs.empatica_e4().named

    def sessions(self, root: str | Path) -> tuple[str, ...]:
        path = existing(root)
        if _is_session(path):
            return (_session_name(path),)
        return tuple(_sessions_in(path)) if path.is_dir() else ()

    def files(self, root: str | Path, session: str) -> tuple[Path, ...]:
        path = self._path(root, session)
        return tuple(sorted(path.glob("*.csv"))) if path.is_dir() else (path,)

    def read(self, root: str | Path, *, session: str | None = None) -> Recording:
        path = self._path(root, self.choose(root, session))
        with opened(path) as folder:
            wanted = [*_SIGNALS, "HR.csv"] if self.config.heart_rate else _SIGNALS
            found = {name: _read_stream(folder, name, self.config.allow_truncated) for name in wanted if name in folder.names}
            events = _read_tags(folder)
        parts = [part for part in found.values() if part is not None]
        _refuse_far_starts({name: part[0] for name, part in found.items() if part is not None}, path)
        if not parts:
            raise ReaderError(f"{path} holds no samples in any of {', '.join(_SIGNALS)}.")
        start = min(begin for begin, _ in parts)
        streams = [Stream(s.name, s.channels, s.rate_hz, s.values, s.observed, start_s=begin - start) for begin, s in parts]
        ends = [stream.end_s for stream in streams]
        if max(ends) - min(ends) > _MANY_SECONDS:
            logger.warning("%s: streams end up to %.0f s apart; is a file truncated?", path, max(ends) - min(ends))
        return Recording(
            {stream.name: stream for stream in streams},
            subject=self.config.subject,
            session=_session_name(path),
            start_unix=start,
            events_s=tuple(event - start for event in events),
        )

    def _path(self, root: str | Path, session: str) -> Path:
        path = existing(root)
        if _is_session(path):
            return path
        return _sessions_in(path)[session]


def _is_session(path: Path) -> bool:
    if path.is_dir():
        return any((path / name).is_file() for name in _SIGNALS)
    if path.suffix.lower() != ".zip":
        return False
    with opened(path) as folder:
        return any(name in folder.names for name in _SIGNALS)


def _sessions_in(folder: Path) -> dict[str, Path]:
    """Session name -> its folder or .zip (ReaderError if two have one name)."""
    found: dict[str, Path] = {}
    for child in sorted(folder.iterdir()):
        if _is_session(child):
            name = _session_name(child)
            if name in found:
                raise ReaderError(
                    f"{found[name]} and {child} are both session '{name}'. Rename one of them, or move away the one that is not wanted."
                )
            found[name] = child
    return found


def _session_name(path: Path) -> str:
    whole = path.resolve()
    return whole.name if whole.is_dir() else whole.stem


def _read_stream(folder: Folder, name: str, allow_truncated: bool) -> tuple[float, Stream] | None:
    """UNIX start and stream; None for a file without samples where that is allowed."""
    stream, channels, factor = _FILES[name]
    where = str(folder.path / name)
    text = folder.text(name).replace("\r\n", "\n")
    lines = text.split("\n", 2)
    if allow_truncated and (len(lines) < 3 or "\n" not in lines[2]):
        return None
    if len(lines) < 3 or not lines[2].strip():
        raise ReaderError(
            f"{where} is truncated: expected the UNIX start, the rate, then samples; it ends at line {text.count(chr(10)) + 1}."
        )
    start = _header(lines[0], len(channels), where, line=1, what="UNIX start")
    rate_hz = _header(lines[1], len(channels), where, line=2, what="rate in Hz")
    body = lines[2]
    if not body.endswith("\n"):
        if allow_truncated:
            body = body[: body.rindex("\n") + 1]
        else:
            _refuse_cut_row(body, len(channels), where, line=text.count("\n") + 1)
    values = numbers(body, columns=len(channels), delimiter=",", where=where, first_line=3)
    return start, Stream(stream, channels, rate_hz, (values * factor).astype(np.float32))


def _header(text: str, columns: int, where: str, *, line: int, what: str) -> float:
    values = numbers(text, columns=columns, delimiter=",", where=where, first_line=line)
    distinct = set(values.ravel().tolist())
    value = distinct.pop() if len(distinct) == 1 else float("nan")
    limit = 1e11 if line == 1 else 1e6
    if not 0 < value <= limit:
        raise ReaderError(f"{where}, line {line}: expected the {what}, one positive number in each column, got '{text.strip()[:60]}'.")
    return value


def _refuse_far_starts(starts: Mapping[str, float], path: Path) -> None:
    """A session's files start within seconds of each other; a start hours away is damaged, or the file is of another session."""
    middle = sorted(starts, key=lambda name: starts[name])[len(starts) // 2] if starts else ""
    for name, start in starts.items():
        apart_h = abs(start - starts[middle]) / 3600
        if apart_h > _FAR_HOURS:
            raise ReaderError(
                f"{path / name}, line 1: UNIX start {start:.10g} lies {apart_h:.1f} h from {starts[middle]:.10g} in {middle}, expected at "
                f"most {_FAR_HOURS:g} h within one session. Correct the start that is wrong, or move the file to the session it belongs to."
            )


def _refuse_cut_row(body: str, columns: int, where: str, *, line: int) -> None:
    """A last row without line end may be cut inside a number; only an incomplete one can be told apart."""
    last = body.rsplit("\n", 1)[-1]
    try:
        numbers(last, columns=columns, delimiter=",", where=where, first_line=line)
    except ReaderError as error:
        raise ReaderError(f"{where} is truncated at line {line}: {error} Read it with allow_truncated=True to drop that row.") from None
    logger.warning("%s ends without a line break: it may be truncated.", where)


def _read_tags(folder: Folder) -> tuple[float, ...]:
    """UNIX times of button presses, from tags.csv or tags_NAME.csv."""
    names = [name for name in folder.names if name == "tags.csv" or (name.startswith("tags_") and name.endswith(".csv"))]
    times: list[float] = []
    for name in names:
        values = numbers(folder.text(name), columns=1, delimiter=",", where=str(folder.path / name), first_line=1)
        times += values[np.isfinite(values)].tolist()
    return tuple(sorted(times))
