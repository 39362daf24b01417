"""RECORDINGS -> WINDOWS: read, check, convert, resample, cut.

    recording -> prepare(recording, spec) -> window_starts -> cut -> standardise -> to_batch

The core needs numpy only; scipy, pandas and torch are imported by the functions that use them. Names that need torch, and the heavier
modules, are looked up on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sslts.data.labels import Interval, LabelTrack

# `resample` and `prepare` are functions that live in modules of the same name: binding them here, at once, keeps
# `sslts.data.resample(...)` a function whatever was imported before.
from sslts.data.prepare import prepare
from sslts.data.recording import Recording, Stream
from sslts.data.resample import resample
from sslts.data.units import convert
from sslts.data.windows import Cut, LabelledWindows, cut, labelled_windows, window_starts

if TYPE_CHECKING:
    from sslts.data import clips, frames, readers, specs, synthetic
    from sslts.data.collate import to_batch
    from sslts.data.normalise import fit_statistics, recording_statistics, standardise, standardise_windows
    from sslts.data.reader import Reader
    from sslts.data.store import Source, WindowStore, build_store

__all__ = [
    "Cut",
    "Interval",
    "LabelTrack",
    "LabelledWindows",
    "Reader",
    "Recording",
    "Source",
    "Stream",
    "WindowStore",
    "build_store",
    "clips",
    "convert",
    "cut",
    "fit_statistics",
    "frames",
    "labelled_windows",
    "prepare",
    "readers",
    "recording_statistics",
    "resample",
    "specs",
    "standardise",
    "standardise_windows",
    "synthetic",
    "to_batch",
    "window_starts",
]

_LAZY = {
    "Reader": "sslts.data.reader",
    "Source": "sslts.data.store",
    "WindowStore": "sslts.data.store",
    "build_store": "sslts.data.store",
    "fit_statistics": "sslts.data.normalise",
    "recording_statistics": "sslts.data.normalise",
    "standardise": "sslts.data.normalise",
    "standardise_windows": "sslts.data.normalise",
    "to_batch": "sslts.data.collate",
}
_MODULES = ("clips", "frames", "readers", "specs", "synthetic")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
