"""WORDS -> VECTORS: frozen text towers.

`load_static()` gives the one that travels with sslts. Names that need torch are looked up on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sslts.text.published import minilm_ref, static_ref

if TYPE_CHECKING:
    from sslts.text.known import warn_of_unknown_words
    from sslts.text.static import load_static

__all__ = ["load_static", "minilm_ref", "static_ref", "warn_of_unknown_words"]

_HEAVY = {"load_static": "sslts.text.static", "warn_of_unknown_words": "sslts.text.known"}


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(importlib.import_module(_HEAVY[name]), name)
    raise AttributeError(f"module 'sslts.text' has no attribute '{name}'. Public names: {', '.join(__all__)}.")
