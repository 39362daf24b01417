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

    @abstractmethod
    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        """One session (ReaderError as in `read`)."""

    def sessions(self, root: str | Path, *, subject: str | None = None) -> tuple[str, ...]:
        """All sessions, or one subject's (ReaderError if there is no such subject)."""
        with _opened(root) as tree:
            places = self.places(tree)
        known = dict.fromkeys(place.subject for place in places.values())
        if subject is not None and subject not in known:
            raise ReaderError(f"{root} has no subject '{subject}'. {suggest(subject, known)}Subjects: {', '.join(known) or 'none'}.")
        return tuple(session for session, place in places.items() if subject in (None, place.subject))

    def subjects(self, root: str | Path) -> tuple[str, ...]:
        """Everybody with at least one session."""
        with _opened(root) as tree:
            return tuple(dict.fromkeys(place.subject for place in self.places(tree).values()))

    def files(self, root: str | Path, session: str) -> tuple[Path, ...]:
        with _opened(root) as tree:
            places = self.places(tree)
            if session not in places:
                self.choose(root, session)
            return (tree.path,) if tree.is_archive else tuple(tree.path / name for name in places[session].files)

    def read(self, root: str | Path, *, session: str | None = None) -> Recording:
        with _opened(root) as tree:
            places = self.places(tree)
            name = session if session is not None and session in places else self.choose(root, session)
            return self.load(tree, name, places[name])


@contextmanager
def _opened(root: str | Path) -> Iterator[Tree]:
    tree = Tree(existing(root))
    try:
        yield tree
    finally:
        tree.close()
