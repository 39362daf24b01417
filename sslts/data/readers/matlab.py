"""A numeric array from a MATLAB 5 file. `scipy.io.loadmat` parses data and runs none; anything but plain numbers is refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sslts.errors import ReaderError, UnsafeFileError
from sslts.strict_json import printable

_HEADER_BYTES = 128


def numeric_array(data: bytes, *, key: str, dims: int, where: str, max_bytes: int = 1 << 20) -> NDArray[Any]:
    """The array `key`, with `dims` axes, in the file's own number type. Compressed files unpack to at most 1,032 times `max_bytes`.

    Raises:
        ReaderError: no MATLAB 5 file, damaged, too large, or without this array.
        UnsafeFileError: the entry is an object, a function, a cell, a struct or text.
    """
    from scipy.io import loadmat

    if len(data) > max_bytes:
        raise ReaderError(f"{where} has {len(data)} bytes, expected at most {max_bytes}.")
    if data[124:128] not in (b"\x00\x01IM", b"\x01\x00MI"):
        raise ReaderError(f"{where} is no MATLAB 5 file (or is truncated within its first {_HEADER_BYTES} bytes). Download it again.")
    try:
        entries = loadmat(io.BytesIO(data), variable_names=[key])
    except Exception as error:  # scipy raises whatever the damaged bytes lead to: ValueError, TypeError, zlib.error, MemoryError, ...
        raise ReaderError(f"{where} is damaged ({printable(str(error))[:200]}). Download it again.") from error
    if key not in entries:
        raise ReaderError(f"{where} holds no array '{key}'.")
    array = entries[key]
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise UnsafeFileError(f"{where}: '{key}' holds {getattr(array, 'dtype', type(array).__name__)}, expected plain numbers.")
    if array.ndim != dims:
        raise ReaderError(f"{where}: '{key}' has shape {array.shape}, expected {dims} axes.")
    return array
