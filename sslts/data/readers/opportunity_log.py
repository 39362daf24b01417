"""Opportunity (Roggen et al., INSS 2010; UCI data set 226): `dataset/SX-ADLY.dat` and `SX-Drill.dat`, the body-worn sensors.

4 people in a room with breakfast to prepare, 30 Hz. A line has 250 numbers: time (ms), 12 accelerometers, 5 inertial units, 2 on the shoes,
then sensors in objects and in the room, which are not read, and 7 columns of labels. NaN is a lost sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, final

from sslts.config import Channel, ComponentConfig, Modality
from sslts.data.readers.activity import ActivityReader, Place
from sslts.data.readers.columns import Columns, label_runs, on_grid, streams_of
from sslts.data.readers.files import numbers
from sslts.data.readers.inertial import accelerometer, gyroscope, magnetometer
from sslts.data.readers.opportunity_labels import CODES, TRACKS
from sslts.data.readers.tree import Tree
from sslts.data.recording import Recording
from sslts.errors import ReaderError

RATE_HZ = 30.0
_COLUMNS = 250

#: Stream -> position, in the order of the columns 2 to 37. The official RKN^ is above the knee, RKN_ below, and so on.
_ACCELEROMETERS = {
    "right_knee_upper": "right leg above the knee",
    "hip": "hip",
    "left_upper_arm_upper": "left upper arm, upper part",
    "right_upper_arm_lower": "right upper arm, lower part",
    "left_hand": "left hand",
    "back": "back",
    "right_knee_lower": "right leg below the knee",
    "right_wrist": "right wrist",
    "right_upper_arm_upper": "right upper arm, upper part",
    "left_upper_arm_lower": "left upper arm, lower part",
    "left_wrist": "left wrist",
    "right_hand": "right hand",
}
#: Columns 38 to 102, 13 each; the last four of each are a quaternion, which is not read.
_INERTIAL = ("back", "right upper arm", "right lower arm", "left upper arm", "left lower arm")
_FIRST_INERTIAL, _INERTIAL_WIDTH = 37, 13
#: Columns 103 to 134, 16 each: Euler angles, acceleration in the room's frame and in the shoe's, angular velocity in both, compass.
_SHOES = ("left shoe", "right shoe")
_FIRST_SHOE, _SHOE_WIDTH, _BODY_ACC, _BODY_GYRO = 102, 16, 6, 9
#: The documented unit of angular velocity is "unknown" for the inertial units and "mm/s" for the shoes, both times 1000. Taken as rad/s,
#: since in deg/s a swinging arm would hardly turn. Not checked against the data.
_MILLI = 1e-3


def _shoe_acc(position: str) -> tuple[Channel, ...]:
    """Whether gravity is included is not documented, so the kind is not that of an accelerometer."""
    return tuple(
        Channel(
            name=axis,
            kind="acceleration",
            unit="mg",
            position=position,
            description=f"acceleration of the {position} along the sensor's {axis} axis",
        )
        for axis in "xyz"
    )


def _columns(name: str, channels: tuple[Channel, ...], first: int, factor: float = 1.0) -> Columns:
    return Columns(Modality(name=name, rate_hz=RATE_HZ, channels=channels), first, factor)


def _parts() -> tuple[Columns, ...]:
    parts = [_columns(f"{name}_acc", accelerometer(place, "mg"), 1 + 3 * n) for n, (name, place) in enumerate(_ACCELEROMETERS.items())]
    for number, place in enumerate(_INERTIAL):
        name, first = f"imu_{place.replace(' ', '_')}", _FIRST_INERTIAL + _INERTIAL_WIDTH * number
        parts.append(_columns(f"{name}_acc", accelerometer(place, "mg"), first))
        parts.append(_columns(f"{name}_gyro", gyroscope(place, "rad/s"), first + 3, _MILLI))
        parts.append(_columns(f"{name}_mag", magnetometer(place, "a.u."), first + 6))
    for number, place in enumerate(_SHOES):
        name, first = place.replace(" ", "_"), _FIRST_SHOE + _SHOE_WIDTH * number
        parts.append(_columns(f"{name}_acc", _shoe_acc(place), first + _BODY_ACC))
        parts.append(_columns(f"{name}_gyro", gyroscope(place, "rad/s"), first + _BODY_GYRO, _MILLI))
    return tuple(parts)


_PARTS = _parts()


@final
class Opportunity(ActivityReader):
    """12 streams such as hip_acc (mg), 15 such as imu_back_acc, imu_back_gyro, imu_back_mag, and left_shoe_acc, left_shoe_gyro, ...

    Sessions "S1-ADL1", "S1-Drill". Second 0 is that of the file's own time stamps.
    """

    class Config(ComponentConfig):
        #: Which of the label columns: how people move, what they are about, or what their hands do.
        track: Literal["locomotion", "activity", "gesture"] = "locomotion"

    labels: ClassVar[Mapping[str, str]] = {name: name for track in CODES.values() for name in track.values()}
    citation: ClassVar[str] = "Roggen et al. Collecting complex activity datasets in highly rich networked sensor environments. INSS 2010"
    licence: ClassVar[str] = "see the data set's own page. Not redistributed here"

    config: Config

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return tuple(part.modality for part in _PARTS)

    def places(self, tree: Tree) -> Mapping[str, Place]:
        found = tree.find(r"S(\d)-(ADL\d|Drill)\.dat", homes=("dataset", "OpportunityUCIDataset/dataset", ""))
        ordered = sorted((*file.groups, file.name) for file in found)
        return {f"S{person}-{part}": Place(f"S{person}", (name,)) for person, part, name in ordered}

    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        (name,) = place.files
        where = str(tree.path / name)
        table = numbers(tree.text(name), columns=_COLUMNS, delimiter=None, where=where, first_line=1)
        if not len(table):
            raise ReaderError(f"{where} holds no samples. Unpack it again.")
        times = table[:, 0] * _MILLI
        regular = on_grid(table, times, RATE_HZ, where=where, first_line=1)
        track = self.config.track
        labels = label_runs(table[:, TRACKS[track]], times, CODES[track], RATE_HZ, where=where, first_line=1)
        return Recording(streams_of(regular, _PARTS, start_s=float(times[0])), subject=place.subject, session=session, labels=labels)
