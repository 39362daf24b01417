"""Protocols that judge words as data: which names stand for which classes, in which wordings, and what is held out.

JSON files beside the leave-out protocols, told apart by "kind". Their windows are those of a leave-out protocol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from sslts.config import Frozen, Name, Text, parse
from sslts.errors import UnknownNameError, suggest
from sslts.evaluate.probe import Labels
from sslts.evaluate.protocol import Label, Subject, built_in
from sslts.evaluate.zero_shot import NO_CLASS


@dataclass(frozen=True, slots=True)
class Names:
    """Names to choose from, and the class that each belongs to (`NO_CLASS`: none)."""

    texts: tuple[str, ...]
    meaning: tuple[int, ...]


class Naming(Frozen):
    """How a data set's label is said, and which of the shared classes it is (None: none of them)."""

    text: Text
    meaning: Label | None = None


class Target(Frozen):
    """A data set whose activities are named without having seen it: by its windows under `protocol`, from the sensors of each input."""

    protocol: Name
    reader: Name
    inputs: Annotated[dict[Name, tuple[Name, ...]], Field(min_length=1)]


class Unseen(Frozen):
    """Classes of one data set that are held out of training and named against each other. `draws` is what `seed` gave."""

    protocol: Name
    reader: Name
    seed: int
    inputs: Annotated[dict[Name, tuple[Name, ...]], Field(min_length=1)]
    draws: Annotated[tuple[tuple[Label, ...], ...], Field(min_length=1)]


class ZeroShotProtocol(Frozen):
    """Names for activities.

    classes: the shared classes that the targets are judged on, in the order of all results
    wordings: {name: template}, with {} for what an activity is called
    vocabulary: {reader: {its label: how it is said, and the shared class that it means}}
    """

    id: Name
    version: Annotated[int, Field(ge=1)]
    kind: Literal["zero-shot"]
    title: Text
    classes: Annotated[tuple[Label, ...], Field(min_length=2)]
    wordings: Annotated[dict[Name, Text], Field(min_length=1)]
    targets: Annotated[dict[Name, Target], Field(min_length=1)]
    unseen: Unseen
    vocabulary: Annotated[dict[Name, dict[Label, Naming]], Field(min_length=1)]

    @model_validator(mode="after")
    def _agrees(self) -> ZeroShotProtocol:
        if any(template.count("{}") != 1 for template in self.wordings.values()):
            raise ValueError(f"each wording must hold {{}} exactly once, got {list(self.wordings.values())}")
        for target in self.targets.values():
            meant = {naming.meaning for naming in self.vocabulary[target.reader].values()} - {None}
            if meant != set(self.classes):
                raise ValueError(f"'{target.reader}' must name each of {self.classes}, got {sorted(str(each) for each in meant)}")
        said: dict[str, str | None] = {}
        for naming in (naming for labels in self.vocabulary.values() for naming in labels.values()):
            if said.setdefault(naming.text, naming.meaning) != naming.meaning:
                raise ValueError(f"'{naming.text}' means {said[naming.text]} in one data set and {naming.meaning} in another")
        known = set(self.vocabulary[self.unseen.reader])
        if any(len(set(draw)) != len(draw) or not set(draw) <= known for draw in self.unseen.draws):
            raise ValueError("unseen.draws must hold different labels of its reader")
        return self

    def names(self, reader: str, *, open_set: bool) -> Names:
        """Closed set: what the target's own labels of the shared classes are called. Open set: every name of every data set, once."""
        sets = self.vocabulary if open_set else {reader: self.vocabulary[reader]}
        said = {
            naming.text: NO_CLASS if naming.meaning is None else self.classes.index(naming.meaning)
            for labels in sets.values()
            for naming in labels.values()
            if open_set or naming.meaning is not None
        }
        return Names(tuple(said), tuple(said.values()))

    def labels(self, reader: str, labels: Sequence[str]) -> Labels:
        """A data set's labels -> int [n] shared classes, -1 for activities that are left out (UnknownNameError: not its label)."""
        return np.asarray([self._meaning(reader, label) for label in labels], dtype=np.int64)

    def unseen_names(self, draw: int) -> Names:
        """The held-out classes of a draw, named against each other: class k is the k-th label of the draw."""
        labels = self.unseen.draws[draw]
        return Names(tuple(self.vocabulary[self.unseen.reader][label].text for label in labels), tuple(range(len(labels))))

    def unseen_labels(self, draw: int, labels: Sequence[str]) -> Labels:
        """The data set's labels -> int [n], positions in the draw, -1 for classes that are not held out."""
        position = {label: index for index, label in enumerate(self.unseen.draws[draw])}
        return np.asarray([position.get(label, -1) for label in labels], dtype=np.int64)

    def excluded(self, draw: int) -> dict[str, tuple[str, ...]]:
        """{reader: labels} of which a pretraining of this draw may hold no window and no text: the held-out ones, and those of other data
        sets that mean the same shared class or are said with the same words."""
        held_out = [self.vocabulary[self.unseen.reader][label] for label in self.unseen.draws[draw]]
        meant, said = {naming.meaning for naming in held_out} - {None}, {naming.text for naming in held_out}
        found = {
            reader: tuple(label for label, naming in labels.items() if naming.meaning in meant or naming.text in said)
            for reader, labels in self.vocabulary.items()
        }
        return {**found, self.unseen.reader: self.unseen.draws[draw]}

    def worded(self, texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """{wording: the texts in it}."""
        return worded(self.wordings, texts)

    def _meaning(self, reader: str, label: str) -> int:
        known = self.vocabulary[reader]
        if label not in known:
            raise UnknownNameError(f"'{reader}' has no label '{label}'. {suggest(label, known)}It has {', '.join(known)}.")
        meaning = known[label].meaning
        return -1 if meaning is None else self.classes.index(meaning)


class CrossModal(Frozen):
    """Windows of one unit ask for windows of another, by the names of their sensors."""

    queries: Annotated[tuple[Name, ...], Field(min_length=1)]
    gallery: Annotated[tuple[Name, ...], Field(min_length=1)]
    recall_at: tuple[int, ...] = (1, 5)


class RetrievalProtocol(Frozen):
    """One fixed text a class, ranked against the windows of one unseen subject; and, where there are several units, unit against unit.

    texts: {the leave-out protocol's label: what the template is filled with}
    """

    id: Name
    version: Annotated[int, Field(ge=1)]
    kind: Literal["retrieval"]
    title: Text
    protocol: Name
    template: Text
    texts: Annotated[dict[Label, Text], Field(min_length=2)]
    cross: dict[Name, CrossModal] = {}

    @property
    def queries(self) -> tuple[str, ...]:
        """The texts in the order of the classes."""
        return tuple(self.template.replace("{}", text) for text in self.texts.values())

    def others(self, groups: Sequence[Sequence[Subject]]) -> Mapping[str, tuple[str, ...]]:
        """{subject: the other unseen subjects of its pretraining}, from the test subjects of each group."""
        return {who: tuple(other for other in group if other != who) for group in groups for who in group}


def worded(wordings: Mapping[str, str], texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """{wording: the texts in it}."""
    return {name: tuple(template.replace("{}", text) for text in texts) for name, template in wordings.items()}


def load_zero_shot(name: str = "har-zero-shot") -> ZeroShotProtocol:
    """A built-in zero-shot protocol (UnknownNameError if there is none of this name)."""
    made: ZeroShotProtocol = parse(ZeroShotProtocol, _read(name, "zero-shot"), name)
    return made


def load_retrieval(name: str = "har-retrieval") -> RetrievalProtocol:
    """A built-in retrieval protocol (UnknownNameError if there is none of this name)."""
    made: RetrievalProtocol = parse(RetrievalProtocol, _read(name, "retrieval"), name)
    return made


def _read(name: str, kind: str) -> Any:
    told = built_in()
    known = [each for each, content in told.items() if content.get("kind") == kind]
    if name not in known:
        raise UnknownNameError(f"No {kind} protocol is named '{name}'. {suggest(name, known)}Known: {', '.join(known)}.")
    return told[name]
