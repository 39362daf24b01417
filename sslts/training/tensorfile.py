"""Tensors of a running training as a safetensors file: what to store, and reading it back as untrusted input.

The header is bounded (hub/header.py) and compared with what the model implies before anything is allocated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from sslts.errors import ArtefactError, CheckpointError, UnsupportedError
from sslts.hub.header import read_header
from sslts.strict_json import printable

_METHOD, _OPTIMISER = "method.", "optimiser."
_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Names with (dtype, shape) as a safetensors header says them. The optimiser holds a parameter's state only once it had a gradient."""

    required: Mapping[str, tuple[str, tuple[int, ...]]]
    optional: Mapping[str, tuple[str, tuple[int, ...]]]


def layout(method: nn.Module, optimiser: torch.optim.AdamW) -> Layout:
    """What a checkpoint of this method and optimiser holds."""
    required = {_METHOD + name: _describe(name, value) for name, value in method.state_dict().items()}
    optional: dict[str, tuple[str, tuple[int, ...]]] = {}
    for name, parameter in _optimised(optimiser):
        for moment in ("exp_avg", "exp_avg_sq"):
            optional[f"{_OPTIMISER}{name}.{moment}"] = _describe(name, parameter)
        optional[f"{_OPTIMISER}{name}.step"] = ("F32", ())
    return Layout(required, optional)


def collect(method: nn.Module, optimiser: torch.optim.AdamW) -> dict[str, Tensor]:
    """Copies of every tensor that resuming needs, on the CPU."""
    tensors = {_METHOD + name: _copy(value) for name, value in method.state_dict().items()}
    for name, parameter in _optimised(optimiser):
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"{_OPTIMISER}{name}.{key}"] = _copy(value)
    return tensors


def restore(tensors: Mapping[str, Tensor], method: nn.Module, optimiser: torch.optim.AdamW) -> None:
    """Put collected tensors back, exactly."""
    method.load_state_dict({name.removeprefix(_METHOD): value for name, value in tensors.items() if name.startswith(_METHOD)}, strict=True)
    for name, parameter in _optimised(optimiser):
        prefix = f"{_OPTIMISER}{name}."
        state = {key: tensors[prefix + key] for key in ("step", "exp_avg", "exp_avg_sq") if prefix + key in tensors}
        # The step count stays on the CPU, as AdamW itself keeps it.
        optimiser.state[parameter] = {key: value.clone() if key == "step" else value.to(parameter.device) for key, value in state.items()}


def encode(tensors: dict[str, Tensor]) -> bytes:
    """The safetensors file."""
    return safetensors.torch.save(tensors)


def read_tensors(path: Path, expected: Layout) -> dict[str, Tensor]:
    """Read a safetensors file whose header fits `expected` (CheckpointError otherwise, before anything is allocated)."""
    try:
        header = {name: (info.dtype, info.shape) for name, info in read_header(path).tensors.items()}
    except ArtefactError as error:
        raise CheckpointError(str(error)) from error
    known = {**expected.required, **expected.optional}
    missing = sorted(set(expected.required) - set(header))
    if missing:
        raise CheckpointError(f"{path}: {len(missing)} tensors are missing, such as '{missing[0]}'.")
    for name, entry in header.items():
        if name not in known:
            raise CheckpointError(f"{path}: tensor '{printable(name[:200])}' does not belong to this model.")
        if entry != known[name]:
            raise CheckpointError(f"{path}: tensor '{name}' is {printable(str(entry)[:200])}, expected {known[name]}.")
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read ({printable(str(error))}).") from error


def _describe(name: str, value: Tensor) -> tuple[str, tuple[int, ...]]:
    if not isinstance(value, Tensor) or value.dtype not in _DTYPES:
        what = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise UnsupportedError(f"State entry '{name}' is {what}; a checkpoint holds tensors of {', '.join(_DTYPES.values())} only.")
    return _DTYPES[value.dtype], tuple(value.shape)


def _copy(value: Tensor) -> Tensor:
    # A clone of its own, because safetensors refuses tensors that share memory (tied weights, expanded buffers).
    return value.detach().to("cpu", copy=True).contiguous()


def _optimised(optimiser: torch.optim.AdamW) -> list[tuple[str, nn.Parameter]]:
    return [(name, parameter) for group in optimiser.param_groups for name, parameter in zip(group["names"], group["params"], strict=True)]
