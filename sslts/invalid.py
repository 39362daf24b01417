"""What pydantic finds wrong with a config, in sentences of this library's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sslts.errors import suggest
from sslts.strict_json import printable

if TYPE_CHECKING:
    from pydantic import ValidationError


def describe(error: ValidationError, *, known: Sequence[str] = ()) -> str:
    """The first problems of a pydantic error, one clause each: field, what was expected, what came. known: fields of the whole."""
    clauses = []
    for problem in error.errors(include_url=False)[:5]:
        field = ".".join(str(part) for part in problem["loc"]) or "value"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = _unknown(field, known) if len(problem["loc"]) == 1 else "unknown key; remove it, or update sslts or the plugin"
        came = "" if problem["type"] in {"missing", "extra_forbidden", "value_error"} else f" (got {_short(problem.get('input'))})"
        clauses.append(f"{printable(field)}: {printable(message)}{came}")
    return "; ".join(clauses)


def _unknown(field: str, known: Sequence[str]) -> str:
    """A key too many may be a typo, or of a later version of what reads it."""
    hint = suggest(field, known).strip()
    listed = f"known: {', '.join(known)}" if known else "there are no keys"
    return f"unknown key{f'. {hint}' if hint else ''} ({listed}); remove it, or update sslts or the plugin"


def _short(value: Any) -> str:
    text = printable(repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."
