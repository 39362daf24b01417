"""A model's folder, identical locally, in the wheel and on the Hub: read it, check it, write it.

config.json states what the model is and the sha256 of every other file; model.safetensors holds the weights; README.md is the card;
metrics.json what the benchmarks measured; tokenizer.json exists where there is a text tower. Nothing else is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sslts.config import ModelConfig, parse
from sslts.errors import ArtefactError, WeightsMismatchError
from sslts.hub.folders import check_target, new_folder
from sslts.hub.header import Header, TensorInfo, read_header
from sslts.hub.layout import CARD, CONFIG, KNOWN_FILES, MANIFEST_FILES, METRICS, TOKENIZER, WEIGHTS
from sslts.hub.metrics import Metrics
from sslts.hub.migrations import migrate
from sslts.hub.requirements import check_requires
from sslts.strict_json import printable, read_json

if TYPE_CHECKING:  # torch costs a second; reading configs and listing models must not pay it
    from torch import Tensor

_DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
_HALF = {"stored": "float16"}  # header metadata of a file whose float32 tensors were rounded to float16


def read_config(folder: Path) -> ModelConfig:
    """Read config.json strictly, bring it to the current schema, validate it and check what it requires.

    Raises:
        ArtefactError: the folder or its config.json is missing.
        ConfigError: the config is not valid; the message names the field.
        RequirementError: it needs another sslts or a plugin; the message gives the pip line.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise ArtefactError(f"{folder} is not a model folder: it has no {CONFIG}.")
    data = migrate(read_json(path), str(path))
    config: ModelConfig = parse(ModelConfig, data, str(path))
    for name in config.files:
        if name not in MANIFEST_FILES:
            raise ArtefactError(f"{path}: files names '{printable(name[:80])}', expected only {', '.join(MANIFEST_FILES)}.")
    check_requires(config.requires, str(path))
    return config


def check_files(folder: Path, config: ModelConfig) -> None:
    """Compare every file that the config lists with its sha256.

    Raises:
        ArtefactError: a listed file is missing or differs, or weights or a tokenizer are there without being listed.
    """
    if WEIGHTS not in config.files:
        raise ArtefactError(f"{folder / CONFIG}: files does not list {WEIGHTS}. Save the model again with sslts.")
    if TOKENIZER not in config.files and (folder / TOKENIZER).exists():
        raise ArtefactError(f"{folder / TOKENIZER} is not listed in {CONFIG}. Remove it or save the model again.")
    for name, expected in config.files.items():
        path = folder / name
        if not path.is_file():
            raise ArtefactError(f"{path} is missing, although {CONFIG} lists it. Copy or download the whole folder.")
        found = sha256_of(path)
        if found != expected:
            raise ArtefactError(
                f"{path} has sha256 {found}, {CONFIG} says {expected}. The file was changed or damaged: get it again, "
                "or, if the change is yours, save the model again with it: Model.save(..., card=..., metrics=...)."
            )


def load_weights(folder: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of model.safetensors, on the CPU, after comparing its header with `expected` (the built module's state dict).

    Tensors stored as float16 come back as float32 where float32 is expected and the file says that it was saved so; nothing else is cast.

    Raises:
        ArtefactError: the file is not valid safetensors.
        WeightsMismatchError: names, shapes or dtypes differ; the message lists the first differences.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    header = read_header(path)
    _compare(header, expected, path)
    try:
        loaded = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ArtefactError(f"{path} cannot be read ({error}).") from error
    return {name: loaded[name].to(tensor.dtype) for name, tensor in expected.items()}


def write(
    folder: Path,
    config: ModelConfig,
    state: Mapping[str, Tensor],
    card: str,
    metrics: Metrics | Mapping[str, Any],
    *,
    tokenizer: bytes | None = None,
    half: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a model's folder in one step: it appears complete or not at all. The files' sha256 are filled in; returns the folder.

    The same content gives the same bytes. `half` stores float32 tensors as float16.

    Raises:
        ArtefactError: the folder is not empty and `overwrite` is False, or holds anything that is not a model's file; the weights
            cannot be stored, or the disk refuses them.
        ConfigError: `metrics` is not a valid metrics.json.
    """
    check_target(folder, KNOWN_FILES, what="model", overwrite=overwrite)
    measured: Metrics = parse(Metrics, metrics, METRICS)
    contents = {WEIGHTS: _serialise(state, half=half), CARD: card.encode(), METRICS: _json(measured.model_dump(mode="json"))}
    if tokenizer is not None:
        contents[TOKENIZER] = tokenizer
    sealed = config.model_copy(update={"files": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}})
    contents[CONFIG] = _json(sealed.model_dump(mode="json"))
    try:
        _write_all(folder, contents)
    except OSError as error:
        raise ArtefactError(f"{folder} cannot be written ({error}).") from error
    return folder


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_half(path: Path) -> bool:
    """Whether a weights file was written with `half`."""
    return read_header(path).metadata.items() >= _HALF.items()


def _compare(header: Header, expected: Mapping[str, Tensor], path: Path) -> None:
    half = header.metadata.items() >= _HALF.items()
    differences = [f"'{printable(name)}' is not in the file" for name in expected if name not in header.tensors]
    differences += [f"'{printable(name)}' is not in the model" for name in header.tensors if name not in expected]
    for name, tensor in expected.items():
        if name in header.tensors:
            differences += _difference(name, header.tensors[name], tensor, half=half)
    if differences:
        more = f"; and {len(differences) - 5} more" if len(differences) > 5 else ""
        raise WeightsMismatchError(f"{path} does not fit {CONFIG}: {'; '.join(differences[:5])}{more}. Are both of the same model?")


def _difference(name: str, stored: TensorInfo, tensor: Tensor, *, half: bool) -> list[str]:
    dtype, wanted = _DTYPES[stored.dtype], str(tensor.dtype).removeprefix("torch.")
    same_dtype = dtype == wanted or (half and (dtype, wanted) == ("float16", "float32"))
    if same_dtype and stored.shape == tuple(tensor.shape):
        return []
    return [f"'{name}' is {dtype} {list(stored.shape)}, the model has {wanted} {list(tensor.shape)}"]


def _serialise(state: Mapping[str, Tensor], *, half: bool) -> bytes:
    from safetensors.torch import save

    # A copy of each tensor: the format refuses views that share memory. Sorted: the same weights give the same bytes.
    tensors = {name: storable(name, state[name], half=half).contiguous().clone() for name in sorted(state)}
    return save(tensors, metadata=_HALF if half else {"format": "pt"})


def storable(name: str, tensor: Tensor, *, half: bool) -> Tensor:
    """The tensor as a file holds it (ArtefactError: it holds NaN or infinite values, or values beyond float16 where `half` asks for it)."""
    import torch

    stored = tensor.detach().cpu()
    if not torch.isfinite(stored).all():
        raise ArtefactError(f"Tensor '{name}' holds NaN or infinite values: these weights would embed nothing. Nothing was written.")
    if half and stored.dtype == torch.float32:
        stored = stored.to(torch.float16)
        if not torch.isfinite(stored).all():
            raise ArtefactError(f"Tensor '{name}' has values beyond float16 (65504). Save it with half=False.")
    return stored


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    with new_folder(folder) as temporary:
        for name, data in contents.items():
            (temporary / name).write_bytes(data)
        read_config(temporary)
