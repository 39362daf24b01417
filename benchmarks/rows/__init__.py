"""All rows of a protocol by name. Building a row imports only what it needs."""

from __future__ import annotations

from benchmarks.rows.base import Row
from sslts.errors import UnknownNameError, suggest
from sslts.evaluate.protocol import Protocol

#: Protocols whose windows are a wristband's; all others are judged on body-worn motion sensors.
WRISTBAND = ("wesad-loso",)


def all_rows(protocol: Protocol) -> dict[str, Row]:
    """Every row of the protocol, in the order of its table."""
    if protocol.id in WRISTBAND:
        from benchmarks.rows import ablations, crossl, peers, supervised

        rows = [*peers.rows(), *crossl.rows(), *supervised.rows(), *ablations.rows()]
    else:
        from benchmarks.rows import jepa, motion_peers

        rows = [*motion_peers.rows(), *jepa.rows()]
    return {row.name: row for row in rows}


def find_rows(names: list[str], protocol: Protocol) -> list[Row]:
    """Rows by name; `peers`, `models`, `ablations` and `all` stand for several (UnknownNameError otherwise)."""
    known = all_rows(protocol)
    found: dict[str, Row] = {}
    for name in names:
        several = {key: row for key, row in known.items() if name == "all" or f"{row.kind}s" == name}
        if not several and name not in known:
            choices = [*known, "peers", "models", "ablations", "all"]
            raise UnknownNameError(f"{protocol.id} has no row '{name}'. {suggest(name, choices)}Known rows: {', '.join(choices)}.")
        found |= several or {name: known[name]}
    return list(found.values())
