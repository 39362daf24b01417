"""DSADS, Daily and Sports Activities (Altun, Barshan, Tuncel 2010; UCI data set 256): `data/aAA/pP/sSS.txt`.

19 activities, 8 people, five body-worn units at 25 Hz. A file is a segment of 5 s: 125 lines of 45 numbers, for torso, right arm, left arm,
right leg and left leg each accelerometer x y z (m/s^2), gyroscope x y z (rad/s) and magnetometer x y z (normalised).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from sslts.config import ComponentConfig, Modality
from sslts.data.labels import Interval, LabelTrack
from sslts.data.readers.activity import ActivityReader, Place
from sslts.data.readers.columns import Columns, streams_of
from sslts.data.readers.files import numbers
from sslts.data.readers.inertial import accelerometer, gyroscope, magnetometer
from sslts.data.readers.tree import Tree
from sslts.data.recording import Recording
from sslts.errors import ReaderError

RATE_HZ = 25.0
SEGMENT_S = 5.0
SEGMENTS = 60
_ROWS = round(SEGMENT_S * RATE_HZ)
_COLUMNS = 45

#: The official names of the places; the units on the limbs are not said to sit on wrists or knees.
UNITS = ("torso", "right arm", "left arm", "right leg", "left leg")

LABELS = {
    "sitting": "sitting",
    "standing": "standing",
    "lying on back": "lying on the back",
    "lying on right side": "lying on the right side",
    "ascending stairs": "walking up stairs",
    "descending stairs": "walking down stairs",
    "standing still in an elevator": "standing still in a moving elevator",
    "moving around in an elevator": "moving around in an elevator",
    "walking in a parking lot": "walking on flat ground in a parking lot",
    "walking on a treadmill at 4 km/h, flat": "walking on a flat treadmill at 4 km/h",
    "walking on a treadmill at 4 km/h, 15 degrees incline": "walking on a treadmill at 4 km/h, 15 degrees uphill",
    "running on a treadmill at 8 km/h": "running on a treadmill at 8 km/h",
    "exercising on a stepper": "stepping on a stepper machine",
    "exercising on a cross trainer": "exercising on an elliptical cross trainer",
    "cycling on an exercise bike, horizontal": "cycling on an exercise bike in horizontal position",
    "cycling on an exercise bike, vertical": "cycling on an exercise bike in vertical position",
    "rowing": "rowing on a rowing machine",
    "jumping": "jumping",
    "playing basketball": "playing basketball",
}

_SENSORS = (("acc", accelerometer, "m/s^2"), ("gyro", gyroscope, "rad/s"), ("mag", magnetometer, "a.u."))
_PARTS = tuple(
    Columns(Modality(name=f"{unit.replace(' ', '_')}_{short}", rate_hz=RATE_HZ, channels=channels(unit, measure)), 9 * u + 3 * s)
    for u, unit in enumerate(UNITS)
    for s, (short, channels, measure) in enumerate(_SENSORS)
)


@final
class DSADS(ActivityReader):
    """Streams `torso_acc`, `torso_gyro`, `torso_mag`, `right_arm_acc`, ... `left_leg_mag`, each x, y, z. Sessions "p1/a09".

    A session is the 60 segments of a person and an activity, one after the other: windows of 5 s, every 5 s, are the published segments.
    Not every cut is seamless (stairs were climbed several times), so each segment is labelled on its own and `labelled_windows` never
    crosses a cut. A line of zeros alone fills up a segment that was too short (stairs of p1 and p6, jumping of p6): those samples are lost.
    """

    class Config(ComponentConfig):
        #: Label each segment of 5 s; otherwise the session as one interval, for windows of another length.
        per_segment: bool = True

    labels: ClassVar[Mapping[str, str]] = LABELS
    citation: ClassVar[str] = (
        "Altun, Barshan, Tuncel. Comparative study on classifying human activities with miniature inertial and magnetic sensors. "
        "Pattern Recognition 43(10), 2010. doi:10.1016/j.patcog.2010.04.019"
    )
    licence: ClassVar[str] = "research use with citation; see the data set's own page. Not redistributed here"

    #: Sessions of different people that hold one and the same signal, 0.4 s apart: whoever splits by subject keeps each pair on one side,
    #: or leaves one out.
    same_signal: ClassVar[tuple[tuple[str, str], ...]] = (("p4/a17", "p8/a17"), ("p4/a18", "p8/a18"))

    config: Config

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return tuple(part.modality for part in _PARTS)

    def places(self, tree: Tree) -> Mapping[str, Place]:
        found = tree.find(r"a(0[1-9]|1\d)", r"p(\d)", homes=("data", "DSADS/data", ""))
        places = {
            f"p{person}/a{activity}": Place(f"p{person}", tuple(f"{folder.name}/s{n:02d}.txt" for n in range(1, SEGMENTS + 1)))
            for folder in found
            for activity, person in [folder.groups]
        }
        return dict(sorted(places.items()))

    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        table = np.concatenate([_segment(tree.text(name), str(tree.path / name)) for name in place.files])
        table[(table == 0).all(axis=1)] = np.nan
        label = tuple(LABELS)[int(session[-2:]) - 1]
        length_s = SEGMENT_S if self.config.per_segment else SEGMENT_S * SEGMENTS
        starts = np.arange(0, SEGMENT_S * SEGMENTS, length_s).tolist()
        track = LabelTrack(tuple(Interval(start, start + length_s, label) for start in starts))
        return Recording(streams_of(table, _PARTS), subject=place.subject, session=session, labels=track)


def _segment(text: str, where: str) -> NDArray[np.float64]:
    values = numbers(text.replace("\r\n", "\n"), columns=_COLUMNS, delimiter=",", where=where, first_line=1)
    if len(values) != _ROWS:
        raise ReaderError(f"{where} ends after line {len(values)}: expected {_ROWS} lines, 5 s at 25 Hz. Unpack it again.")
    return values
