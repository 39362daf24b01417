"""UTD-MHAD, the inertial part (Chen, Jafari, Kehtarnavaz, ICIP 2015): `Inertial/aA_sS_tT_inertial.mat`, array `d_iner` [N, 6].

27 actions, 8 people, 4 trials: clips of 2 to 7 s from one wearable sensor, acceleration x y z in g and angular velocity x y z in deg/s.
The rate is nominally 50 Hz; the clips' lengths do not fit those of the videos, so that the parts align by fraction of the clip only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

from sslts.config import ComponentConfig, Modality
from sslts.data.labels import Interval, LabelTrack
from sslts.data.readers.activity import ActivityReader, Place
from sslts.data.readers.columns import Columns, streams_of
from sslts.data.readers.inertial import accelerometer, gyroscope
from sslts.data.readers.matlab import numeric_array
from sslts.data.readers.tree import Tree
from sslts.data.readers.utd_actions import ACTIONS, CITATION, LICENCE
from sslts.data.recording import Recording
from sslts.errors import ReaderError

RATE_HZ = 50.0
_FIRST_THIGH_ACTION = 22


def _parts(position: str) -> tuple[Columns, ...]:
    short = position.replace(" ", "_")
    return (
        Columns(Modality(name=f"{short}_acc", rate_hz=RATE_HZ, channels=accelerometer(position, "g")), 0),
        Columns(Modality(name=f"{short}_gyro", rate_hz=RATE_HZ, channels=gyroscope(position, "deg/s")), 3),
    )


_WRIST, _THIGH = _parts("right wrist"), _parts("right thigh")


@final
class UTDInertial(ActivityReader):
    """Streams right_wrist_acc, right_wrist_gyro in actions 1 to 21, right_thigh_acc, right_thigh_gyro in 22 to 27. Sessions "s1/a1/t1"."""

    class Config(ComponentConfig):
        pass

    labels: ClassVar[Mapping[str, str]] = {name: name for name in ACTIONS}
    citation: ClassVar[str] = CITATION
    licence: ClassVar[str] = LICENCE

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return tuple(part.modality for part in (*_WRIST, *_THIGH))

    def places(self, tree: Tree) -> Mapping[str, Place]:
        found = tree.find(r"a(\d{1,2})_s(\d)_t(\d)_inertial\.mat", homes=("Inertial", "UTD-MHAD/Inertial", ""))
        ordered = sorted((int(person), int(action), int(trial), file.name) for file in found for action, person, trial in [file.groups])
        return {
            f"s{person}/a{action}/t{trial}": Place(f"s{person}", (name,))
            for person, action, trial, name in ordered
            if 1 <= action <= len(ACTIONS)
        }

    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        (name,) = place.files
        where = str(tree.path / name)
        table = numeric_array(tree.data(name), key="d_iner", dims=2, where=where).astype("float64")
        if table.shape[1] != 6 or not len(table):
            raise ReaderError(f"{where}: 'd_iner' has shape {table.shape}, expected [N, 6]: acceleration x y z, angular velocity x y z.")
        action = int(session.split("/")[1][1:])
        return Recording(
            streams_of(table, _THIGH if action >= _FIRST_THIGH_ACTION else _WRIST),
            subject=place.subject,
            session=session,
            labels=LabelTrack((Interval(0.0, len(table) / RATE_HZ, ACTIONS[action - 1]),)),
        )
