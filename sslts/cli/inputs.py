"""What users write on the command line, as values: readers with their options, and the recordings they find."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sslts import registry
from sslts.data.reader import Reader
from sslts.data.recording import Recording
from sslts.errors import ConfigError, ReaderError


def make_reader(name: str, options: Sequence[str]) -> Reader:
    """A registered reader, from `KEY=VALUE` options; a value is JSON, else the text itself.

    Raises:
        UnknownComponentError: no such reader.
        ConfigError: an option is not KEY=VALUE, or the reader does not know it.
    """
    pairs: dict[str, Any] = {}
    for option in options:
        key, separator, text = option.partition("=")
        if not separator or not key:
            raise ConfigError(f"A reader's option is KEY=VALUE, got '{option}'. Example: --option rate_hz=50.")
        try:
            pairs[key] = json.loads(text)
        except ValueError:
            pairs[key] = text
    try:
        return registry.get("reader", name).create(**pairs)
    except ConfigError as error:
        raise ConfigError(
            f"The reader '{name}' cannot be made: {str(error).rstrip('.')}. Options are given as --option KEY=VALUE, such as rate_hz=50."
        ) from None


def recordings(reader: Reader, paths: Sequence[Path], sessions: Sequence[str]) -> Iterator[tuple[str, Recording]]:
    """(name, recording) for every session under every path, or only for the named sessions; read one at a time.

    Raises:
        ReaderError: nothing is there, a named session is nowhere, or sessions are given twice.
    """
    _refuse_one_place_twice(paths)
    found = [(path, session) for path in paths for session in _sessions(reader, path)]
    missing = [session for session in sessions if session not in {name for _, name in found}]
    if missing:
        raise ReaderError(f"No session '{missing[0]}' in {', '.join(map(str, paths))}. Sessions: {', '.join(name for _, name in found)}.")
    for path, session in found:
        if not sessions or session in sessions:
            label = session if sum(name == session for _, name in found) == 1 else f"{path}:{session}"
            yield label, reader.read(path, session=session)


def _sessions(reader: Reader, path: Path) -> tuple[str, ...]:
    names = reader.sessions(path)
    if not names:
        raise ReaderError(f"{path} holds no recording that {type(reader).__name__} can read. Name another reader: --reader NAME.")
    doubled = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if doubled is not None:
        raise ReaderError(f"{path} holds more than one session '{doubled}'. Rename them: one would replace the other in the results.")
    return names


def _refuse_one_place_twice(paths: Sequence[Path]) -> None:
    places: dict[Path, Path] = {}
    for path in paths:
        other = places.setdefault(path.expanduser().resolve(), path)
        if other is not path:
            raise ReaderError(f"{other} and {path} are the same recordings, given twice. Name them once.")
