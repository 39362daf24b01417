"""JSON as configs, headers and manifests need it: bounded, without duplicate keys, NaN or infinity. Standard library only."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sslts.errors import ConfigError

MAX_CONFIG_BYTES = 256 * 1024


def read_json(path: Path, *, limit: int = MAX_CONFIG_BYTES) -> Any:
    """Read a small JSON file strictly: bounded size, UTF-8, no duplicate keys, no NaN."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise ConfigError(f"{path}: {size} bytes, expected at most {limit}.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}).") from error
    return parse_json(text, str(path))


def parse_json(text: str, where: str) -> Any:
    """Parse JSON without duplicate keys, NaN or infinity (ConfigError otherwise)."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not valid JSON ({printable(str(error))}).") from error


def printable(text: str) -> str:
    """The text without control characters, so that a hostile file cannot drive a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def check_bounded(value: Any, path: str, *, depth: int = 0) -> None:
    """ValueError unless a value is JSON of moderate size: nested up to 6 deep, short strings, finite numbers."""
    if depth > 6:
        raise ValueError(f"{path} is nested more than 6 deep")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str) or len(key) > 64:
                raise ValueError(f"{path} has a key that is not a short string")
            check_bounded(item, f"{path}.{key}", depth=depth + 1)
    elif isinstance(value, list | tuple):
        if len(value) > 4096:
            raise ValueError(f"{path} has {len(value)} items, expected at most 4096")
        for index, item in enumerate(value):
            check_bounded(item, f"{path}[{index}]", depth=depth + 1)
    elif isinstance(value, str):
        if len(value) > 2000 or not value.isprintable():
            raise ValueError(f"{path} is too long or holds control characters")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value) or abs(value) > 1e12:
            raise ValueError(f"{path} is {value}, expected a finite number up to 1e12")
    elif not isinstance(value, bool | None):
        raise ValueError(f"{path} is {type(value).__name__}, expected JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"key '{printable(key[:64])}' appears twice")
        result[key] = value
    return result


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not allowed")
