"""UCI HAR, Human Activity Recognition Using Smartphones (Anguita et al., ESANN 2013; UCI data set 240).

`train/subject_train.txt` and `train/y_train.txt` have a line for each window; `train/Inertial Signals/total_acc_x_train.txt` and eight more
have a line of 128 numbers (2.56 s at 50 Hz); the same under `test`. The phone was worn on the waist. Neighbouring windows overlap by half.
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
from sslts.data.readers.inertial import accelerometer, gyroscope, linear_acceleration
from sslts.data.readers.tree import Tree
from sslts.data.recording import Recording
from sslts.errors import ReaderError

RATE_HZ = 50.0
WINDOW = 128
_HALF = WINDOW // 2
#: What two windows may differ by where they overlap: less than the files' printed digits.
_TOLERANCE = 1e-6

#: Activities 1 to 6.
LABELS = {
    "walking": "walking on flat ground",
    "walking upstairs": "walking up stairs",
    "walking downstairs": "walking down stairs",
    "sitting": "sitting",
    "standing": "standing",
    "lying": "lying down",
}
_FILES = ("total_acc", "body_gyro", "body_acc")
_PHONE = "the phone on the waist"
_PARTS = (
    Columns(Modality(name="acc", rate_hz=RATE_HZ, channels=accelerometer("waist", "g", of=_PHONE)), 0),
    Columns(Modality(name="gyro", rate_hz=RATE_HZ, channels=gyroscope("waist", "rad/s", of=_PHONE)), 3),
    Columns(Modality(name="body_acc", rate_hz=RATE_HZ, channels=linear_acceleration("waist", "g", of=_PHONE)), 6),
)


@final
class UCIHAR(ActivityReader):
    """Streams acc (`total_acc`, g), gyro (`body_gyro`, rad/s), body_acc (g, gravity filtered out). Sessions "train/1", one for each person.

    Windows of one activity whose overlapping halves agree are joined to a continuous segment. Where they do not, a new segment begins;
    the time between segments is unknown, and 2.56 s of lost samples stand for it. `labelled_windows` of 2.56 s, every 1.28 s, are the
    published windows.
    """

    class Config(ComponentConfig):
        pass

    labels: ClassVar[Mapping[str, str]] = LABELS
    citation: ClassVar[str] = (
        "Anguita, Ghio, Oneto, Parra, Reyes-Ortiz. A Public Domain Dataset for Human Activity Recognition Using Smartphones. ESANN 2013"
    )
    licence: ClassVar[str] = "see the data set's own page. Not redistributed here"

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return tuple(part.modality for part in _PARTS)

    def places(self, tree: Tree) -> Mapping[str, Place]:
        places = {}
        for found in tree.find(r"(train|test)", r"subject_(?:train|test)\.txt", homes=("UCI HAR Dataset", "")):
            folder, split = found.name.rpartition("/")[0], found.groups[0]
            signals = [f"{folder}/Inertial Signals/{kind}_{axis}_{split}.txt" for kind in _FILES for axis in "xyz"]
            for person in dict.fromkeys(_whole(tree, found.name).tolist()):
                # HAPT, of the same authors, calls its people so.
                places[f"{split}/{person}"] = Place(f"user{person:02d}", (found.name, f"{folder}/y_{split}.txt", *signals))
        return dict(sorted(places.items(), key=lambda item: (item[0].partition("/")[0] == "test", item[1].subject)))

    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        people, activities = _whole(tree, place.files[0]), _whole(tree, place.files[1])
        if len(activities) != len(people):
            raise ReaderError(f"{tree.path / place.files[1]} has {len(activities)} lines, expected {len(people)}, one a window.")
        wrong = np.flatnonzero((activities < 1) | (activities > len(LABELS)))
        if len(wrong):
            line = int(wrong[0])
            raise ReaderError(f"{tree.path / place.files[1]}, line {line + 1}: expected an activity from 1 to 6, got {activities[line]}.")
        rows = np.flatnonzero(people == int(session.partition("/")[2]))
        windows = np.stack([_windows(tree, name, rows, len(people)) for name in place.files[2:]], axis=2)
        table, intervals = _joined(windows, rows, activities[rows])
        return Recording(streams_of(table, _PARTS), subject=place.subject, session=session, labels=LabelTrack(intervals))


def _whole(tree: Tree, name: str) -> NDArray[np.int64]:
    """One whole number a line."""
    where = str(tree.path / name)
    values = numbers(tree.text(name), columns=1, delimiter=None, where=where, first_line=1)[:, 0]
    whole = values == np.round(values)
    if not whole.all():
        raise ReaderError(f"{where}, line {int(np.argmin(whole)) + 1}: expected a whole number.")
    return values.astype(np.int64)


def _windows(tree: Tree, name: str, rows: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Some lines of a signal's file: [rows, 128]."""
    where = str(tree.path / name)
    lines = tree.text(name).rstrip().split("\n")
    if len(lines) != count:
        raise ReaderError(f"{where} has {len(lines)} lines, expected {count}, one a window. Unpack it again.")
    blocks = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
    parts = [
        numbers("\n".join(lines[block[0] : block[-1] + 1]), columns=WINDOW, delimiter=None, where=where, first_line=int(block[0]) + 1)
        for block in blocks
    ]
    return np.concatenate(parts)


def _joined(
    windows: NDArray[np.float64], rows: NDArray[np.int64], activities: NDArray[np.int64]
) -> tuple[NDArray[np.float64], tuple[Interval, ...]]:
    """Continuous segments [T, 9] with lost samples between them, and their labels, from windows [n, 128, 9]."""
    agree = np.abs(windows[:-1, _HALF:] - windows[1:, :_HALF]).max(axis=(1, 2), initial=0) <= _TOLERANCE
    follow = agree & (np.diff(rows) == 1) & (np.diff(activities) == 0)
    pieces: list[NDArray[np.float64]] = []
    intervals, names, length = [], tuple(LABELS), 0
    for group in np.split(np.arange(len(rows)), np.flatnonzero(~follow) + 1):
        if pieces:
            pieces.append(np.full((WINDOW, windows.shape[2]), np.nan))
            length += WINDOW
        segment = np.concatenate([windows[group[0]], *windows[group[1:], _HALF:]])
        pieces.append(segment)
        intervals.append(Interval(length / RATE_HZ, (length + len(segment)) / RATE_HZ, names[activities[group[0]] - 1]))
        length += len(segment)
    return np.concatenate(pieces), tuple(intervals)
