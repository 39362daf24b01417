"""UTD-MHAD with all of its parts (Chen, Jafari, Kehtarnavaz, ICIP 2015): depth video, skeleton and one wearable inertial sensor.

`Depth/aA_sS_tT_depth.mat` `d_depth` [240, 320, T] in millimetres, `Inertial/..._inertial.mat` `d_iner` [N, 6], `Skeleton/..._skeleton.mat`
`d_skel` [20, 3, T] in metres. Nominal rates (30 and 50 a second) do not fit the files, so every part is spread over the whole clip.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from sslts.config import Channel, ComponentConfig, Modality, Side
from sslts.data.clips import spread
from sslts.data.frames import resize
from sslts.data.labels import Interval, LabelTrack
from sslts.data.readers.activity import ActivityReader, Place, opened
from sslts.data.readers.inertial import accelerometer, gyroscope
from sslts.data.readers.matlab import numeric_array
from sslts.data.readers.tree import Tree
from sslts.data.readers.utd_actions import ACTIONS, CITATION, LICENCE
from sslts.data.recording import Recording, Stream
from sslts.errors import LengthError, ReaderError

logger = logging.getLogger(__name__)

JOINTS = (
    "head", "shoulder-centre", "spine", "hip-centre",
    "left-shoulder", "left-elbow", "left-wrist", "left-hand", "right-shoulder", "right-elbow", "right-wrist", "right-hand",
    "left-hip", "left-knee", "left-ankle", "left-foot", "right-hip", "right-knee", "right-ankle", "right-foot",
)  # fmt: skip

#: What everybody moves in: rows and columns of the original frames.
_CROP = (slice(20, 240), slice(52, 272))
_ORIGINAL = (240, 320)
_PLACE = "right wrist or thigh"  # the wrist in actions 1 to 21, the thigh in 22 to 27
_MAX_BYTES = 1 << 26
_NAMED = 10


@dataclass(frozen=True, slots=True)
class _Part:
    folder: str
    ending: str
    key: str
    dims: int


_PARTS = {
    "depth": _Part("Depth", "depth", "d_depth", 3),
    "inertial": _Part("Inertial", "inertial", "d_iner", 2),
    "skeleton": _Part("Skeleton", "skeleton", "d_skel", 3),
}


@final
class UTDClips(ActivityReader):
    """Streams depth [T, 1, H, W] in metres, acc, gyro, and skeleton, 20 joints x 3. Sessions "s1/a1/t1"; one clip each.

    A part whose file does not exist is absent; `sessions` warns of such clips and names them. Depth frames of the original size are cut to
    the people and averaged down to `frame`.
    """

    class Config(ComponentConfig):
        """frame: (rows, columns) of the depth frames; parts: which parts are read."""

        frame: tuple[Side, Side] = (96, 96)
        parts: tuple[Literal["depth", "inertial", "skeleton"], ...] = Field(default=("depth", "inertial", "skeleton"), min_length=1)

        @field_validator("parts")
        @classmethod
        def _differ(cls, parts: tuple[str, ...]) -> tuple[str, ...]:
            if len(set(parts)) < len(parts):
                raise ValueError(f"a part is named twice: {', '.join(parts)}")
            return parts

    config: Config
    labels: ClassVar[Mapping[str, str]] = {name: name for name in ACTIONS}
    citation: ClassVar[str] = CITATION
    licence: ClassVar[str] = LICENCE

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Rates are nominal: clips count their own samples."""
        depth = Channel(name="depth", kind="depth", unit="m", description="distance from the camera; 0 where there is no reading")
        joints = tuple(
            Channel(name=f"{joint}-{axis}", kind="joint-position", unit="m", position=joint.replace("-", " "))
            for joint in JOINTS
            for axis in "xyz"
        )
        every = {
            "depth": (Modality(name="depth", rate_hz=30.0, channels=(depth,), frame=self.config.frame),),
            "inertial": (
                Modality(name="acc", rate_hz=50.0, channels=accelerometer(_PLACE, "g")),
                Modality(name="gyro", rate_hz=50.0, channels=gyroscope(_PLACE, "deg/s")),
            ),
            "skeleton": (Modality(name="skeleton", rate_hz=30.0, channels=joints),),
        }
        return tuple(modality for part in self.config.parts for modality in every[part])

    def places(self, tree: Tree) -> Mapping[str, Place]:
        files: dict[tuple[int, int, int], list[str]] = {}
        for name in self.config.parts:
            part = _PARTS[name]
            homes = (part.folder, f"UTD-MHAD/{part.folder}", "")
            for file in tree.find(rf"a(\d{{1,2}})_s(\d)_t(\d)_{part.ending}\.mat", homes=homes):
                action, person, trial = (int(group) for group in file.groups)
                files.setdefault((person, action, trial), []).append(file.name)
        return {
            f"s{person}/a{action}/t{trial}": Place(f"s{person}", tuple(names))
            for (person, action, trial), names in sorted(files.items())
            if 1 <= action <= len(ACTIONS)
        }

    def sessions(self, root: str | Path, *, subject: str | None = None) -> tuple[str, ...]:
        with opened(root) as tree:
            lacking = {
                session: [part for part in self.config.parts if not any(f"_{_PARTS[part].ending}." in file for file in place.files)]
                for session, place in self.places(tree).items()
            }
        named = [f"{session} ({', '.join(parts)})" for session, parts in lacking.items() if parts]
        if named:
            more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
            logger.warning(
                "%s: %d of %d clips lack a part, which is absent in them: %s%s. If they should be whole, unpack the data set again.",
                root, len(named), len(lacking), ", ".join(named[:_NAMED]), more,
            )  # fmt: skip
        return super().sessions(root, subject=subject)

    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        streams: dict[str, Stream] = {}
        for file in place.files:
            name = next(name for name, part in _PARTS.items() if file.endswith(f"_{part.ending}.mat"))
            part, where = _PARTS[name], str(tree.path / file)
            array = numeric_array(tree.data(file), key=part.key, dims=part.dims, where=where, max_bytes=_MAX_BYTES)
            for stream in self._streams(name, array, where):
                streams[stream.name] = _spread(stream, where)
        action = ACTIONS[int(session.split("/")[1][1:]) - 1]
        return Recording(streams, subject=place.subject, session=session, labels=LabelTrack((Interval(0.0, 1.0, action),)))

    def _streams(self, name: str, array: NDArray[np.generic], where: str) -> list[Stream]:
        known = {modality.name: modality for modality in self.modalities}
        values = array.astype(np.float32)
        if name == "depth":
            return [_depth(values, known["depth"], where)]
        if name == "skeleton":
            if values.shape[:2] != (len(JOINTS), 3):
                raise ReaderError(f"{where}: 'd_skel' has shape {values.shape}, expected ({len(JOINTS)}, 3, T).")
            joints = np.ascontiguousarray(values.transpose(2, 0, 1).reshape(values.shape[2], -1))
            return [Stream("skeleton", known["skeleton"].channels, 30.0, joints)]
        if values.shape[1] != 6:
            raise ReaderError(f"{where}: 'd_iner' has shape {values.shape}, expected [N, 6]: acceleration x y z, angular velocity x y z.")
        return [
            Stream(part, known[part].channels, 50.0, np.ascontiguousarray(values[:, first : first + 3]))
            for part, first in (("acc", 0), ("gyro", 3))
        ]


def _depth(values: NDArray[np.float32], modality: Modality, where: str) -> Stream:
    if values.shape[:2] == _ORIGINAL:
        values = values[_CROP]
    elif values.shape[0] != values.shape[1] or not values.shape[0]:
        raise ReaderError(
            f"{where}: 'd_depth' has shape {values.shape}, expected ({_ORIGINAL[0]}, {_ORIGINAL[1]}, T), or square frames that were cut "
            "to the people before. Unpack the original file again, or leave this one out."
        )
    elif modality.frame and values.shape[0] < max(modality.frame):  # whoever asks need not know that they were made smaller
        raise ReaderError(
            f"{where}: frames that were cut and made smaller before, {values.shape[0]} x {values.shape[1]} pixels, are to be enlarged to "
            f"{modality.frame[0]} x {modality.frame[1]}, which would make up detail. Unpack the original file, or ask for no more than "
            f"they hold: frame={values.shape[:2]}."
        )
    frames = np.ascontiguousarray(values.transpose(2, 0, 1)[:, None]) / np.float32(1000)
    stream = Stream("depth", modality.channels, modality.rate_hz, frames)
    return resize(stream, modality.frame) if modality.frame else stream


def _spread(stream: Stream, where: str) -> Stream:
    try:
        return spread(stream)
    except LengthError as error:
        raise ReaderError(f"{where}: {error} Leave this file out.") from None
