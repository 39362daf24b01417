"""The base class of readers: files in a dataset's or a device's own layout -> Recording.

Not an nn.Module: a reader holds no weights and imports no torch. A user's own download of a data set works as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from sslts.config import ComponentConfig, Modality, parse
from sslts.data.recording import Recording
from sslts.errors import ReaderError, suggest


class Reader(ABC):
    """FILES -> Recording. `Config` is the only constructor argument; the folder is an argument of each call."""

    Config: ClassVar[type[ComponentConfig]] = ComponentConfig
    #: What each label means; empty for a reader without labels.
    labels: ClassVar[Mapping[str, str]] = {}
    citation: ClassVar[str] = ""
    licence: ClassVar[str] = ""

    def __init__(self, config: ComponentConfig) -> None:
        self.config = config

    @classmethod
    def create(cls, **options: Any) -> Self:
        """Build from plain options, checked by `Config` (ConfigError names the option)."""
        return cls(parse(cls.Config, options, cls.__name__))

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Every stream that a recording may hold, with rate, unit, position and description. Default: this reader cannot say."""
        return ()

    @abstractmethod
    def sessions(self, root: str | Path) -> tuple[str, ...]:
        """The sessions under a folder, in a fixed order."""

    @abstractmethod
    def read(self, root: str | Path, *, session: str | None = None) -> Recording:
        """One session; None is allowed where there is only one.

        Raises:
            ReaderError: a file is missing, truncated or not in its layout; the message names it.
        """

    def files(self, root: str | Path, session: str) -> tuple[Path, ...]:
        """The files that a session is read from: a store reads it again when one of them changes."""
        return ()

    def choose(self, root: str | Path, session: str | None) -> str:
        """The session that is meant.

        Raises:
            ReaderError: there is none of this name, or none is named and there are several.
        """
        known = self.sessions(root)
        if session is None and len(known) == 1:
            return known[0]
        if session in known:
            return session
        if not known:
            raise ReaderError(f"{root}: no recording of {type(self).__name__} found here.")
        if session is None:
            raise ReaderError(f"{root} holds {len(known)} sessions, say which: {_listing(known)}.")
        raise ReaderError(f"{root} has no session '{session}'. {suggest(session, known)}Sessions: {_listing(known)}.")


def existing(path: str | Path) -> Path:
    """The path, with `~` expanded (ReaderError if there is nothing)."""
    found = Path(path).expanduser()
    if not found.exists():
        raise ReaderError(f"{found} does not exist. Give the folder (or .zip) that holds the recording.")
    return found


def _listing(names: tuple[str, ...]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
