"""The windows of a protocol: every labelled window of every subject, cut for whatever a row reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sslts import registry
from sslts.config import SensorSpec
from sslts.data.prepare import prepare
from sslts.data.recording import Recording
from sslts.data.specs import empatica_e4
from sslts.data.windows import Cut, cut, labelled_windows
from sslts.evaluate.protocol import Labels, Protocol


@dataclass(frozen=True, slots=True)
class Grid:
    """All windows, subject by subject.

    data: folder that holds the data sets
    recordings, starts_s: by subject; starts_s is float64 [windows of the subject] on the recording's clock
    subjects: n names; classes: int [n], positions in the protocol's classes
    modalities: names in the order of every `present`
    """

    data: Path
    spec: SensorSpec
    recordings: Mapping[str, Recording]
    starts_s: Mapping[str, NDArray[np.float64]]
    subjects: tuple[str, ...]
    classes: Labels
    _cuts: dict[str, dict[str, Cut]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.subjects)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the sensors."""
        return self.spec.names

    def cut(self, spec: SensorSpec) -> dict[str, Cut]:
        """The windows as a model with this spec reads them: its modalities, units and rates. Computed once for each spec."""
        key = spec.model_dump_json()
        if key not in self._cuts:
            self._cuts[key] = self._cut(spec)
        return self._cuts[key]

    def _cut(self, spec: SensorSpec) -> dict[str, Cut]:
        parts = [cut(prepare(recording, spec), spec, self.starts_s[subject]) for subject, recording in self.recordings.items()]
        return {name: Cut(*(np.concatenate([part[name][index] for part in parts]) for index in range(3))) for name in spec.names}

    def raw(self) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
        """{modality: float32 [n, C, T]} at the sensors' own rates, and the rates in Hz."""
        cuts = self.cut(self.spec)
        return {name: cuts[name].values for name in cuts}, {modality.name: modality.rate_hz for modality in self.spec.named}


def load_grid(protocol: Protocol, data: Path) -> Grid:
    """Read all subjects of a protocol from `data/FOLDER` and cut its grid (ConfigError if the windows are not the protocol's)."""
    reader = registry.get("reader", protocol.reader).create()  # type: ignore[attr-defined]
    recordings, starts, subjects, labels = {}, {}, [], []
    for subject in protocol.subjects:
        recording = reader.read(data / protocol.folder, session=subject)
        windows = labelled_windows(recording, window_s=protocol.window_s, stride_s=protocol.stride_s)
        used = np.asarray([label in protocol.classes for label in windows.labels], dtype=bool)
        recordings[subject], starts[subject] = recording, windows.starts_s[used]
        labels += [label for label in windows.labels if label in protocol.classes]
        subjects += [subject] * int(used.sum())
    classes = protocol.class_index(labels)
    protocol.check_windows(subjects, classes)
    spec = empatica_e4(window_s=protocol.window_s, stride_s=protocol.stride_s)
    return Grid(data, spec, recordings, starts, tuple(subjects), classes)
