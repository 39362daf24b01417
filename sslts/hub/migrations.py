"""Old config.json files made readable: pure functions from one schema number to the next.

A migration takes the parsed dictionary of schema n and returns that of schema n + 1; it never sees pydantic classes, which change.
Each schema has a golden file in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sslts._builtins import SCHEMA
from sslts.errors import ConfigError, RequirementError

Migration = Callable[[dict[str, Any]], dict[str, Any]]

#: schema n -> the step to n + 1. Schema 1 is the first and the current one.
MIGRATIONS: Mapping[int, Migration] = {}


def migrate(data: Any, where: str, *, migrations: Mapping[int, Migration] = MIGRATIONS, current: int = SCHEMA) -> dict[str, Any]:
    """The same config in the current schema; `data` is not changed.

    Raises:
        ConfigError: not an object, or without a usable schema_version.
        RequirementError: written by a newer sslts, or by one so old that no migration is left.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected a JSON object, got {type(data).__name__}.")
    schema = data.get("schema_version")
    if not isinstance(schema, int) or isinstance(schema, bool) or not 1 <= schema <= 1000:
        raise ConfigError(f"{where}: schema_version must be a whole number from 1 to 1000. Is this a config.json of sslts?")
    if schema > current:
        raise RequirementError(f"{where} has schema {schema}, this sslts reads up to {current}. Update it: pip install -U sslts.")
    result = dict(data)
    for step in range(schema, current):
        if step not in migrations:
            raise RequirementError(f"{where} has schema {schema}, which this sslts no longer reads. Load and save it with an older sslts.")
        result = {**migrations[step](result), "schema_version": step + 1}
    return result
