"""The windows of a protocol: every labelled window of every subject, cut for whatever a row reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sslts.config import SensorSpec
from sslts.data.prepare import prepare
from sslts.data.readers.activity import ActivityReader
from sslts.data.recording import Recording
from sslts.data.specs import empatica_e4
from sslts.data.windows import Cut, cut
from sslts.evaluate.protocol import Labels, Protocol
from sslts.evaluate.recordings import protocol_windows, read_recordings, reader_of


@dataclass(frozen=True, slots=True)
class Grid:
    """All windows, subject by subject, session by session.

    data: folder that holds the data sets
    recordings, starts_s: by session; starts_s is float64 [windows of the session] on the recording's clock
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
        parts = [cut(prepare(recording, spec), spec, self.starts_s[session]) for session, recording in self.recordings.items()]
        names = spec.names or tuple(parts[0])  # a spec that reads any channels names none
        return {name: Cut(*(np.concatenate([part[name][index] for part in parts]) for index in range(3))) for name in names}

    def raw(self) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
        """{modality: float32 [n, C, T]} at the sensors' own rates, and the rates in Hz."""
        cuts = self.cut(self.spec)
        return {name: cuts[name].values for name in cuts}, {modality.name: modality.rate_hz for modality in self.spec.named}


def load_grid(protocol: Protocol, data: Path) -> Grid:
    """Read all subjects of a protocol from `data/FOLDER` and cut its grid (ConfigError if the windows are not the protocol's)."""
    recordings = read_recordings(protocol, data / protocol.folder)
    starts, subjects, labels = {}, [], []
    for session, recording in recordings.items():
        windows = protocol_windows(protocol, recording)
        starts[session] = windows.starts_s
        labels += windows.labels
        subjects += [recording.subject or session] * len(windows)
    classes = protocol.class_index(labels)
    protocol.check_windows(subjects, classes)
    return Grid(data, raw_spec(protocol), recordings, starts, tuple(subjects), classes)


def raw_spec(protocol: Protocol) -> SensorSpec:
    """All sensors of the protocol's data set as they are: their own units and rates."""
    reader = reader_of(protocol)
    if isinstance(reader, ActivityReader):
        return SensorSpec(modalities=reader.modalities, window_s=protocol.window_s, stride_s=protocol.stride_s)
    return empatica_e4(window_s=protocol.window_s, stride_s=protocol.stride_s)
