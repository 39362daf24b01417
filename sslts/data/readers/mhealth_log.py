"""mHealth (Banos et al., IWAAL 2014; UCI data set 319): `mHealth_subjectN.log`.

10 people, sensors on chest, right wrist and left ankle at 50 Hz. A line has 24 numbers: chest acceleration x y z, two ECG leads (mV), then
for left ankle and right lower arm each acceleration x y z (m/s^2), angular velocity x y z (deg/s) and magnetic field x y z ("local", so
arbitrary units), and the activity. The unit of the angular velocity is the documented one; it has not been checked against the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np

from sslts.config import Channel, ComponentConfig, Modality
from sslts.data.readers.activity import ActivityReader, Place
from sslts.data.readers.columns import Columns, label_runs, streams_of
from sslts.data.readers.files import numbers
from sslts.data.readers.inertial import accelerometer, gyroscope, magnetometer
from sslts.data.readers.tree import Tree
from sslts.data.recording import Recording
from sslts.errors import ReaderError

RATE_HZ = 50.0
_COLUMNS = 24

#: Activities 1 to 12; 0 is everything else.
LABELS = {
    "standing still": "standing still",
    "sitting and relaxing": "sitting and relaxing",
    "lying down": "lying down",
    "walking": "walking",
    "climbing stairs": "climbing stairs",
    "bending the waist forward": "bending the waist forward, again and again",
    "raising the arms in front": "raising the arms in front of the body, again and again",
    "bending the knees": "bending the knees to a crouch, again and again",
    "cycling": "cycling",
    "jogging": "jogging",
    "running": "running",
    "jumping front and back": "jumping front and back",
}


def _limb(position: str, first: int) -> tuple[Columns, ...]:
    short = position.replace(" ", "_")
    return (
        Columns(Modality(name=f"{short}_acc", rate_hz=RATE_HZ, channels=accelerometer(position, "m/s^2")), first),
        Columns(Modality(name=f"{short}_gyro", rate_hz=RATE_HZ, channels=gyroscope(position, "deg/s")), first + 3),
        Columns(Modality(name=f"{short}_mag", rate_hz=RATE_HZ, channels=magnetometer(position, "a.u.")), first + 6),
    )


_LEADS = tuple(
    Channel(
        name=f"lead{lead}",
        kind="electrocardiogram",
        unit="mV",
        position="chest",
        description=f"electrocardiogram at the chest, lead {lead}",
    )
    for lead in (1, 2)
)
_PARTS = (
    Columns(Modality(name="chest_acc", rate_hz=RATE_HZ, channels=accelerometer("chest", "m/s^2")), 0),
    Columns(Modality(name="chest_ecg", rate_hz=RATE_HZ, channels=_LEADS), 3),
    *_limb("left ankle", 5),
    *_limb("right wrist", 14),
)


@final
class MHealth(ActivityReader):
    """Streams chest_acc, chest_ecg, left_ankle_acc, left_ankle_gyro, left_ankle_mag, right_wrist_acc, ... Sessions "subject1"."""

    class Config(ComponentConfig):
        pass

    labels: ClassVar[Mapping[str, str]] = LABELS
    citation: ClassVar[str] = (
        "Banos et al. mHealthDroid: a novel framework for agile development of mobile health applications. IWAAL 2014. "
        "doi:10.1007/978-3-319-13105-4_14"
    )
    licence: ClassVar[str] = "see the data set's own page. Not redistributed here"

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return tuple(part.modality for part in _PARTS)

    def places(self, tree: Tree) -> Mapping[str, Place]:
        found = tree.find(r"mHealth_subject(\d{1,2})\.log", homes=("MHEALTHDATASET", ""))
        ordered = sorted((int(file.groups[0]), file.name) for file in found)
        return {f"subject{person}": Place(f"subject{person}", (name,)) for person, name in ordered}

    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        (name,) = place.files
        where = str(tree.path / name)
        table = numbers(tree.text(name), columns=_COLUMNS, delimiter=None, where=where, first_line=1)
        if not len(table):
            raise ReaderError(f"{where} holds no samples. Unpack it again.")
        times = np.arange(len(table)) / RATE_HZ
        labels = label_runs(table[:, -1], times, dict(enumerate(LABELS, start=1)), RATE_HZ, where=where, first_line=1)
        return Recording(streams_of(table, _PARTS), subject=place.subject, session=session, labels=labels)
