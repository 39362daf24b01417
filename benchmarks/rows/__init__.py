"""All rows by name. Building a row imports only what it needs."""

from __future__ import annotations

from benchmarks.rows.base import Row
from sslts.errors import UnknownNameError, suggest


def all_rows() -> dict[str, Row]:
    """Every row, in the order of the table."""
    from benchmarks.rows import ablations, crossl, peers, supervised

    rows = [*peers.rows(), *crossl.rows(), *supervised.rows(), *ablations.rows()]
    return {row.name: row for row in rows}


def find_rows(names: list[str]) -> list[Row]:
    """Rows by name; `peers`, `models`, `ablations` and `all` stand for several (UnknownNameError otherwise)."""
    known = all_rows()
    found: dict[str, Row] = {}
    for name in names:
        several = {key: row for key, row in known.items() if name == "all" or f"{row.kind}s" == name}
        if not several and name not in known:
            choices = [*known, "peers", "models", "ablations", "all"]
            raise UnknownNameError(f"No row is named '{name}'. {suggest(name, choices)}Known rows: {', '.join(choices)}.")
        found |= several or {name: known[name]}
    return list(found.values())
