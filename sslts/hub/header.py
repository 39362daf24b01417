"""The header of a safetensors file, read and checked by ourselves before anything is allocated.

The format (github.com/huggingface/safetensors): 8 bytes little-endian length, a JSON header, the data. A valid header may describe a
million empty tensors and cost a gigabyte to parse, so its size is bounded here; offsets must tile the data without gap or overlap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sslts.errors import ArtefactError, ConfigError
from sslts.strict_json import parse_json, printable

MAX_HEADER_BYTES = 1 << 20

#: Bytes of one element. Anything else is refused.
ITEM_BYTES: Mapping[str, int] = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor as the header describes it. `dtype` is the format's own name ("F32")."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def items(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """All tensors of a file by name, and its free-form metadata."""

    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """Read and check the header of a safetensors file.

    Raises:
        ArtefactError: not a regular file, truncated, a header over 1 MB, or a header that contradicts itself or the file's size.
    """
    try:
        if not path.is_file():
            raise ArtefactError(f"{path} is missing or not a file.")
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length > size - 8:
                raise ArtefactError(f"{path}: {size} bytes, its header claims {length}. The file is truncated or not safetensors.")
            if length > MAX_HEADER_BYTES:
                raise ArtefactError(f"{path}: header of {length} bytes, expected at most {MAX_HEADER_BYTES}.")
            text = stream.read(length).decode("utf-8")
        content = parse_json(text, "the header")
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise ArtefactError(f"{path} cannot be read ({error}).") from error
    return _checked(content, size - 8 - length, path)


def _checked(content: Any, data_bytes: int, path: Path) -> Header:
    if not isinstance(content, dict):
        raise ArtefactError(f"{path}: the header is not a JSON object.")
    metadata = content.pop("__metadata__", {})
    if not (isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())):
        raise ArtefactError(f"{path}: __metadata__ must map names to strings.")
    tensors, spans = {}, []
    for name, entry in content.items():
        where = f"{path}: tensor '{printable(name[:80])}'"
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ArtefactError(f"{where} must have exactly dtype, shape and data_offsets.")
        info = TensorInfo(_dtype(entry["dtype"], where), _whole_numbers(entry["shape"], where, at_most=8))
        offsets = _whole_numbers(entry["data_offsets"], where, at_most=2)
        if len(offsets) != 2 or offsets[1] - offsets[0] != info.items * ITEM_BYTES[info.dtype]:
            raise ArtefactError(f"{where}: offsets {list(offsets)} do not hold {info.dtype} {list(info.shape)}.")
        tensors[name] = info
        spans.append(offsets)
    end = 0
    for first, last in sorted(spans):
        if first != end:
            raise ArtefactError(f"{path}: tensors overlap or leave a gap at byte {min(first, end)} of the data.")
        end = last
    if end != data_bytes:
        raise ArtefactError(f"{path}: the header describes {end} bytes of data, the file holds {data_bytes}.")
    return Header(tensors, metadata)


def _dtype(value: Any, where: str) -> str:
    if not isinstance(value, str) or value not in ITEM_BYTES:
        raise ArtefactError(f"{where}: dtype {printable(repr(value)[:40])}, expected one of {', '.join(ITEM_BYTES)}.")
    return value


def _whole_numbers(value: Any, where: str, *, at_most: int) -> tuple[int, ...]:
    fits = isinstance(value, list) and len(value) <= at_most
    if not fits or not all(type(item) is int and 0 <= item < 1 << 48 for item in value):
        raise ArtefactError(f"{where}: {printable(repr(value)[:60])}, expected at most {at_most} whole numbers.")
    return tuple(value)
