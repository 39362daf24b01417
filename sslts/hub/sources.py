"""Where a model's folder comes from: the two kinds of source that `resolve` returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from sslts.errors import SourceError


class Source(ABC):
    """A place that holds one model. Looking at a source costs nothing; `folder()` may download."""

    @abstractmethod
    def folder(self) -> Path:
        """The local folder with the model's files."""

    @abstractmethod
    def describe(self) -> str:
        """The place in one line, for messages and summaries."""


@final
@dataclass(frozen=True, slots=True)
class FolderSource(Source):
    """A folder on this machine: given by path, or bundled with a package."""

    path: Path
    bundled: bool = False

    def folder(self) -> Path:
        """The folder itself (SourceError if there is none)."""
        if not self.path.is_dir():
            raise SourceError(f"There is no folder '{self.path}'. Give the folder that holds config.json.")
        return self.path

    def describe(self) -> str:
        """`bundled`, or the path."""
        return "bundled" if self.bundled else str(self.path)


@final
@dataclass(frozen=True, slots=True)
class HubSource(Source):
    """A repository on the Hugging Face Hub.

    revision: branch, tag or commit; None is the repository's main branch
    sha256:   file name -> expected hash, where a catalogue pins it
    offline:  True never connects; None follows HF_HUB_OFFLINE
    """

    repo: str
    revision: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)
    cache_dir: Path | None = None
    offline: bool | None = None

    def folder(self) -> Path:
        """The cached folder, downloaded when needed (HubError otherwise)."""
        from sslts.hub.download import fetch  # here, so that local models never touch the Hub's client

        return fetch(self.repo, self.revision, sha256=self.sha256, cache_dir=self.cache_dir, offline=self.offline)

    def describe(self) -> str:
        """`hf:org/repo@revision`."""
        return f"hf:{self.repo}" + (f"@{self.revision}" if self.revision else "")
