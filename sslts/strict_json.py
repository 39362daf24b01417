"""JSON as configs, headers and manifests need it: bounded, without duplicate keys, NaN or infinity. Standard library only."""

from __future__ import annotations

import json
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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"key '{printable(key[:64])}' appears twice")
        result[key] = value
    return result


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not allowed")
