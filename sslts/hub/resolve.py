"""From what a user writes to the one place it means. One spelling, one source; nothing falls through to another.

Path, ./x, /x, ~/x, dir:x    a local folder
crossl-wesad                 the catalogue: bundled, or the Hub at a pinned commit
acme.wavelet-wesad           the catalogue of the plugin whose namespace is acme
hf:org/repo[@revision]       the Hub
org/repo                     refused: it could be a folder or a repository
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from sslts.errors import SourceError
from sslts.hub import catalogue
from sslts.hub.layout import REPO
from sslts.hub.sources import FolderSource, HubSource, Source
from sslts.strict_json import printable

_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}\Z")
_CATALOGUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_FOLDER_STARTS = ("./", "../", "/", "~/")
ACCEPTED = "a catalogue name ('crossl-wesad'), a folder ('./x', '/x', '~/x', 'dir:x' or a Path), or 'hf:org/repo[@revision]'"


def resolve(name: str | Path, *, revision: str | None = None, cache_dir: str | Path | None = None, offline: bool | None = None) -> Source:
    """The source that a name means. Reads no weights and opens no connection.

    `revision` (a commit, tag or branch) and the cache concern the Hub only; `offline=True` never connects, None follows HF_HUB_OFFLINE.

    Raises:
        SourceError: the spelling fits none of the accepted ones, is ambiguous, or comes with a revision it cannot have.
        UnknownModelError: no catalogue has this name; the message suggests the nearest.
    """
    if isinstance(name, Path):
        return _folder(name, name, revision)
    if not isinstance(name, str) or not name or not name.isprintable():
        raise SourceError(f"A model must be {ACCEPTED}, got {printable(repr(name)[:80])}.")
    cache = None if cache_dir is None else Path(cache_dir).expanduser()
    if name.startswith("hf:"):
        return _on_the_hub(name, revision, cache, offline)
    if name.startswith("dir:"):
        return _folder(name, Path(name.removeprefix("dir:")), revision)
    if name.startswith(_FOLDER_STARTS):
        return _folder(name, Path(name), revision)
    if REPO.match(name):
        raise SourceError(
            f"'{name}' could be a folder or a repository on the Hub. Write './{name}' for the folder or 'hf:{name}' for the repository."
        )
    if not _CATALOGUE_NAME.match(name):
        raise SourceError(f"'{name[:80]}' fits no accepted spelling: {ACCEPTED}.")
    if revision is not None:
        raise SourceError(f"revision= cannot go with '{name}': the catalogue pins its commit. Give a revision with 'hf:org/repo@revision'.")
    source = catalogue.find(name).source()
    return replace(source, cache_dir=cache, offline=offline) if isinstance(source, HubSource) else source


def _folder(written: str | Path, path: Path, revision: str | None) -> FolderSource:
    if revision is not None:
        raise SourceError(f"revision= cannot go with the folder '{written}': a folder has no revisions. Leave it out.")
    if path == Path() and str(written) == "dir:":
        raise SourceError("'dir:' names no folder. Write 'dir:PATH'.")
    try:
        return FolderSource(path.expanduser())
    except RuntimeError as error:
        raise SourceError(f"'{written}' cannot be expanded ({error}). Write the path in full.") from error


def _on_the_hub(name: str, revision: str | None, cache_dir: Path | None, offline: bool | None) -> HubSource:
    repo, at, written = name.removeprefix("hf:").partition("@")
    if not REPO.match(repo) or ".." in repo or "--" in repo:
        raise SourceError(f"'{name[:200]}' is not 'hf:org/repo[@revision]'.")
    if at and revision is not None:
        raise SourceError(f"'{name}' already names a revision, and revision='{revision}' was given too. Give one of them.")
    chosen = written if at else revision
    if chosen is not None and (not _REVISION.match(chosen) or ".." in chosen):
        raise SourceError(f"'{printable(chosen[:200])}' is not a revision. Give a commit, a tag or a branch, such as 'hf:{repo}@main'.")
    return HubSource(repo, chosen, cache_dir=cache_dir, offline=offline)
