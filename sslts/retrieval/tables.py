"""Results as text: a table to look at, and a .csv that is written whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns of one width, the header first."""
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """One line a row; None is an empty cell, numbers read back to the same numbers. Returns the path."""
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows([["" if cell is None else str(cell) for cell in row] for row in rows])
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
