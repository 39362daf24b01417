"""Tables of the summaries, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def section(title: str, stamp: str, lines: list[str]) -> list[str]:
    """Heading, stamp and table; nothing for a table without rows."""
    return [f"## {title}", stamp, "\n".join(lines)] if len(lines) > 2 else []


def table(head: Iterable[str], body: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a table."""
    head = list(head)
    return [_line(head), _line(["---"] * len(head)), *(_line(cells) for cells in body)]


def points(value: dict[str, Any], *, sign: bool = False) -> str:
    """`72.5 +- 4.8`, or the mean alone where there is no interval."""
    mean = f"{100 * value['mean']:+.1f}" if sign else f"{100 * value['mean']:.1f}"
    return mean if value["half_width"] is None else f"{mean} +- {100 * value['half_width']:.1f}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
