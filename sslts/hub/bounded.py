"""A small file must not make a machine allocate a large network: what is built is held against the header of its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from sslts.errors import ArtefactError
from sslts.hub.header import read_header
from sslts.hub.layout import WEIGHTS

#: Functions whose sizes decide what is allocated; layers call nothing else to make their parameters and buffers.
_FACTORIES = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)
#: Beyond what the file holds: parts that are built but not stored, scratch values of an initialisation.
_SPARE = 4_000_000


class BoundedBuild(TorchFunctionMode):
    """Inside this context, making a tensor far larger than everything that `folder`'s weights hold is an ArtefactError."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.limit = 2 * sum(info.items for info in read_header(folder / WEIGHTS).tensors.values()) + _SPARE
        self.made = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Count what a factory is asked for, before it allocates."""
        named = dict(kwargs or {})
        if func in _FACTORIES:
            self.made += _items(named.get("size", args))
            if self.made > self.limit:
                raise ArtefactError(
                    f"{self.folder}: the config describes a network of more than {self.made:,} numbers, but {WEIGHTS} holds far fewer. "
                    "The two do not belong together: get the model again."
                )
        return func(*args, **named)


def _items(size: Any) -> int:
    """Elements of a tensor of this size, given as numbers or as one sequence."""
    given = size[0] if isinstance(size, tuple) and len(size) >= 1 and isinstance(size[0], tuple | list) else size
    return math.prod(int(length) for length in given) if isinstance(given, tuple | list) and all(type(n) is int for n in given) else 0
