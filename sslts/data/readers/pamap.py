"""PAMAP2 Physical Activity Monitoring (Reiss, Stricker, ISWC 2012; UCI data set 231): `Protocol/subject10N.dat`, `Optional/...`.

9 people, three inertial units at 100 Hz on the dominant wrist, the chest and the dominant side's ankle, and a heart rate monitor at 9 Hz.
A line has 54 numbers: time (s), activity, heart rate (bpm), then for hand, chest and ankle each temperature (degC), acceleration (m/s^2) at
the +-16 g and at the +-6 g scale, angular velocity (rad/s), magnetic field (uT) and an orientation that is not valid. NaN is a lost sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from sslts.config import Channel, ComponentConfig, Modality
from sslts.data.readers.activity import ActivityReader, Place
from sslts.data.readers.columns import Columns, label_runs, on_grid, streams_of
from sslts.data.readers.files import numbers
from sslts.data.readers.inertial import accelerometer, gyroscope, magnetometer
from sslts.data.readers.tree import Tree
from sslts.data.recording import Recording, Stream
from sslts.errors import ReaderError

RATE_HZ = 100.0
_COLUMNS = 54
_TIME, _ACTIVITY, _HEART = 0, 1, 2

#: Numbers 8, 14, 15, 21, 22 and 23 are not used; 0 is everything else, such as walking from one place to the next.
ACTIVITIES = {
    1: "lying",
    2: "sitting",
    3: "standing",
    4: "walking",
    5: "running",
    6: "cycling",
    7: "nordic walking",
    9: "watching television",
    10: "computer work",
    11: "driving a car",
    12: "ascending stairs",
    13: "descending stairs",
    16: "vacuum cleaning",
    17: "ironing",
    18: "folding laundry",
    19: "cleaning the house",
    20: "playing soccer",
    24: "rope jumping",
}
_POSITIONS = {"hand": "dominant wrist", "chest": "chest", "ankle": "dominant side's ankle"}


def _unit(name: str, position: str, first: int) -> tuple[Columns, ...]:
    """Columns of one inertial unit; `first` is its temperature."""
    heat = Channel(
        name=f"{name}_temp",
        kind="temperature",
        unit="degC",
        position=position,
        description=f"temperature of the sensor on the {position}",
    )
    return (
        Columns(Modality(name=f"{name}_acc", rate_hz=RATE_HZ, channels=accelerometer(position, "m/s^2")), first + 1),
        Columns(Modality(name=f"{name}_acc_6g", rate_hz=RATE_HZ, channels=accelerometer(position, "m/s^2")), first + 4),
        Columns(Modality(name=f"{name}_gyro", rate_hz=RATE_HZ, channels=gyroscope(position, "rad/s")), first + 7),
        Columns(Modality(name=f"{name}_mag", rate_hz=RATE_HZ, channels=magnetometer(position, "uT")), first + 10),
        Columns(Modality(name=f"{name}_temp", rate_hz=RATE_HZ, channels=(heat,)), first),
    )


_PARTS = tuple(part for index, (name, where) in enumerate(_POSITIONS.items()) for part in _unit(name, where, 3 + 17 * index))
_HEART_RATE = Modality(
    name="heart_rate",
    rate_hz=1.0,
    channels=(Channel(name="heart_rate", kind="heart-rate", unit="bpm", position="chest", description="heart rate from a chest belt"),),
)


@final
class PAMAP2(ActivityReader):
    """Streams hand_acc, hand_gyro, hand_mag, hand_temp, the same for chest and ankle, and heart_rate. Sessions "subject101/protocol".

    heart_rate is the mean of the monitor's values in each second. Second 0 is that of the file's own time stamps.
    """

    class Config(ComponentConfig):
        #: Also `hand_acc_6g` and so on. The authors advise the +-16 g scale: the other saturates in fast movements.
        fine_scale: bool = False

    labels: ClassVar[Mapping[str, str]] = {name: name for name in ACTIVITIES.values()}
    citation: ClassVar[str] = (
        "Reiss, Stricker. Introducing a New Benchmarked Dataset for Activity Monitoring. ISWC 2012. doi:10.1109/ISWC.2012.13"
    )
    licence: ClassVar[str] = "see the data set's own page. Not redistributed here"

    config: Config

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return (*(part.modality for part in self._parts), _HEART_RATE)

    @property
    def _parts(self) -> tuple[Columns, ...]:
        return tuple(part for part in _PARTS if self.config.fine_scale or not part.modality.name.endswith("_6g"))

    def places(self, tree: Tree) -> Mapping[str, Place]:
        found = tree.find(r"(Protocol|Optional)", r"subject(\d{3})\.dat", homes=("PAMAP2_Dataset", ""))
        ordered = sorted((person, part != "Protocol", part.lower(), file.name) for file in found for part, person in [file.groups])
        return {f"subject{person}/{part}": Place(f"subject{person}", (name,)) for person, _, part, name in ordered}

    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        (name,) = place.files
        where = str(tree.path / name)
        table = numbers(tree.text(name), columns=_COLUMNS, delimiter=None, where=where, first_line=1)
        if not len(table):
            raise ReaderError(f"{where} holds no samples. Unpack it again.")
        times = table[:, _TIME]
        regular = on_grid(table, times, RATE_HZ, where=where, first_line=1)
        start_s = float(times[0])
        streams = streams_of(regular, self._parts, start_s=start_s)
        streams["heart_rate"] = _by_second(regular[:, _HEART], start_s)
        labels = label_runs(table[:, _ACTIVITY], times, ACTIVITIES, RATE_HZ, where=where, first_line=1)
        return Recording(streams, subject=place.subject, session=session, labels=labels)


def _by_second(values: NDArray[np.float64], start_s: float) -> Stream:
    """The mean of what was measured in each second from the start, an incomplete last one included; NaN where nothing was."""
    second = np.arange(len(values)) // round(RATE_HZ)
    seen = np.isfinite(values)
    count = np.bincount(second, weights=seen)
    total = np.bincount(second, weights=np.where(seen, values, 0.0))
    means = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return Stream(_HEART_RATE.name, _HEART_RATE.channels, _HEART_RATE.rate_hz, means[:, None].astype(np.float32), start_s=start_s)
