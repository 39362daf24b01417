"""What the readers of activity data sets share: many sessions of several subjects under one folder or in one .zip."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sslts.config import Modality
from sslts.data.reader import Reader, existing
from sslts.data.readers.tree import Tree
from sslts.data.recording import Recording
from sslts.errors import ReaderError, suggest


@dataclass(frozen=True, slots=True)
class Place:
    """Whose a session is, and the files inside the tree that it is read from."""

    subject: str
    files: tuple[str, ...]


class ActivityReader(Reader):
    """A reader that finds its sessions by the names of files. `modalities` are the entries of a SensorSpec for what it reads."""

    @property
    @abstractmethod
    def modalities(self) -> tuple[Modality, ...]:
        """Every stream that a recording may hold, with rate, unit, position and description."""

    @abstractmethod
    def places(self, tree: Tree) -> Mapping[str, Place]:
        """Session -> place, in the order in which sessions are listed."""

    def place(self, tree: Tree, session: str) -> Place | None:
        """Where one session lies; None: there is none of this name. A reader of very many finds it without listing all."""
        return self.places(tree).get(session)

    @abstractmethod
    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        """One session (ReaderError as in `read`)."""

    def sessions(self, root: str | Path, *, subject: str | None = None) -> tuple[str, ...]:
        """All sessions, or one subject's (ReaderError if there is no such subject)."""
        with opened(root) as tree:
            places = self.places(tree)
        known = dict.fromkeys(place.subject for place in places.values())
        if subject is not None and subject not in known:
            raise ReaderError(f"{root} has no subject '{subject}'. {suggest(subject, known)}Subjects: {', '.join(known) or 'none'}.")
        return tuple(session for session, place in places.items() if subject in (None, place.subject))

    def subjects(self, root: str | Path) -> tuple[str, ...]:
        """Everybody with at least one session."""
        with opened(root) as tree:
            return tuple(dict.fromkeys(place.subject for place in self.places(tree).values()))

    def files(self, root: str | Path, session: str) -> tuple[Path, ...]:
        with opened(root) as tree:
            _, place = self._found(tree, root, session)
            return (tree.path,) if tree.is_archive else tuple(tree.path / name for name in place.files)

    def read(self, root: str | Path, *, session: str | None = None) -> Recording:
        with opened(root) as tree:
            return self.load(tree, *self._found(tree, root, session))

    def _found(self, tree: Tree, root: str | Path, session: str | None) -> tuple[str, Place]:
        place = None if session is None else self.place(tree, session)
        name = session if session is not None and place is not None else self.choose(root, session)
        place = place or self.place(tree, name)
        if place is None:
            raise ReaderError(f"{root}: session '{name}' was removed while it was read.")
        return name, place


@contextmanager
def opened(root: str | Path) -> Iterator[Tree]:
    """The files under `root`, a folder or a .zip (ReaderError if there is none)."""
    tree = Tree(existing(root))
    try:
        yield tree
    finally:
        tree.close()
