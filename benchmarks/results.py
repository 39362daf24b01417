"""Results on disk: one JSON a row and fold, written atomically, enough to recompute every figure."""

from __future__ import annotations

import datetime
import json
import os
import platform
import string
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from sslts.evaluate.loso import FractionOutcome, Outcome
from sslts.evaluate.robustness import MissingOutcome

ROOT = Path(__file__).parent / "results"
_CHARACTERS = string.digits + string.ascii_lowercase
PACKAGES = ("sslts", "numpy", "scipy", "scikit-learn", "torch", "aeon")


def fold_path(protocol: str, row: str, subject: str, *, root: Path = ROOT) -> Path:
    """`results/wesad-loso/handmade-lr/S2.json`."""
    return root / protocol / row / f"{subject}.json"


def read_current(path: Path, digest: str) -> dict[str, Any]:
    """The file's content if it holds results of this configuration (the digest covers the protocol and its version), else nothing."""
    if not path.exists():
        return {}
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return stored if stored["config_sha256"] == digest else {}


def write_json(path: Path, content: Any) -> None:
    """Write a whole file or nothing; lists of numbers stay on one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(dump(content) + "\n", encoding="utf-8")
    partial.replace(path)


def save_array(path: Path, values: Any) -> None:
    """A whole .npy file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.npy")
    np.save(partial, values, allow_pickle=False)
    partial.replace(path)


def dump(content: Any, indent: int = 0) -> str:
    """JSON with one key a line, and everything that holds no object on one line: small files, readable differences."""
    if isinstance(content, dict) and content:
        inner = ",\n".join(f"{' ' * (indent + 1)}{json.dumps(key)}: {dump(value, indent + 1)}" for key, value in content.items())
        flat = json.dumps(content)
        return flat if len(flat) <= 160 else "{\n" + inner + "\n" + " " * indent + "}"
    if isinstance(content, list) and any(isinstance(item, dict) for item in content):
        return "[\n" + ",\n".join(" " * (indent + 1) + dump(item, indent + 1) for item in content) + "\n" + " " * indent + "]"
    return json.dumps(content)


def versions() -> dict[str, str]:
    """Python and the packages that a figure can depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def today() -> str:
    """The date of the computation, UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def task_entry(outcome: Outcome) -> dict[str, Any]:
    """One task in one setting. `predicted`: one character a window, in the order of the grid: 0 to 9, then a to z."""
    return {
        "task": outcome.task,
        "setting": outcome.setting,
        "confusion": outcome.confusion.tolist(),
        "predicted": "".join(_CHARACTERS[label] for label in outcome.predicted),
        "chosen": outcome.chosen,
    }


def fraction_entry(outcome: FractionOutcome) -> dict[str, Any]:
    """One fraction and draw."""
    return {
        "task": outcome.task,
        "setting": outcome.setting,
        "fraction": outcome.fraction,
        "draw": outcome.draw,
        "labels": outcome.labels,
        "confusion": outcome.confusion.tolist(),
    }


def missing_entry(outcome: MissingOutcome, *, task: str, setting: str, modalities: tuple[str, ...]) -> dict[str, Any]:
    """One set of present modalities."""
    present = [name for name, there in zip(modalities, outcome.present, strict=True) if there]
    return {"task": task, "setting": setting, "present": present, "confusion": np.asarray(outcome.confusion).tolist()}
