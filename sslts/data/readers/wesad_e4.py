"""WESAD's wrist part from the Empatica E4 files, without the pickles.

The labels of `SX_quest.csv` count from the start of the chest device, 15 to 24 minutes into the E4's recording; the offset of each
subject is a fact that the files themselves do not hold (`wesad_protocol.PROTOCOL_START_S`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, final

from sslts.config import ComponentConfig, Modality
from sslts.data.labels import Interval, LabelTrack
from sslts.data.reader import Reader, existing
from sslts.data.readers.e4 import EmpaticaE4
from sslts.data.readers.files import opened
from sslts.data.readers.wesad_protocol import CITATION, LABELS, LICENCE, PROTOCOL_START_S, questionnaire_intervals, subject_folders
from sslts.data.recording import Recording
from sslts.data.specs import empatica_e4
from sslts.errors import ReaderError


@final
class WESADWrist(Reader):
    """`SX/SX_E4_Data` (folder or .zip) and `SX/SX_quest.csv` -> acc, bvp, eda, temp with labels. Second 0 is the E4's start."""

    class Config(ComponentConfig):
        pass

    labels: ClassVar[Mapping[str, str]] = LABELS
    citation: ClassVar[str] = CITATION
    licence: ClassVar[str] = LICENCE

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """acc, bvp, eda and temp at the device's own rates."""
        return empatica_e4().named

    def sessions(self, root: str | Path) -> tuple[str, ...]:
        return tuple(subject_folders(existing(root), ("_E4_Data", "_E4_Data.zip")))

    def files(self, root: str | Path, session: str) -> tuple[Path, ...]:
        folder = subject_folders(existing(root), ("_E4_Data", "_E4_Data.zip"))[session]
        return (*EmpaticaE4.create().files(_e4(folder), ""), folder / f"{session}_quest.csv")

    def read(self, root: str | Path, *, session: str | None = None) -> Recording:
        subject = self.choose(root, session)
        folder = subject_folders(existing(root), ("_E4_Data", "_E4_Data.zip"))[subject]
        recording = EmpaticaE4.create(subject=subject).read(_e4(folder))
        where = folder / f"{subject}_quest.csv"
        if subject not in PROTOCOL_START_S:
            raise ReaderError(
                f"{folder}: '{subject}' is no subject of WESAD ({', '.join(PROTOCOL_START_S)}), so its clock offset is not known."
            )
        zero = PROTOCOL_START_S[subject]
        with opened(folder) as files:
            intervals = questionnaire_intervals(files.text(where.name), str(where))
        track = LabelTrack(tuple(Interval(i.start_s + zero, i.end_s + zero, i.label) for i in intervals))
        return replace(recording, session=subject, labels=track)


def _e4(folder: Path) -> Path:
    unpacked = folder / f"{folder.name}_E4_Data"
    return unpacked if unpacked.is_dir() else unpacked.with_name(f"{unpacked.name}.zip")
