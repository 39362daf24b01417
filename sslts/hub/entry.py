"""One line of the catalogue, and the list that prints as a table.

Plain dataclasses with checks of their own: importing pydantic takes longer than a list of models may.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from sslts.errors import ConfigError
from sslts.hub.layout import CONFIG, KNOWN_FILES, REPO, WEIGHTS
from sslts.hub.sources import FolderSource, HubSource, Source
from sslts.strict_json import printable

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class InFolder:
    """The model lies in a folder of an installed package."""

    path: Path


@dataclass(frozen=True, slots=True)
class OnHub:
    """The model lies on the Hub at a pinned commit; `sha256` covers its config and weights at least (ConfigError otherwise)."""

    repo: str
    revision: str
    sha256: Mapping[str, str]

    def __post_init__(self) -> None:
        _must(_matches(REPO, self.repo), "where.repo", self.repo, "org/name")
        _must(_matches(_COMMIT, self.revision), "where.revision", self.revision, "a commit of 40 hexadecimal digits")
        hashes = isinstance(self.sha256, Mapping) and all(_matches(_SHA256, value) for value in self.sha256.values())
        names = hashes and {CONFIG, WEIGHTS} <= set(self.sha256) <= set(KNOWN_FILES)
        _must(names, "where.sha256", self.sha256, f"hashes of {CONFIG} and {WEIGHTS} and only of {', '.join(KNOWN_FILES)}")


@dataclass(frozen=True, slots=True)
class HeadlineMetric:
    """The figure a model is known for; `protocol` says what it was measured on (ConfigError if it is no number)."""

    name: str
    value: float
    protocol: str

    def __post_init__(self) -> None:
        _must(_matches(_NAME, self.name), "headline.name", self.name, "a lower-case name")
        _must(_number(self.value), "headline.value", self.value, "a finite number")
        _must(_text(self.protocol), "headline.protocol", self.protocol, "a short text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the catalogue says of one pretrained model (ConfigError names a field that is not valid).

    parameters: floating-point numbers stored (weights and statistics)
    rates_hz:   one a modality, in the same order; both are ("any",) and () for a model that reads whatever is described
    clock:      "clip" if a recording is one window whatever it lasts; rates then count samples a clip
    """

    name: str
    method: str
    modalities: tuple[str, ...]
    rates_hz: tuple[float, ...]
    window_s: float
    parameters: int
    size_bytes: int
    where: InFolder | OnHub
    licence: str = ""
    data: tuple[str, ...] = field(default=())
    tasks: tuple[str, ...] = field(default=())
    headline: HeadlineMetric | None = None
    clock: str = "seconds"

    @property
    def window(self) -> str:
        """What one window is, for people: "60 s" or "one clip"."""
        return "one clip" if self.clock == "clip" else f"{self.window_s:g} s"

    def __post_init__(self) -> None:
        for key in ("name", "method"):
            _must(_matches(_NAME, getattr(self, key)), key, getattr(self, key), "a lower-case name of at most 64 characters")
        for key, most in (("modalities", 64), ("tasks", 256)):
            names = getattr(self, key)
            _must(len(names) <= most and all(_matches(_NAME, item) for item in names), key, names, f"at most {most} lower-case names")
        _must(len(self.modalities) > 0, "modalities", self.modalities, "at least one")
        _must(len(self.data) <= 64 and all(_text(item) for item in self.data), "data", self.data, "at most 64 short texts")
        _must(_text(self.licence), "licence", self.licence, "a short text")
        rates = len(self.rates_hz) in (0, len(self.modalities)) and all(_number(rate) and rate > 0 for rate in self.rates_hz)
        _must(rates, "rates_hz", self.rates_hz, "one positive rate a modality")
        _must(self.clock in ("seconds", "clip"), "clock", self.clock, "seconds or clip")
        _must(_number(self.window_s) and self.window_s > 0, "window_s", self.window_s, "positive seconds")
        for key in ("parameters", "size_bytes"):
            _must(type(getattr(self, key)) is int and getattr(self, key) >= 0, key, getattr(self, key), "a whole number from 0")

    def source(self) -> Source:
        """Where to load it from."""
        if isinstance(self.where, OnHub):
            return HubSource(self.where.repo, self.where.revision, sha256=self.where.sha256)
        return FolderSource(self.where.path, bundled=True)

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `parse_entry` reads."""
        told = asdict(self)
        kind = "hub" if isinstance(self.where, OnHub) else "folder"
        place = {key: str(value) if isinstance(value, Path) else value for key, value in told["where"].items()}
        return {**told, "where": {"kind": kind, **place}}


def parse_entry(raw: Any, where: str) -> Entry:
    """The entry that a JSON object (a line of catalogue.json, or what a plugin returns) describes; an unknown key is an error.

    Raises:
        ConfigError: names the field, what was expected and what came.
    """
    try:
        given = _keys(raw, "entry", Entry)
        place = given.pop("where", None)
        kind = place.get("kind") if isinstance(place, Mapping) else None
        _must(kind in ("folder", "hub"), "where.kind", kind, "folder or hub")
        told = {key: value for key, value in dict(place or {}).items() if key != "kind"}
        found = OnHub(**_keys(told, "where", OnHub)) if kind == "hub" else InFolder(Path(_keys(told, "where", InFolder)["path"]))
        headline = given.pop("headline", None)
        many = [key for key in ("modalities", "rates_hz", "data", "tasks") if key in given]
        lists: dict[str, Any] = {key: tuple(_list(given.pop(key), key)) for key in many}
        shown = None if headline is None else HeadlineMetric(**_keys(headline, "headline", HeadlineMetric))
        return Entry(**given, **lists, where=found, headline=shown)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    except (TypeError, KeyError) as error:  # a key that has no default is missing
        raise ConfigError(f"{where}: {printable(str(error)).removeprefix('Entry.__init__() ')}.") from None


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
    unit = "a clip" if entry.clock == "clip" else "Hz"
    rates = [f" {rate:g} {unit}" for rate in entry.rates_hz] or [""] * len(entry.modalities)
    where = entry.where
    return (
        entry.name,
        entry.method,
        ", ".join(f"{name}{rate}" for name, rate in zip(entry.modalities, rates, strict=True)),
        entry.window,
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


def _must(valid: bool, key: str, value: Any, expected: str) -> None:
    if not valid:
        raise ConfigError(f"{key}: expected {expected}, got {printable(repr(value)[:80])}.")


def _keys(raw: Any, what: str, of: type[Entry | HeadlineMetric | InFolder | OnHub]) -> dict[str, Any]:
    _must(isinstance(raw, Mapping), what, raw, "an object")
    known = [each.name for each in fields(of)]
    for key in raw:
        if key not in known:
            raise ConfigError(f"{printable(str(key)[:64])}: unknown key. Expected {', '.join(known)}.")
    return dict(raw)


def _list(value: Any, key: str) -> Sequence[Any]:
    _must(isinstance(value, list | tuple), key, value, "a list")
    return value


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.match(value) is not None


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 2000 and value.isprintable()


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
