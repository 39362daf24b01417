"""Protocols of episodes as data: which classes teach, select and are judged, and from which sensors.

JSON files beside the leave-out protocols, with "kind": "episodes".
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sslts.config import Frozen, Name, Text, parse
from sslts.errors import UnknownNameError, suggest
from sslts.evaluate.protocol import Label, built_in


class ClassFold(Frozen):
    """base: classes that are fitted on; validation: that select; novel: that are judged and never seen before."""

    novel: Annotated[tuple[Label, ...], Field(min_length=2)]
    validation: Annotated[tuple[Label, ...], Field(min_length=2)]
    base: Annotated[tuple[Label, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _apart(self) -> ClassFold:
        parts = {"novel": set(self.novel), "validation": set(self.validation), "base": set(self.base)}
        for first, second in (("novel", "base"), ("novel", "validation"), ("validation", "base")):
            both = sorted(parts[first] & parts[second])
            if both:
                raise ValueError(f"{', '.join(both)} is among the {first} and the {second} classes; a class is on one side only")
        return self


class Published(Frozen):
    """What a paper reports, and why it is no figure of this protocol."""

    title: Text
    value: Annotated[float, Field(ge=0, le=1)]
    caveat: Text


class OneShotProtocol(Frozen):
    """Recognition of novel classes from a few examples.

    inputs: {name: modalities}, the first is the headline. groups: {name: modalities} of one device, which are lost together; the others are
    lost one by one. An episode draws `ways` novel classes, splits the people into halves for support
    and queries, and asks one query a class. published: figures of papers, which never stand in a column with this protocol's.
    """

    id: Name
    version: Annotated[int, Field(ge=1)]
    kind: Literal["episodes"]
    title: Text
    reader: Name
    folder: Text
    citation: Text
    ways: Annotated[int, Field(ge=2, le=100)]
    shots: Annotated[tuple[Annotated[int, Field(ge=1, le=100)], ...], Field(min_length=1)]
    episodes: Annotated[int, Field(ge=1, le=10**6)]
    seed: Annotated[int, Field(ge=0)]
    inputs: Annotated[dict[str, tuple[Name, ...]], Field(min_length=1)]
    groups: dict[str, tuple[Name, ...]] = {}
    folds: Annotated[tuple[ClassFold, ...], Field(min_length=1)]
    published: tuple[Published, ...] = ()

    @property
    def modalities(self) -> tuple[str, ...]:
        """Everything that some input has."""
        return tuple(dict.fromkeys(name for parts in self.inputs.values() for name in parts))

    @property
    def devices(self) -> dict[str, tuple[str, ...]]:
        """{device: modalities}: the groups, and every other modality by itself, in the order of the modalities."""
        of = {name: group for group, names in self.groups.items() for name in names}
        return {key: self.groups.get(key, (key,)) for key in dict.fromkeys(of.get(name, name) for name in self.modalities)}

    @property
    def whole(self) -> str:
        """The input that has everything."""
        return next(name for name, parts in self.inputs.items() if set(parts) == set(self.modalities))

    @model_validator(mode="after")
    def _covers(self) -> OneShotProtocol:
        classes = [frozenset((*fold.novel, *fold.validation, *fold.base)) for fold in self.folds]
        if len(set(classes)) != 1:
            raise ValueError("every fold must place the same classes")
        if not any(set(parts) == set(self.modalities) for parts in self.inputs.values()):
            raise ValueError(f"one input must have every modality ({', '.join(self.modalities)})")
        grouped = [name for group in self.groups.values() for name in group]
        if len(set(grouped)) < len(grouped) or not set(grouped) <= set(self.modalities):
            raise ValueError(f"groups must name modalities of the inputs, each once; got {', '.join(grouped)}")
        if any(len(fold.novel) < self.ways for fold in self.folds):
            raise ValueError(f"each fold needs at least {self.ways} novel classes for episodes of {self.ways}")
        return self


def load_one_shot(name: str = "utd-one-shot") -> OneShotProtocol:
    """A built-in protocol of episodes (UnknownNameError if there is none of this name)."""
    told = built_in()
    known = [each for each, content in told.items() if content.get("kind") == "episodes"]
    if name not in known:
        raise UnknownNameError(f"No protocol of episodes is named '{name}'. {suggest(name, known)}Known: {', '.join(known)}.")
    made: OneShotProtocol = parse(OneShotProtocol, told[name], name)
    return made
