"""Protocols as data: which subjects, windows, classes and splits a figure belongs to.

A protocol is a JSON file in `sslts/evaluate/protocols`. Figures of two protocols never stand in one column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from sslts.config import Frozen, Name, Seconds, Text, parse
from sslts.errors import ConfigError, LeakageError, UnknownNameError, suggest
from sslts.evaluate.label_efficiency import FRACTIONS
from sslts.evaluate.leakage import check_disjoint
from sslts.evaluate.normalise import SETTINGS, Setting
from sslts.strict_json import parse_json, read_json

Labels = NDArray[np.int64]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=64)]
#: A label as its reader gives it ("walking upstairs").
Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Share = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, slots=True)
class Fold:
    """One test subject, and whom its classifier may learn from. `group` is the pretraining that may embed it."""

    subject: str
    train: tuple[str, ...]
    group: int

    def __post_init__(self) -> None:
        check_disjoint(self.train, (self.subject,), what=f"fold {self.subject}")


@dataclass(frozen=True, slots=True)
class Group:
    """Subjects that share one pretraining.

    test: judged, never seen. train: everybody else. validation: part of `train`, kept aside to select the pretraining's checkpoint.
    """

    index: int
    test: tuple[str, ...]
    train: tuple[str, ...]
    validation: tuple[str, ...]

    def __post_init__(self) -> None:
        check_disjoint(self.train, self.test, what=f"group {self.index}")
        check_disjoint(self.validation, self.test, what=f"the validation of group {self.index}")

    @property
    def fit(self) -> tuple[str, ...]:
        """Training subjects without the validation subjects."""
        return tuple(subject for subject in self.train if subject not in self.validation)


@dataclass(frozen=True, slots=True)
class Task:
    """A classification task: `classes` in order, and to which of them each of the protocol's classes belongs (-1: left out)."""

    name: str
    classes: tuple[str, ...]
    target: tuple[int, ...]

    def labels(self, classes: Labels) -> Labels:
        """int [n] protocol classes -> int [n] task classes, -1 where the task leaves the window out."""
        return np.asarray(self.target, dtype=np.int64)[classes]


class GroupManifest(Frozen):
    """Subjects of one group, as written in the manifest."""

    test: Annotated[tuple[Subject, ...], Field(min_length=1)]
    validation: tuple[Subject, ...] = ()


class OneSignal(Frozen):
    """Subjects whose windows of these classes hold one and the same signal: where one is tested, nothing learns from the others'."""

    subjects: Annotated[tuple[Subject, ...], Field(min_length=2)]
    classes: Annotated[tuple[Label, ...], Field(min_length=1)]
    why: Text


class Protocol(Frozen):
    """A split manifest.

    folder: where the data set usually lies below a data folder
    classes: the reader's labels that are used, in the order of all results
    tasks: {task: {its class: the protocol's classes it is made of}}; the first is the main task
    settings: what may be known of the test subject's other windows
    fold_groups: a classifier leaves out the subjects s_k, s_(k+n), ... of so many groups at once; None: one subject
    label_fractions: shares of the training labels that are judged
    label_draws: who is drawn from, each fold's training windows, or those that the fold's pretraining may see, so that a pretraining
        may read exactly the labels that are drawn
    missing_modalities: whether rows are also judged with some of the modalities
    never_together: windows that may not stand on both sides of a fold
    windows: the expected number of windows, by subject and class
    """

    id: Name
    version: Annotated[int, Field(ge=1)]
    title: Text
    reader: Name
    folder: Text
    citation: Text
    window_s: Seconds
    stride_s: Seconds
    subjects: Annotated[tuple[Subject, ...], Field(min_length=2)]
    classes: Annotated[tuple[Label, ...], Field(min_length=2)]
    tasks: Annotated[dict[Name, dict[Label, tuple[Label, ...]]], Field(min_length=1)]
    settings: Annotated[tuple[Setting, ...], Field(min_length=1)] = SETTINGS
    fold_groups: Annotated[int, Field(ge=2)] | None = None
    label_fractions: Annotated[tuple[Share, ...], Field(min_length=1)] = FRACTIONS
    label_draws: Literal["fold", "group"] = "fold"
    missing_modalities: bool = True
    never_together: tuple[OneSignal, ...] = ()
    group_manifest: Annotated[tuple[GroupManifest, ...], Field(min_length=2)]
    windows: dict[Subject, dict[Label, int]] = {}

    @property
    def main_task(self) -> str:
        """The task that label fractions and missing modalities are judged on."""
        return next(iter(self.tasks))

    @property
    def columns(self) -> tuple[tuple[Setting, str], ...]:
        """(setting, task) of each column of the main table."""
        return tuple((setting, task) for setting in self.settings for task in self.tasks)

    @property
    def groups(self) -> tuple[Group, ...]:
        """One pretraining each (LeakageError if a subject stands on both sides)."""
        return tuple(
            Group(index, entry.test, tuple(s for s in self.subjects if s not in entry.test), entry.validation)
            for index, entry in enumerate(self.group_manifest)
        )

    @property
    def folds(self) -> tuple[Fold, ...]:
        """One a test subject, in numeric order."""
        group_of = {subject: index for index, entry in enumerate(self.group_manifest) for subject in entry.test}
        count = self.fold_groups or len(self.subjects)
        held_out = [set(self.subjects[index % count :: count]) for index in range(len(self.subjects))]
        return tuple(
            Fold(subject, tuple(s for s in self.subjects if s not in out), group_of[subject])
            for subject, out in zip(self.subjects, held_out, strict=True)
        )

    def may_learn(self, fold: Fold, subjects: Sequence[str], classes: Labels) -> NDArray[np.bool_]:
        """bool [n]: the windows that a fold's classifier may learn from, given their subjects and protocol classes int [n].

        Those of its training subjects, without the ones whose signal is also a held-out subject's (`never_together`).
        """
        names = np.asarray(subjects)
        allowed = np.isin(names, fold.train)
        for twins in self.never_together:
            if not set(twins.subjects) <= set(fold.train):
                allowed &= ~(np.isin(names, twins.subjects) & np.isin(classes, self.class_index(twins.classes)))
        return np.asarray(allowed, dtype=np.bool_)

    def twin_windows(self, subjects: Sequence[str], classes: Labels) -> NDArray[np.bool_]:
        """bool [n]: windows whose very signal another subject has too (`never_together`), given subjects and protocol classes int [n]."""
        found = np.zeros(len(subjects), dtype=np.bool_)
        for twins in self.never_together:
            found |= np.isin(np.asarray(subjects), twins.subjects) & np.isin(classes, self.class_index(twins.classes))
        return found

    def with_twins(self, seen: Iterable[str]) -> frozenset[str]:
        """Subjects that were seen, and those of whom the same signal was seen (`never_together`)."""
        found = frozenset(seen)
        return found.union(*(twins.subjects for twins in self.never_together if found & set(twins.subjects)))

    def fold(self, subject: str) -> Fold:
        """The fold that tests this subject (UnknownNameError if there is none)."""
        if subject not in self.subjects:
            raise UnknownNameError(f"{self.id} has no subject '{subject}'. {suggest(subject, self.subjects)}It has {_list(self.subjects)}.")
        return self.folds[self.subjects.index(subject)]

    def task(self, name: str) -> Task:
        """One task by name (UnknownNameError if there is none)."""
        if name not in self.tasks:
            raise UnknownNameError(f"{self.id} has no task '{name}'. {suggest(name, self.tasks)}It has {_list(self.tasks)}.")
        parts = self.tasks[name]
        index = {source: position for position, sources in enumerate(parts.values()) for source in sources}
        return Task(name, tuple(parts), tuple(index.get(source, -1) for source in self.classes))

    def class_index(self, labels: Sequence[str]) -> Labels:
        """The reader's labels -> positions in `classes` (ConfigError for a label the protocol does not know)."""
        unknown = sorted(set(labels) - set(self.classes))
        if unknown:
            raise ConfigError(f"{self.id} knows the labels {_list(self.classes)}, got {_list(unknown)}. Drop other windows first.")
        return np.asarray([self.classes.index(label) for label in labels], dtype=np.int64)

    def check_windows(self, subjects: Sequence[str], classes: Labels) -> None:
        """Refuse a grid that is not the protocol's: figures would not be comparable (ConfigError names the first difference)."""
        for subject, expected in self.windows.items():
            of_subject = np.asarray([s == subject for s in subjects], dtype=bool)
            for name, count in expected.items():
                got = int((of_subject & (classes == self.classes.index(name))).sum())
                if got != count:
                    raise ConfigError(
                        f"{self.id} expects {count} windows of {name} from {subject}, got {got}. Cut {self.window_s:g} s windows "
                        f"every {self.stride_s:g} s from each labelled segment's start, wholly inside, of the complete data set."
                    )
        extra = sorted(set(subjects) - set(self.subjects))
        if extra:
            raise ConfigError(f"{self.id} has no subject {_list(extra)}. Expected only {_list(self.subjects)}.")


def load_protocol(source: str | Path) -> Protocol:
    """A built-in protocol by name, or a manifest by path.

    Raises:
        UnknownNameError: no built-in protocol has this name.
        ConfigError: the manifest is malformed or contradicts itself.
        LeakageError: a subject stands in two groups, or on both sides of one.
    """
    if isinstance(source, Path):
        return _checked(parse(Protocol, read_json(source), str(source)))
    if source not in protocols():
        if other := built_in().get(source):
            told = "is of few-shot episodes, load it with sslts.evaluate.one_shot"
            if other["kind"] != "episodes":
                told = "judges words, load it with sslts.evaluate.text_protocols"
            raise UnknownNameError(f"'{source}' leaves nobody out for a classifier: it {told}. Leave-out protocols: {_list(protocols())}.")
        raise UnknownNameError(f"No protocol is named '{source}'. {suggest(source, protocols())}Known protocols: {_list(protocols())}.")
    return _checked(parse(Protocol, built_in()[source], source))


def protocols() -> tuple[str, ...]:
    """Names of the built-in leave-out protocols. (Those of another "kind" are loaded by `text_protocols` and `one_shot`.)"""
    return tuple(name for name, content in built_in().items() if "kind" not in content)


def built_in() -> dict[str, dict[str, Any]]:
    """Every file of the protocols' folder by name, as JSON."""
    folder = resources.files("sslts.evaluate").joinpath("protocols")
    found = {entry.name.removesuffix(".json"): entry for entry in folder.iterdir() if entry.name.endswith(".json")}
    return {name: parse_json(found[name].read_text(encoding="utf-8"), name) for name in sorted(found)}


def _checked(protocol: Protocol) -> Protocol:
    seen: dict[str, int] = {}
    for index, entry in enumerate(protocol.group_manifest):
        for subject in entry.test:
            if subject in seen:
                raise LeakageError(f"{protocol.id}: subject {subject} is tested in group {seen[subject]} and in group {index}. Keep one.")
            seen[subject] = index
        check_disjoint(entry.validation, entry.test, what=f"the validation of group {index} of {protocol.id}")
    expected = tuple(protocol.subjects[k :: len(protocol.group_manifest)] for k in range(len(protocol.group_manifest)))
    if tuple(entry.test for entry in protocol.group_manifest) != expected:
        raise ConfigError(f"{protocol.id}: group k of n must test the subjects s_k, s_(k+n), ...: expected {expected}.")
    if list(protocol.subjects) != sorted(protocol.subjects, key=_number):
        raise ConfigError(f"{protocol.id}: subjects must be in numeric order, got {_list(protocol.subjects)}.")
    if protocol.fold_groups is not None and protocol.fold_groups % len(protocol.group_manifest):
        raise ConfigError(
            f"{protocol.id}: fold_groups must be a multiple of its {len(protocol.group_manifest)} groups, got {protocol.fold_groups}: "
            "otherwise a classifier may not learn from all that its pretraining saw."
        )
    for twins in protocol.never_together:
        _check_twins(protocol, twins)
    strangers = {s for entry in protocol.group_manifest for s in entry.validation} - set(protocol.subjects)
    if strangers:
        raise ConfigError(f"{protocol.id}: validation subjects {_list(sorted(strangers))} are not subjects of the protocol.")
    for task, parts in protocol.tasks.items():
        sources = [source for group in parts.values() for source in group]
        if len(set(sources)) != len(sources) or not set(sources) <= set(protocol.classes):
            raise ConfigError(f"{protocol.id}: task '{task}' must use each of {_list(protocol.classes)} at most once, got {sources}.")
    return protocol


def _check_twins(protocol: Protocol, twins: OneSignal) -> None:
    """A pretraining sees no twin of what it is judged on, so twins must share its group."""
    if not set(twins.subjects) <= set(protocol.subjects) or not set(twins.classes) <= set(protocol.classes):
        raise ConfigError(f"{protocol.id}: never_together names {twins.subjects} and {twins.classes}, which are not all the protocol's.")
    if not any(set(twins.subjects) <= set(entry.test) for entry in protocol.group_manifest):
        raise LeakageError(
            f"{protocol.id}: {_list(twins.subjects)} share a signal but are tested in different groups, so the pretraining of one sees "
            "the other. Put them into one group."
        )


def _number(subject: str) -> tuple[int, str]:
    digits = "".join(character for character in subject if character.isdigit())
    return (int(digits) if digits else 0, subject)


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
