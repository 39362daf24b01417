"""Embeddings of one or more recordings as a file: .npz, .csv or .parquet. Written whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sslts.embeddings import Embeddings
from sslts.errors import ConfigError, missing_dependency

FORMATS = (".npz", ".csv", ".parquet")


def check_target(path: Path, *, overwrite: bool, formats: Sequence[str] = FORMATS, option: str = "--out") -> None:
    """Refuse a file that could not be written, before anything is computed.

    Raises:
        ConfigError: unknown ending, no such folder, or the file exists and may not be replaced.
        MissingDependencyError: .parquet without pyarrow.
    """
    if path.suffix not in formats:
        raise ConfigError(f"{option} must end in {', '.join(formats)}, got '{path}'.")
    if not path.parent.is_dir():
        raise ConfigError(f"There is no folder '{path.parent}' for '{path.name}'. Make it first.")
    if path.exists() and not overwrite:
        raise ConfigError(f"{path} exists. Choose another {option}, or replace it with --overwrite.")
    if path.suffix == ".parquet":
        _pyarrow()


def write_table(path: Path, parts: Mapping[str, Embeddings]) -> None:
    """Write {recording: embeddings}. In .csv and .parquet a row is a window: recording, time_s, present_*, e0 ... e{E-1}.

    In .npz: values [n, E], time_s [n], present [n, M], recording [n] (names), modalities [M], and window_s, normalise, model.
    """
    writers: dict[str, Callable[[Path, Mapping[str, Embeddings]], None]] = {
        ".npz": _write_npz,
        ".csv": _write_csv,
        ".parquet": _write_parquet,
    }
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        writers[path.suffix](partial, parts)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _names(parts: Mapping[str, Embeddings]) -> NDArray[np.str_]:
    return np.asarray([name for name, part in parts.items() for _ in range(len(part))], dtype=np.str_)


def _write_npz(path: Path, parts: Mapping[str, Embeddings]) -> None:
    whole = Embeddings.join(list(parts.values()))
    np.savez_compressed(
        path,
        values=whole.values,
        time_s=whole.time_s,
        present=whole.present,
        recording=_names(parts),
        modalities=np.asarray(whole.modalities, dtype=np.str_),
        window_s=np.asarray(whole.window_s),
        normalise=np.asarray(whole.normalise),
        model=np.asarray(whole.model),
    )


def _columns(parts: Mapping[str, Embeddings]) -> dict[str, NDArray[Any]]:
    whole = Embeddings.join(list(parts.values()))
    return {
        "recording": _names(parts),
        "time_s": whole.time_s,
        **{f"present_{name}": whole.present[:, index] for index, name in enumerate(whole.modalities)},
        **{f"e{index}": whole.values[:, index] for index in range(whole.values.shape[1])},
    }


def _write_csv(path: Path, parts: Mapping[str, Embeddings]) -> None:
    columns = _columns(parts)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        # str of a NumPy number is the shortest text that reads back to the same number.
        writer.writerows(zip(*([str(value) for value in column] for column in columns.values()), strict=True))


def _write_parquet(path: Path, parts: Mapping[str, Embeddings]) -> None:
    arrow, parquet = _pyarrow()
    parquet.write_table(arrow.table({name: arrow.array(column) for name, column in _columns(parts).items()}), path)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise missing_dependency("pyarrow", "parquet", "Writing .parquet") from None
    return pyarrow, pyarrow.parquet
