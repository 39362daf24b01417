"""MotionSense (Malekzadeh, Clegg, Cavallaro, Haddadi, IoTDI 2019): `A_DeviceMotion_data/ACT_TRIAL/sub_N.csv`.

24 people with an iPhone 6s in the front trouser pocket, 15 trials of 6 activities at 50 Hz. A file has an unnamed column that counts the
samples, then attitude, gravity (g), rotation rate (rad/s) and user acceleration (g), as the phone's CoreMotion computes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from sslts.config import Channel, ComponentConfig, Modality
from sslts.data.labels import Interval, LabelTrack
from sslts.data.readers.activity import ActivityReader, Place
from sslts.data.readers.columns import Columns, streams_of
from sslts.data.readers.files import numbers
from sslts.data.readers.inertial import accelerometer, gyroscope, linear_acceleration
from sslts.data.readers.tree import Tree
from sslts.data.recording import Recording
from sslts.errors import ReaderError

RATE_HZ = 50.0
#: Where a phone in the front trouser pocket sits: what moves is the thigh.
POSITION = "thigh"

LABELS = {
    "walking": "walking on flat ground",
    "jogging": "jogging",
    "walking upstairs": "walking up stairs",
    "walking downstairs": "walking down stairs",
    "sitting": "sitting",
    "standing": "standing",
}
_CODES = {
    "wlk": "walking",
    "jog": "jogging",
    "ups": "walking upstairs",
    "dws": "walking downstairs",
    "sit": "sitting",
    "std": "standing",
}

_HEADER = ("", "attitude.roll", "attitude.pitch", "attitude.yaw", "gravity.x", "gravity.y", "gravity.z", "rotationRate.x",
           "rotationRate.y", "rotationRate.z", "userAcceleration.x", "userAcceleration.y", "userAcceleration.z")  # fmt: skip
_GRAVITY, _ROTATION, _USER = slice(4, 7), slice(7, 10), slice(10, 13)
_ACC = len(_HEADER)  # the sum, appended as three more columns

_PHONE = f"the {POSITION}, a phone in the front trouser pocket,"
_ATTITUDE = tuple(
    Channel(name=name, kind="attitude", unit="rad", position=POSITION, description=f"{name} of {_PHONE[:-1]}")
    for name in ("roll", "pitch", "yaw")
)
_PULL = tuple(
    Channel(name=axis, kind="gravity", unit="g", position=POSITION, description=f"gravity on {_PHONE} along its {axis} axis")
    for axis in "xyz"
)
_PARTS = {
    part.modality.name: part
    for part in (
        Columns(Modality(name="acc", rate_hz=RATE_HZ, channels=accelerometer(POSITION, "g", of=_PHONE)), _ACC),
        Columns(Modality(name="gyro", rate_hz=RATE_HZ, channels=gyroscope(POSITION, "rad/s", of=_PHONE)), _ROTATION.start),
        Columns(Modality(name="gravity", rate_hz=RATE_HZ, channels=_PULL), _GRAVITY.start),
        Columns(Modality(name="user_acc", rate_hz=RATE_HZ, channels=linear_acceleration(POSITION, "g", of=_PHONE)), _USER.start),
        Columns(Modality(name="attitude", rate_hz=RATE_HZ, channels=_ATTITUDE), 1),
    )
}


@final
class MotionSense(ActivityReader):
    """Streams acc (gravity + user acceleration, g) and gyro (rad/s), each x, y, z. Sessions "sub_24/wlk_7", one for each file.

    The sitting trials 5 and 13 of sub_1 are one and the same file.
    """

    class Config(ComponentConfig):
        #: Streams beside acc and gyro.
        extras: tuple[Literal["gravity", "user_acc", "attitude"], ...] = ()

    labels: ClassVar[Mapping[str, str]] = LABELS
    citation: ClassVar[str] = (
        "Malekzadeh, Clegg, Cavallaro, Haddadi. Mobile Sensor Data Anonymization. IoTDI 2019. doi:10.1145/3302505.3310068"
    )
    licence: ClassVar[str] = "MIT, (c) 2018 Mohammad Malekzadeh"

    config: Config

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return tuple(part.modality for part in self._parts)

    @property
    def _parts(self) -> tuple[Columns, ...]:
        return tuple(part for name, part in _PARTS.items() if name in ("acc", "gyro") or name in self.config.extras)

    def places(self, tree: Tree) -> Mapping[str, Place]:
        homes = ("A_DeviceMotion_data", "MotionSense/A_DeviceMotion_data", "data/A_DeviceMotion_data", "")
        found = tree.find(rf"({'|'.join(_CODES)})_(\d{{1,2}})", r"sub_(\d{1,3})\.csv", homes=homes)
        ordered = sorted((int(person), code, int(trial), file.name) for file in found for code, trial, person in [file.groups])
        return {f"sub_{person}/{code}_{trial}": Place(f"sub_{person}", (name,)) for person, code, trial, name in ordered}

    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        (name,) = place.files
        table = _table(tree.text(name), str(tree.path / name))
        total = table[:, _GRAVITY] + table[:, _USER]
        label = _CODES[session.partition("/")[2][:3]]
        return Recording(
            streams_of(np.concatenate([table, total], axis=1), self._parts),
            subject=place.subject,
            session=session,
            labels=LabelTrack((Interval(0.0, len(table) / RATE_HZ, label),)),
        )


def _table(text: str, where: str) -> NDArray[np.float64]:
    header, _, body = text.replace("\r\n", "\n").partition("\n")
    if tuple(cell.strip().strip('"') for cell in header.split(",")) != _HEADER:
        raise ReaderError(f"{where}, line 1: expected the {len(_HEADER)} columns of MotionSense, '{','.join(_HEADER)}'.")
    table = numbers(body, columns=len(_HEADER), delimiter=",", where=where, first_line=2)
    if not len(table):
        raise ReaderError(f"{where} holds no samples. Unpack it again.")
    counted = table[:, 0] == np.arange(len(table))
    if not counted.all():
        row = int(np.argmin(counted))
        raise ReaderError(f"{where}, line {row + 2}: expected sample {row}, got sample {table[row, 0]:g}. Lines are missing or doubled.")
    return table
