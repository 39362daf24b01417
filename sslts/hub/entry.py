"""One line of the catalogue, and the list that prints as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from sslts.config import Finite, Frozen, Name, Rate, Seconds, Sha256, Text
from sslts.hub.artefact import CONFIG, KNOWN_FILES, WEIGHTS
from sslts.hub.sources import FolderSource, HubSource, Source

Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class InFolder(Frozen):
    """The model lies in a folder of an installed package."""

    kind: Literal["folder"] = "folder"
    path: Path


class OnHub(Frozen):
    """The model lies on the Hub at a pinned commit; `sha256` covers its config and weights at least."""

    kind: Literal["hub"] = "hub"
    repo: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$")]
    revision: Commit
    sha256: dict[str, Sha256]

    @model_validator(mode="after")
    def _covers_the_model(self) -> OnHub:
        missing = {CONFIG, WEIGHTS} - set(self.sha256)
        unknown = set(self.sha256) - set(KNOWN_FILES)
        if missing or unknown:
            raise ValueError(f"sha256 must cover {CONFIG} and {WEIGHTS} and only {', '.join(KNOWN_FILES)}, got {sorted(self.sha256)}")
        return self


class HeadlineMetric(Frozen):
    """The figure a model is known for; `protocol` says what it was measured on."""

    name: Name
    value: Finite
    protocol: Text


class Entry(Frozen):
    """What the catalogue says of one pretrained model.

    parameters: floating-point numbers stored (weights and statistics)
    rates_hz:   one a modality, in the same order; both are ("any",) and () for a model that reads whatever is described
    """

    name: Name
    method: Name
    modalities: Annotated[tuple[Name, ...], Field(min_length=1, max_length=64)]
    rates_hz: Annotated[tuple[Rate, ...], Field(max_length=64)]
    window_s: Seconds
    parameters: Annotated[int, Field(ge=0, le=10**12)]
    size_bytes: Annotated[int, Field(ge=0, le=10**13)]
    licence: Text = ""
    data: Annotated[tuple[Text, ...], Field(max_length=64)] = ()
    tasks: Annotated[tuple[Name, ...], Field(max_length=256)] = ()
    headline: HeadlineMetric | None = None
    where: Annotated[InFolder | OnHub, Field(discriminator="kind")]

    def source(self) -> Source:
        """Where to load it from."""
        if isinstance(self.where, OnHub):
            return HubSource(self.where.repo, self.where.revision, sha256=self.where.sha256)
        return FolderSource(self.where.path, bundled=True)


class ModelList(tuple[Entry, ...]):
    """Catalogue entries; prints as an aligned table."""

    __slots__ = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names."""
        return tuple(entry.name for entry in self)

    def __repr__(self) -> str:
        if not self:
            return "no models"
        header = ("name", "method", "modalities", "window", "parameters", "size", "licence", "data", "headline", "where")
        rows = [header, *(_row(entry) for entry in self)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _row(entry: Entry) -> tuple[str, ...]:
    rates = [f" {rate:g} Hz" for rate in entry.rates_hz] or [""] * len(entry.modalities)
    where = entry.where
    return (
        entry.name,
        entry.method,
        ", ".join(f"{name}{rate}" for name, rate in zip(entry.modalities, rates, strict=True)),
        f"{entry.window_s:g} s",
        _short(entry.parameters, ""),
        _short(entry.size_bytes, "B"),
        entry.licence or "-",
        ", ".join(entry.data) or "-",
        f"{entry.headline.value:g} {entry.headline.name}, {entry.headline.protocol}" if entry.headline else "-",
        f"hf:{where.repo}@{where.revision[:7]}" if isinstance(where, OnHub) else "bundled",
    )


def _short(number: int, unit: str) -> str:
    for scale, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= scale:
            return f"{number / scale:.1f} {letter}{unit}"
    return f"{number} {unit}".rstrip()
