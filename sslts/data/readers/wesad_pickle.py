"""WESAD from the official `SX/SX.pkl`: chest (RespiBAN, 700 Hz) and wrist (Empatica E4), already on one clock, with labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from sslts.config import Channel, ComponentConfig
from sslts.data import specs
from sslts.data.labels import Interval, LabelTrack
from sslts.data.reader import Reader, existing
from sslts.data.readers.safe_pickle import PickledArray, opened_pickle
from sslts.data.readers.wesad_protocol import CITATION, LABEL_NUMBERS, LABELS, LICENCE, subject_folders
from sslts.data.recording import Recording, Stream
from sslts.errors import ReaderError
from sslts.strict_json import printable

_CHEST_HZ = 700.0
_CHEST = "chest"


def _chest(name: str, kind: str, unit: str, what: str) -> Channel:
    return Channel(name=name, kind=kind, unit=unit, position=_CHEST, description=f"{what} at the chest")


_E4 = {modality.name: modality for modality in specs.empatica_e4().named}
#: Device -> name in the pickle -> stream, rate, channels, factor to the channels' unit.
_LAYOUT: dict[str, dict[str, tuple[str, float, tuple[Channel, ...], float]]] = {
    "wrist": {
        "ACC": ("acc", 32.0, _E4["acc"].channels, 1 / 64),
        "BVP": ("bvp", 64.0, _E4["bvp"].channels, 1.0),
        "EDA": ("eda", 4.0, _E4["eda"].channels, 1.0),
        "TEMP": ("temp", 4.0, _E4["temp"].channels, 1.0),
    },
    "chest": {
        "ACC": ("chest-acc", _CHEST_HZ, tuple(_chest(axis, "accelerometer", "g", f"acceleration along {axis}") for axis in "xyz"), 1.0),
        "ECG": ("chest-ecg", _CHEST_HZ, (_chest("ecg", "electrocardiogram", "mV", "electrocardiogram"),), 1.0),
        "EMG": ("chest-emg", _CHEST_HZ, (_chest("emg", "electromyogram", "mV", "electromyogram of the upper trapezius"),), 1.0),
        "EDA": ("chest-eda", _CHEST_HZ, (_chest("eda", "electrodermal-activity", "uS", "skin conductance"),), 1.0),
        "Temp": ("chest-temp", _CHEST_HZ, (_chest("temp", "skin-temperature", "degC", "skin temperature"),), 1.0),
        "Resp": ("chest-resp", _CHEST_HZ, (_chest("resp", "respiration", "%", "respiration belt"),), 1.0),
    },
}


@final
class WESAD(Reader):
    """`SX/SX.pkl` -> acc, bvp, eda, temp (wrist) and chest-acc, chest-ecg, chest-emg, chest-eda, chest-temp, chest-resp, with labels.

    Second 0 is the pickle's first sample. The pickle is read without unpickling it (see `safe_pickle`).
    """

    class Config(ComponentConfig):
        device: Literal["wrist", "chest", "both"] = "wrist"

    labels: ClassVar[Mapping[str, str]] = LABELS
    citation: ClassVar[str] = CITATION
    licence: ClassVar[str] = LICENCE

    config: Config

    def sessions(self, root: str | Path) -> tuple[str, ...]:
        path = existing(root)
        return (path.stem,) if path.is_file() else tuple(subject_folders(path, (".pkl",)))

    def files(self, root: str | Path, session: str) -> tuple[Path, ...]:
        path = existing(root)
        return (path if path.is_file() else subject_folders(path, (".pkl",))[session] / f"{session}.pkl",)

    def read(self, root: str | Path, *, session: str | None = None) -> Recording:
        subject = self.choose(root, session)
        (path,) = self.files(root, subject)
        devices = ("wrist", "chest") if self.config.device == "both" else (self.config.device,)
        with opened_pickle(path) as content:
            owner = _entry(content, path, "subject")
            if not isinstance(owner, str) or owner != subject:
                said = f"'{printable(owner[:20])}'" if isinstance(owner, str) else "no text"
                raise ReaderError(f"{path}: its subject is {said}, expected '{subject}' as its name says.")
            signal = _entry(content, path, "signal")
            streams = [
                _stream(_entry(signal, path, "signal", device), path, device, name, *layout)
                for device in devices
                for name, layout in _LAYOUT[device].items()
            ]
            numbers = _array(_entry(content, path, "label"), path, "label")
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise ReaderError(f"{path}: 'label' is {numbers.dtype} {numbers.shape}, expected whole numbers [n] at 700 Hz.")
        duration_s = len(numbers) / _CHEST_HZ
        for stream in streams:
            if abs(stream.duration_s - duration_s) > 2:
                raise ReaderError(f"{path}: '{stream.name}' lasts {stream.duration_s:.1f} s, the labels {duration_s:.1f} s.")
        return Recording({s.name: s for s in streams}, subject=subject, session=subject, labels=_labels(numbers, path))


def _entry(content: Any, path: Path, *names: str) -> Any:
    """content[last name]; the other names say where that is."""
    if not isinstance(content, dict) or names[-1] not in content:
        there = f"it has {', '.join(map(str, content))}" if isinstance(content, dict) and content else "nothing is there"
        raise ReaderError(f"{path}: no '{'.'.join(names)}' ({printable(there[:200])}). Expected WESAD's official pickle.")
    return content[names[-1]]


def _array(value: Any, path: Path, name: str) -> NDArray[Any]:
    if not isinstance(value, PickledArray):
        raise ReaderError(f"{path}: '{name}' is no array.")
    return value.read()


def _stream(
    signals: Any, path: Path, device: str, name: str, stream: str, rate_hz: float, channels: tuple[Channel, ...], factor: float
) -> Stream:
    values = _array(_entry(signals, path, "signal", device, name), path, f"{device}.{name}")
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[1] != len(channels):
        raise ReaderError(f"{path}: '{device}.{name}' has shape {values.shape}, expected [n, {len(channels)}].")
    with np.errstate(over="ignore", invalid="ignore"):
        return Stream(stream, channels, rate_hz, (values * factor).astype(np.float32))


def _labels(numbers: NDArray[Any], path: Path) -> LabelTrack:
    """Runs of one label; 0 and 5 to 7 are left out."""
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() <= 7:
        raise ReaderError(f"{path}: labels from {numbers.min()} to {numbers.max()}, expected 0 to 7.")
    edges = np.flatnonzero(np.diff(numbers)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(numbers)]])
    return LabelTrack(
        tuple(
            Interval(start / _CHEST_HZ, end / _CHEST_HZ, LABEL_NUMBERS[int(numbers[start])])
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            if end > start and int(numbers[start]) in LABEL_NUMBERS
        )
    )
