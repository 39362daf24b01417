"""Arrays in `.npy` files: checked by their headers, read or mapped, with an error that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sslts.errors import ReaderError

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
#: The file may be fine; this process or machine has no room to open it.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def array_header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """(shape, dtype) of an array file, without reading its values.

    Raises:
        ReaderError: it is missing, no array file, or shorter or longer than its header says.
    """
    with _told(path), path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"format {version[0]}.{version[1]}, expected 1.0 or 2.0")
        shape, _, dtype = _HEADERS[version](file)
        expected, came = file.tell() + prod(shape) * dtype.itemsize, path.stat().st_size
        if came != expected:
            raise ValueError(f"{came} bytes, expected {expected}")
        return shape, dtype


def load_array(path: Path, *, mapped: bool) -> NDArray[Any]:
    """An array file's values, read or memory-mapped.

    Raises:
        ReaderError: it cannot be read.
    """
    with _told(path):
        found: NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
        return found


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise ReaderError(f"{path} cannot be opened ({error}). Close files or raise the limit of open files (ulimit -n).") from error
        raise ReaderError(f"{path} cannot be read ({error}). Delete {path.parent} and build the store again.") from error
