"""What code does to the world outside the process while a block runs: connections, processes, files read and written."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NOTED: list[list[str]] = []
_OUTSIDE = {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "urllib.Request", "os.remove", "os.mkdir", "os.rename"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
_installed = False


def _is_code(path: str) -> bool:
    """Whether a file belongs to Python, an installed package or the system: imports and metadata read those."""
    homes = (*sys.path, sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev", "/etc", "/usr")
    return path.endswith((".py", ".pyc", ".so")) or any(home and path.startswith(home) for home in homes)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _NOTED:
        return
    if event in _OUTSIDE:
        _NOTED[-1].append(f"{event} {args[0]!r}"[:120])
    elif event == "open":
        path, mode, flags = args
        writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITES)
        # Python writes byte code where a module is imported for the first time, and numba what it compiles.
        if writes and "__pycache__" not in str(path):
            _NOTED[-1].append(f"opened {path!r} for writing")
        elif not writes and isinstance(path, str) and not _is_code(path):
            _NOTED[-1].append(f"read {path!r}")


@contextmanager
def watched() -> Iterator[list[str]]:
    """A list that fills with what was done. Audit hooks cannot be removed, so one is installed at the first use and sleeps outside."""
    global _installed
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    seen: list[str] = []
    _NOTED.append(seen)
    try:
        yield seen
    finally:
        _NOTED.remove(seen)
