"""MMAct (Kong et al., ICCV 2019): 20 people, 37 actions, four cameras, a phone in the pocket and a watch, cut into clips.

`acc_phone_clip/subject1/scene1/session1/carrying.csv` and the same in `acc_watch_clip`, `gyro_clip`, `orientation_clip`: rows
`time stamp,x,y,z` without a header, each sensor at its own rate. Videos: `RGB/subject1/cam1/scene1/session1/carrying.mp4`. The clocks of
cameras and sensors differ, so every part is spread over the whole clip. Unpack the archives: a .zip is searched anew for every clip.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import Field, field_validator

from sslts.config import Channel, ComponentConfig, Modality, Side
from sslts.data.clips import spread
from sslts.data.labels import Interval, LabelTrack
from sslts.data.readers.activity import ActivityReader, Place
from sslts.data.readers.inertial import accelerometer, gyroscope
from sslts.data.readers.stamped import on_median_grid, stamped_rows
from sslts.data.readers.tree import Tree
from sslts.data.readers.video import frames_of
from sslts.data.recording import Recording, Stream
from sslts.errors import ReaderError

logger = logging.getLogger(__name__)

#: Names of files, in lower case. In scene 3 (a desk) the paper counts `using_phone` and `talking_on_phone` as actions of their own: 37.
ACTIONS = (
    "carrying", "carrying_heavy", "carrying_light", "checking_time", "closing", "crouching", "drinking", "entering", "exiting", "fall",
    "jumping", "kicking", "loitering", "looking_around", "opening", "picking_up", "pocket_in", "pocket_out", "pointing", "pulling",
    "pushing", "running", "setting_down", "sitting", "sitting_down", "standing", "standing_up", "talking", "talking_on_phone", "throwing",
    "transferring_object", "using_pc", "using_phone", "walking", "waving_hand",
)  # fmt: skip

_POCKET, _WRIST = "trouser pocket", "wrist"
_PHONE = "the phone in the trouser pocket"
_TURNS = {"azimuth": "the direction that the phone points to", "pitch": "the tilt of the phone", "roll": "the sideways tilt of the phone"}
_ORIENTATION = tuple(
    Channel(name=name, kind="orientation", unit="deg", position=_POCKET, description=f"{text}, in the trouser pocket")
    for name, text in _TURNS.items()
)
_COLOURS = tuple(
    Channel(name=name, kind="colour", unit="1", description=f"the {name} part of each pixel, from 0 to 1")
    for name in ("red", "green", "blue")
)
#: Folder -> stream, with the nominal rate.
_SENSORS = {
    "acc_phone_clip": Modality(name="acc_phone", rate_hz=100.0, channels=accelerometer(_POCKET, "m/s^2", of=_PHONE)),
    "acc_watch_clip": Modality(name="acc_watch", rate_hz=100.0, channels=accelerometer(_WRIST, "m/s^2", of="the watch on the wrist")),
    "gyro_clip": Modality(name="gyro", rate_hz=50.0, channels=gyroscope(_POCKET, "rad/s", of=_PHONE)),
    "orientation_clip": Modality(name="orientation", rate_hz=50.0, channels=_ORIENTATION),
}
_VIDEO_HOMES = ("RGB", "video", "trimmed", "Video_trimmed", "MMAct/RGB", "MMAct/video", "MMAct/trimmed", "MMAct/Video_trimmed", "")
_INVALID = "invalid_files.txt"
_SESSION = re.compile(r"subject([1-9]\d*)/cam([1-9]\d*)/scene([1-9]\d*)/session([1-9]\d*)/(\w+)")
_ANY = r"[1-9]\d*"


@dataclass(slots=True)
class _Clip:
    """The files of one clip: sensors by folder, videos by camera."""

    sensors: dict[str, str] = field(default_factory=dict)
    videos: dict[int, str] = field(default_factory=dict)


@final
class MMAct(ActivityReader):
    """Streams video [T, 3, H, W] from 0 to 1, acc_phone, acc_watch (m/s^2), gyro (rad/s), orientation (deg). One recording a camera view:
    "subject1/cam1/scene1/session1/carrying"; views of one clip share its sensors, so keep them on one side of a split.

    A sensor without a file, with an empty one, or with one that the data set lists in `invalid_files.txt`, is absent, and so is the video
    of a clip that no camera saw. Sensors are put on a regular grid by their time stamps; orientation is continued beyond 360 degrees.
    """

    class Config(ComponentConfig):
        """cameras: views that are read. frame: (rows, columns) of video frames; frames: how many are kept, spread evenly over the video.
        unordered: what becomes of a sensor's rows whose time goes back, as a few official files have."""

        cameras: Annotated[tuple[Annotated[int, Field(ge=1, le=99)], ...], Field(min_length=1, max_length=99)] = (1,)
        frame: tuple[Side, Side] = (224, 224)
        frames: Annotated[int, Field(ge=2, le=4096)] = 16
        unordered: Literal["refuse", "sort"] = "refuse"

        @field_validator("cameras")
        @classmethod
        def _differ(cls, cameras: tuple[int, ...]) -> tuple[int, ...]:
            if len(set(cameras)) < len(cameras):
                raise ValueError(f"a camera is named twice: {', '.join(map(str, cameras))}")
            return cameras

    config: Config
    labels: ClassVar[Mapping[str, str]] = {name.replace("_", " "): name.replace("_", " ") for name in ACTIONS}
    citation: ClassVar[str] = (
        "Kong, Wu, Deng, Klinkigt, Tong, Murakami. MMAct: A Large-Scale Dataset for Cross Modal Human Action Understanding. ICCV 2019. "
        "doi:10.1109/ICCV.2019.00875"
    )
    licence: ClassVar[str] = "research use after registration with its authors (mmact19.github.io)"

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Rates are nominal: clips count their own samples."""
        return (Modality(name="video", rate_hz=30.0, channels=_COLOURS, frame=self.config.frame), *_SENSORS.values())

    def places(self, tree: Tree) -> Mapping[str, Place]:
        found = self._clips(tree)
        return {
            session: place
            for (person, scene, number, action), clip in sorted(found.items())
            for session, place in self._views(person, scene, number, action, clip)
        }

    def place(self, tree: Tree, session: str) -> Place | None:
        match = _SESSION.fullmatch(session)
        if match is None:
            return None
        person, _, scene, number, action = match.groups()
        key = (int(person), int(scene), int(number), action)
        clip = self._clips(tree, person, scene, number).get(key)
        return None if clip is None else dict(self._views(*key, clip)).get(session)

    def _views(self, person: int, scene: int, number: int, action: str, clip: _Clip) -> Iterator[tuple[str, Place]]:
        """One for each camera that saw the clip; if none did, the sensors alone under the first camera's name."""
        for camera in [camera for camera in self.config.cameras if camera in clip.videos] or self.config.cameras[:1]:
            files = [clip.videos[camera]] if camera in clip.videos else []
            files += [clip.sensors[folder] for folder in _SENSORS if folder in clip.sensors]
            if files:
                yield f"subject{person}/cam{camera}/scene{scene}/session{number}/{action}", Place(f"s{person}", tuple(files))

    def _clips(self, tree: Tree, person: str = _ANY, scene: str = _ANY, number: str = _ANY) -> dict[tuple[int, int, int, str], _Clip]:
        """By person, scene, session and action."""
        clips: dict[tuple[int, int, int, str], _Clip] = {}
        levels = (f"scene({scene})", f"session({number})")
        for folder in _SENSORS:
            homes = [f"{around}{folder}" for around in ("", "MMAct/", "Sensor_trimmed/", "MMAct/Sensor_trimmed/")]
            invalid = _listed(tree, homes)
            for file in tree.find(f"subject({person})", *levels, r"([A-Za-z]\w*)\.csv", homes=homes):
                *place, action = file.groups
                if _tail(file.name) not in invalid:
                    clip = clips.setdefault((int(place[0]), int(place[1]), int(place[2]), action.lower()), _Clip())
                    clip.sensors.setdefault(folder, file.name)
        for file in tree.find(f"subject({person})", f"cam({_ANY})", *levels, r"([A-Za-z]\w*)\.mp4", homes=_VIDEO_HOMES):
            who, camera, where, which, action = file.groups
            clip = clips.setdefault((int(who), int(where), int(which), action.lower()), _Clip())
            clip.videos.setdefault(int(camera), file.name)
        return clips

    def load(self, tree: Tree, session: str, place: Place) -> Recording:
        streams: dict[str, Stream] = {}
        for name in place.files:
            folder = next((folder for folder in _SENSORS if folder in name.split("/")), None)
            stream = self._video(tree, name) if folder is None else self._sensor(tree, name, _SENSORS[folder])
            if stream is not None:
                streams[stream.name] = stream
        if not streams:
            raise ReaderError(f"{tree.path}: '{session}' has no video and no sensor with at least two samples. Leave this clip out.")
        label = session.rsplit("/", 1)[-1].replace("_", " ")
        return Recording(streams, subject=place.subject, session=session, labels=LabelTrack((Interval(0.0, 1.0, label),)))

    def _sensor(self, tree: Tree, name: str, modality: Modality) -> Stream | None:
        where = str(tree.path / name)
        times, values = stamped_rows(tree.text(name), columns=3, where=where, sort=self.config.unordered == "sort")
        if len(times) < 2:
            logger.info("%s holds %d samples: '%s' is absent in this clip.", where, len(times), modality.name)
            return None
        if modality.name == "orientation":  # a straight line from 359 to 1 degrees would pass through south
            values = np.unwrap(values, period=360, axis=0).astype(np.float64)
        regular = on_median_grid(times, values, where=where)
        return spread(Stream(modality.name, modality.channels, modality.rate_hz, regular.astype(np.float32)))

    def _video(self, tree: Tree, name: str) -> Stream:
        where = str(tree.path / name)
        try:
            with io.BytesIO(tree.data(name)) if tree.is_archive else (tree.path / name).open("rb") as file:
                frames = frames_of(file, count=self.config.frames, size=self.config.frame, where=where)
        except OSError as error:
            raise ReaderError(f"{where} cannot be read ({error}).") from error
        return spread(Stream("video", _COLOURS, 30.0, frames))


def _tail(name: str) -> str:
    """subjectN/sceneN/sessionN/action.csv of a path, in lower case."""
    return "/".join(name.strip().replace("\\", "/").lower().split("/")[-4:])


def _listed(tree: Tree, homes: Sequence[str]) -> set[str]:
    """The files that the data set itself calls invalid."""
    lists = tree.find(re.escape(_INVALID), homes=homes)
    return {_tail(line) for file in lists for line in tree.text(file.name).splitlines() if line.strip()}
