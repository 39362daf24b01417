"""HAPT, Human Activities and Postural Transitions (Reyes-Ortiz et al., Neurocomputing 2016; UCI data set 341): the raw signals.

`RawData/acc_expXX_userYY.txt` (g) and `gyro_expXX_userYY.txt` (rad/s): three numbers a line at 50 Hz. `RawData/labels.txt`: experiment,
user, activity, first and last sample. The phone was worn on the waist. The authors call it an updated version of UCI HAR,
with 30 volunteers as there: count a user of both as one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np

from sslts.config import ComponentConfig, Modality
from sslts.data.labels import Interval, LabelTrack
from sslts.data.readers.activity import ActivityReader, Place
from sslts.data.readers.columns import Columns, streams_of
from sslts.data.readers.files import numbers
from sslts.data.readers.inertial import accelerometer, gyroscope
from sslts.data.readers.smartphone_har import LABELS as POSTURES_AND_WALKING
from sslts.data.readers.tree import Tree
from sslts.data.recording import Recording, Stream
from sslts.errors import ReaderError

RATE_HZ = 50.0

#: Activities 1 to 12.
LABELS = {
    **POSTURES_AND_WALKING,
    "standing to sitting": "sitting down from standing",
    "sitting to standing": "standing up from sitting",
    "sitting to lying": "lying down from sitting",
    "lying to sitting": "sitting up from lying",
    "standing to lying": "lying down from standing",
    "lying to standing": "standing up from lying",
}
_PHONE = "the phone on the waist"
_ACC = Columns(Modality(name="acc", rate_hz=RATE_HZ, channels=accelerometer("waist", "g", of=_PHONE)), 0)
_GYRO = Columns(Modality(name="gyro", rate_hz=RATE_HZ, channels=gyroscope("waist", "rad/s", of=_PHONE)), 0)


@final
class HAPT(ActivityReader):
    """Streams acc (g) and gyro (rad/s), each x, y, z. Sessions "exp01_user01"; what lies between the labelled stretches has no label."""

    class Config(ComponentConfig):
        pass

    labels: ClassVar[Mapping[str, str]] = LABELS
    citation: ClassVar[str] = (
        "Reyes-Ortiz, Oneto, Sama, Parra, Anguita. Transition-Aware Human Activity Recognition Using Smartphones. "
        "Neurocomputing 171, 2016. doi:10.1016/j.neucom.2015.07.085"
    )
    licence: ClassVar[str] = "see the data set's own page. Not redistributed here"

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return (_ACC.modality, _GYRO.modality)

    def places(self, tree: Tree) -> Mapping[str, Place]:
        found = tree.find(r"acc_exp(\d{2})_user(\d{2})\.txt", homes=("RawData", "HAPT Data Set/RawData", ""))
        places = {}
        for file in found:
            folder, experiment, user = file.name.rpartition("acc_")[0], *file.groups
            gyro = f"{folder}gyro_exp{experiment}_user{user}.txt"
            places[f"exp{experiment}_user{user}"] = Place(f"user{user}", (file.name, gyro, f"{folder}labels.txt"))
        return dict(sorted(places.items()))

    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        streams: dict[str, Stream] = {}
        for name, part in zip(place.files[:2], (_ACC, _GYRO), strict=True):
            table = numbers(tree.text(name), columns=3, delimiter=None, where=str(tree.path / name), first_line=1)
            if not len(table):
                raise ReaderError(f"{tree.path / name} holds no samples. Unpack it again.")
            streams |= streams_of(table, [part])
        length = min(len(stream) for stream in streams.values())
        labels = _labels(tree, place.files[2], int(session[3:5]), int(session[-2:]), length)
        return Recording(streams, subject=place.subject, session=session, labels=labels)


def _labels(tree: Tree, name: str, experiment: int, user: int, length: int) -> LabelTrack:
    """A session's labels. Samples are taken to count from 1 and the last one to belong to the label; the files do not say so."""
    where = str(tree.path / name)
    table = numbers(tree.text(name), columns=5, delimiter=None, where=where, first_line=1)
    names = tuple(LABELS)
    intervals = []
    for row in np.flatnonzero((table[:, 0] == experiment) & (table[:, 1] == user)).tolist():
        activity, first, last = table[row, 2:]
        if activity not in range(1, len(names) + 1) or not 1 <= first <= last <= length:
            raise ReaderError(
                f"{where}, line {row + 1}: expected an activity from 1 to {len(names)} and samples from 1 to {length}, "
                f"got {activity:g}, {first:g} to {last:g}."
            )
        intervals.append(Interval((first - 1) / RATE_HZ, last / RATE_HZ, names[int(activity) - 1]))
    return LabelTrack(tuple(intervals))
