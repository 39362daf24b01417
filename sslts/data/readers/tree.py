"""Files of a data set by their path inside it: an unpacked folder, or the downloaded .zip as it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sslts.data.readers.files import Folder, archive


@dataclass(frozen=True, slots=True)
class Found:
    """A file or folder inside a tree, and what its name says: the groups of the patterns, outermost first."""

    name: str
    groups: tuple[str, ...]


class Tree(Folder):
    """As `Folder`, with relative paths ("wlk_7/sub_1.csv") instead of bare names. Nothing is listed before `find` asks for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive = None
        self._members = {}
        if path.is_dir():
            return
        self._archive = archive(path)
        self._members = {name: name for name in self._archive.namelist() if not name.startswith("__MACOSX")}

    @property
    def is_archive(self) -> bool:
        """Whether the files lie in a .zip."""
        return self._archive is not None

    def find(self, *levels: str, homes: Sequence[str] = ("",)) -> tuple[Found, ...]:
        """Everything whose last path parts match one regular expression each, in the first of `homes` that holds any.

        A home is a folder inside the tree ("" is the tree itself); inside an archive, whatever folders may lie around it.
        """
        patterns = [re.compile(level) for level in levels]
        for home in homes:
            found = self._in_archive(patterns, home) if self.is_archive else self._in_folder(patterns, home)
            if found:
                return found
        return ()

    def _in_folder(self, patterns: Sequence[re.Pattern[str]], home: str) -> tuple[Found, ...]:
        base = self.path / home
        return tuple(_walk(base, f"{home}/" if home else "", patterns)) if base.is_dir() else ()

    def _in_archive(self, patterns: Sequence[re.Pattern[str]], home: str) -> tuple[Found, ...]:
        """Matches by the folder that they lie in; of several such folders, the outermost."""
        by_prefix: dict[str, dict[str, Found]] = {}
        for member in self._members:
            parts = member.split("/")
            for first in range(len(parts) - len(patterns) + 1):
                groups = _matched(patterns, parts[first:])
                prefix = "/".join(parts[:first])
                if groups is not None and (not home or f"/{prefix}".endswith(f"/{home}")):
                    name = "/".join(parts[: first + len(patterns)])
                    by_prefix.setdefault(prefix, {})[name] = Found(name, groups)
                    break
        return tuple(by_prefix[min(by_prefix, key=lambda prefix: (prefix.count("/"), prefix))].values()) if by_prefix else ()


def _walk(folder: Path, prefix: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[Found]:
    for name in sorted(os.listdir(folder)):
        match = patterns[0].fullmatch(name)
        if match is None:
            continue
        if len(patterns) == 1:
            yield Found(f"{prefix}{name}", match.groups())
        elif (folder / name).is_dir():
            for inner in _walk(folder / name, f"{prefix}{name}/", patterns[1:]):
                yield Found(inner.name, match.groups() + inner.groups)


def _matched(patterns: Sequence[re.Pattern[str]], parts: Sequence[str]) -> tuple[str, ...] | None:
    groups: tuple[str, ...] = ()
    for pattern, part in zip(patterns, parts, strict=False):
        match = pattern.fullmatch(part)
        if match is None:
            return None
        groups += match.groups()
    return groups
