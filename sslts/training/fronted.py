"""Windows whose fixed front end was computed once: training steps then cost only what is trained."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm.auto import tqdm

from sslts.config import Channel
from sslts.errors import TrainingError
from sslts.interfaces import Component, Method
from sslts.training.checkpoint import installed_version
from sslts.training.source import LabelledSource, WindowSource, fingerprint, read
from sslts.types import ClipClock, SensorBatch, Signal

logger = logging.getLogger(__name__)


class FrontedSource:
    """All windows of a source, after `method.front`, in memory. Worth it where a window's front end is small (some hundred numbers).

    With `cache`, runs that share windows and front end share the work: the file's name is a digest of both. A damaged file is made anew.
    """

    def __init__(
        self, source: WindowSource, method: Method, *, batch_size: int = 64, progress: bool = False, cache: Path | None = None
    ) -> None:
        self._source = source
        path = None if cache is None else cache / f"front-{front_digest(source, method)[:24]}.safetensors"
        found = _stored(path) if path else None
        if found is None:
            found = self._compute(method, batch_size, progress)
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                partial = path.with_suffix(f".{os.getpid()}.partial")
                save_file(found, partial)
                partial.replace(path)
        self.batch_of_all = _as_batch(found)

    def __len__(self) -> int:
        return len(self._source)

    def batch(self, indices: Sequence[int], *, generator: torch.Generator) -> SensorBatch:
        """These windows, in this order. Nothing is random here."""
        return self.batch_of_all.select(torch.as_tensor(indices, dtype=torch.long))

    def digest(self) -> str:
        """That of the source, and of the code that describes its windows."""
        return fingerprint(self._source)

    def ids(self, indices: Sequence[int]) -> Sequence[str]:
        """The source's names."""
        return self._source.ids(indices)

    def subjects(self) -> Sequence[str]:
        """The subject of each window, where the source knows them."""
        known = getattr(self._source, "subjects", None)
        if known is None:
            raise TrainingError("This source does not know its subjects: give it a method subjects().")
        return known()

    def labels(self, indices: Sequence[int]) -> Sequence[int]:
        """The source's labels, for the monitor; -1 where it has none."""
        return self._source.labels(indices) if isinstance(self._source, LabelledSource) else [-1] * len(indices)

    def _compute(self, method: Method, batch_size: int, progress: bool) -> dict[str, Tensor]:
        parts: dict[str, list[Tensor]] = {}
        with torch.no_grad():
            for first in tqdm(range(0, len(self._source), batch_size), desc="front end", unit="batch", disable=not progress):
                rows = range(first, min(first + batch_size, len(self._source)))
                for name, signal in method.front(read(self._source, rows, torch.Generator())).signals.items():
                    parts.setdefault(f"{name}.values", []).append(signal.values)
                    parts.setdefault(f"{name}.present", []).append(signal.present)
        return {name: torch.cat(part).contiguous() for name, part in parts.items()}


def front_digest(source: WindowSource, method: Method) -> str:
    """sha256 of what decides the front end's output: the windows, the code that describes them, and what it makes of two of them.

    The last stands for what code alone does not say: options and tables fitted before.
    """
    digest = hashlib.sha256(f"{fingerprint(source)} {installed_version()} {code_digest(method)}".encode())
    rows = [0, len(source) - 1]
    with torch.no_grad():
        for name, signal in method.front(read(source, rows, torch.Generator())).signals.items():
            digest.update(name.encode() + signal.values.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def code_digest(method: Method) -> str:
    """sha256 of the Python files beside those that define the method's parts: any change there may change a front end."""
    folders = set()
    for module in method.modules():
        where = getattr(sys.modules.get(type(module).__module__), "__file__", None)
        if isinstance(module, Component) and where:
            folders.add(Path(where).parent)
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _stored(path: Path) -> Mapping[str, Tensor] | None:
    if not path.exists():
        return None
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        logger.warning("%s cannot be read (%s); computing it again.", path, error)
        return None


def _as_batch(found: Mapping[str, Tensor]) -> SensorBatch:
    channel = Channel(name="descriptor", kind="descriptor", unit="a.u.")

    def signal(values: Tensor, present: Tensor) -> Signal:
        observed = present[:, None, None].expand(values.shape)
        return Signal(values, (channel,) * values.shape[1], ClipClock(), present, observed)

    names = dict.fromkeys(name.removesuffix(".values") for name in found if name.endswith(".values"))
    return SensorBatch({name: signal(found[f"{name}.values"], found[f"{name}.present"]) for name in names})
