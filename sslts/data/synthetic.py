"""Look-alike Empatica E4 recordings for tests, documentation and first steps without a data set.

A pulse wave with heart-rate variability, skin conductance responses on a tonic level, drifting skin temperature, gravity and movement. The
four states differ in the direction that the literature reports, people differ from each other by about as much, so a classifier can learn
the states but not perfectly. Not a model of physiology: never report results on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sslts.config import ComponentConfig
from sslts.data import specs
from sslts.data.labels import Interval, LabelTrack
from sslts.data.reader import Reader
from sslts.data.recording import Recording, Stream
from sslts.errors import ConfigError, LengthError, suggest


@dataclass(frozen=True, slots=True)
class _State:
    heart_rate: float  # beats a minute
    variability: float  # swing of the heart rate with breathing, beats a minute
    breathing_hz: float
    responses: float  # skin conductance responses a minute
    tonic: float  # factor on the level of skin conductance
    warming: float  # degC an hour
    movement: float  # bursts a minute


STATES: Mapping[str, _State] = {
    "baseline": _State(72, 4.0, 0.25, 3.0, 1.0, 0.3, 1.0),
    "stress": _State(86, 2.5, 0.30, 8.0, 1.6, -1.5, 3.0),
    "amusement": _State(75, 3.5, 0.27, 4.5, 1.1, 0.0, 2.0),
    "meditation": _State(66, 6.0, 0.13, 1.5, 0.9, 0.8, 0.2),
}
_ANY_TIME = _State(76, 3.5, 0.25, 4.0, 1.1, 0.0, 5.0)
_FAST_HZ, _ACC_HZ, _SLOW_HZ = 64, 32, 4
_START_UNIX = 1_600_000_000.0


def recording(*, seed: int, duration_s: float = 300.0, state: str = "baseline", subject: str | None = None) -> Recording:
    """One person in one state, labelled throughout. The same arguments give the same values, bit for bit.

    Raises:
        ConfigError: unknown state.
        LengthError: the duration is below one second or above three days and a bit.
    """
    return _session(seed, [(state, duration_s)], subject)


def session(
    *, seed: int, segment_s: float = 180.0, pause_s: float = 20.0, states: Sequence[str] = tuple(STATES), subject: str | None = None
) -> Recording:
    """One person through several states, with unlabelled pauses before, between and after. Another seed is another person."""
    segments: list[tuple[str | None, float]] = [(None, pause_s)]
    for state in states:
        segments += [(state, segment_s), (None, pause_s)]
    return _session(seed, segments, subject)


@final
class Synthetic(Reader):
    """Invented people P1, P2, ... who each go through all states. The folder is not looked at."""

    class Config(ComponentConfig):
        subjects: Annotated[int, Field(gt=0, le=1000)] = 6
        segment_s: Annotated[float, Field(gt=1, le=86_400)] = 180.0
        seed: Annotated[int, Field(ge=0, le=2**31)] = 0

    labels: ClassVar[Mapping[str, str]] = {name: f"invented signals in the manner of {name}" for name in STATES}
    licence: ClassVar[str] = "Apache-2.0 (computed, no person's data)"

    config: Config

    def sessions(self, root: str | Path = ".") -> tuple[str, ...]:
        return tuple(f"P{number}" for number in range(1, self.config.subjects + 1))

    def read(self, root: str | Path = ".", *, session: str | None = None) -> Recording:
        subject = self.choose(root, session)
        return _person(self.config.seed, subject, self.config.segment_s)


def _person(seed: int, subject: str, segment_s: float) -> Recording:
    return session(seed=seed * 1009 + int(subject[1:]), segment_s=segment_s, subject=subject)


def _session(seed: int, segments: Sequence[tuple[str | None, float]], subject: str | None) -> Recording:
    unknown = [name for name, _ in segments if name is not None and name not in STATES]
    if unknown:
        raise ConfigError(f"No state is named '{unknown[0]}'. {suggest(unknown[0], STATES)}States: {', '.join(STATES)}.")
    duration_s = sum(seconds for _, seconds in segments)
    if not 1 <= duration_s <= 300_000:
        raise LengthError(f"A synthetic recording lasts 1 to 300,000 seconds, got {duration_s:g}.")
    rng = np.random.default_rng(seed)
    slow = _Course(segments, duration_s, rng)
    modality = {m.name: m for m in specs.empatica_e4().named}
    acc, motion = _acceleration(slow, rng)
    arrays = {"acc": acc, "bvp": _pulse(slow, motion, rng), "eda": _conductance(slow, rng), "temp": _temperature(slow, rng)}
    labels, begin = [], 0.0
    for name, seconds in segments:
        if name is not None:
            labels.append(Interval(begin, begin + seconds, name))
        begin += seconds
    return Recording(
        {name: Stream(name, modality[name].channels, modality[name].rate_hz, array) for name, array in arrays.items()},
        subject=subject,
        session=subject,
        labels=LabelTrack(tuple(labels)),
        start_unix=_START_UNIX,
    )


class _Course:
    """How each parameter of the state runs over time (4 Hz, eased over some seconds), for one person."""

    def __init__(self, segments: Sequence[tuple[str | None, float]], duration_s: float, rng: np.random.Generator) -> None:
        self.duration_s = duration_s
        self.samples = max(1, round(duration_s * _SLOW_HZ))
        self.person = rng.standard_normal(6)
        edges = np.cumsum([seconds for _, seconds in segments])
        which = np.minimum(np.searchsorted(edges, np.arange(self.samples) / _SLOW_HZ, side="right"), len(segments) - 1)
        chosen = [STATES[name] if name else _ANY_TIME for name, _ in segments]
        # A state shows more in some people, and on some occasions, than in others.
        strength = rng.normal(0.8, 0.35, len(segments)) + 0.15 * self.person[5]
        self._values = {
            field: _eased(
                np.array([_blend(getattr(_ANY_TIME, field), getattr(s, field), k) for s, k in zip(chosen, strength, strict=True)])[which]
            )
            for field in _State.__dataclass_fields__
        }

    def at(self, field: str, rate_hz: int) -> NDArray[np.float64]:
        """One parameter at another rate."""
        times = np.arange(max(1, round(self.duration_s * rate_hz))) / rate_hz
        return np.interp(times, np.arange(self.samples) / _SLOW_HZ, self._values[field])


def _blend(usual: float, state: float, strength: float) -> float:
    return usual + (state - usual) * strength


def _eased(values: NDArray[np.float64], seconds: float = 10.0) -> NDArray[np.float64]:
    width = min(int(seconds * _SLOW_HZ), len(values))
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def _wander(count: int, rate_hz: int, seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth noise of unit size that changes over `seconds`."""
    knots = rng.standard_normal(int(count / rate_hz / seconds) + 4)
    position = np.arange(count) / (rate_hz * seconds)
    return np.interp(position, np.arange(len(knots)), knots)


def _pulse(course: _Course, motion: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    breathing = np.sin(2 * np.pi * np.cumsum(course.at("breathing_hz", _FAST_HZ)) / _FAST_HZ)
    count = len(breathing)
    rate = course.at("heart_rate", _FAST_HZ) + 7 * course.person[0]
    rate = rate + course.at("variability", _FAST_HZ) * breathing + 2.5 * _wander(count, _FAST_HZ, 8, rng)
    phase = 2 * np.pi * np.cumsum(np.clip(rate, 40, 180)) / 60 / _FAST_HZ
    beat = np.exp(4 * (np.cos(phase) - 1)) + 0.35 * np.exp(6 * (np.cos(phase - 2.3) - 1))  # systolic and dicrotic wave
    size = 60 * np.exp(0.3 * course.person[1] + 0.25 * _wander(count, _FAST_HZ, 20, rng))
    shaken = np.interp(np.arange(count) / _FAST_HZ, np.arange(len(motion)) / _ACC_HZ, motion)
    wave = size * (beat - beat.mean()) + 4 * rng.standard_normal(count) + 250 * shaken * _wander(count, _FAST_HZ, 0.3, rng)
    return np.round(np.clip(wave, -2000, 2000), 2).astype(np.float32)[:, None]


def _conductance(course: _Course, rng: np.random.Generator) -> NDArray[np.float32]:
    chance = course.at("responses", _SLOW_HZ) / 60 / _SLOW_HZ
    count = len(chance)
    events = (rng.random(count) < chance) * rng.lognormal(-1.6 + 0.4 * course.person[2], 0.5, count)
    time = np.arange(min(40 * _SLOW_HZ, count)) / _SLOW_HZ
    response = np.exp(-time / 4.0) - np.exp(-time / 0.75)  # rise under a second, decay over seconds
    phasic = np.convolve(events, response)[:count]
    level = np.exp(0.3 + 0.6 * course.person[3]) * course.at("tonic", _SLOW_HZ) * np.exp(0.15 * _wander(count, _SLOW_HZ, 60, rng))
    return np.round(np.clip(level + phasic + 0.003 * rng.standard_normal(count), 0.01, 60), 6).astype(np.float32)[:, None]


def _temperature(course: _Course, rng: np.random.Generator) -> NDArray[np.float32]:
    warming = course.at("warming", _SLOW_HZ)
    drift = np.clip(np.cumsum(warming) / 3600 / _SLOW_HZ, -3, 3)
    wander = 0.15 * _wander(len(drift), _SLOW_HZ, 120, rng) + 0.01 * rng.standard_normal(len(drift))
    return np.round(33 + 0.9 * course.person[4] + drift + wander, 2).astype(np.float32)[:, None]


def _acceleration(course: _Course, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Acceleration in g [T, 3] in the sensor's steps of 1/64 g, and how strongly the wrist moves [T]."""
    chance = course.at("movement", _ACC_HZ) / 60 / _ACC_HZ
    count = len(chance)
    bursts = (rng.random(count) < chance) * rng.lognormal(-1.5, 0.6, count)
    motion = np.convolve(bursts, np.hanning(4 * _ACC_HZ + 1))[: count + 2 * _ACC_HZ][-count:] + 0.002
    tilt, turn = 0.9 + 0.3 * _wander(count, _ACC_HZ, 45, rng), 0.6 * _wander(count, _ACC_HZ, 60, rng) + course.person[5]
    gravity = np.stack([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt)], axis=1)
    swing = np.stack([_wander(count, _ACC_HZ, 0.15, rng) for _ in range(3)], axis=1)
    steps = np.round((gravity + motion[:, None] * swing + 0.006 * rng.standard_normal((count, 3))) * 64)
    return (np.clip(steps, -128, 127) / 64).astype(np.float32), motion


def write_e4(folder: str | Path, source: Recording) -> Path:
    """Write a recording in the E4's own CSV layout. Streams acc (in g), bvp, eda, temp that it has; lost samples cannot be written.

    Raises:
        LengthError: a stream has lost samples.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    formats = {"acc": ("ACC.csv", "%d"), "bvp": ("BVP.csv", "%.2f"), "eda": ("EDA.csv", "%.6f"), "temp": ("TEMP.csv", "%.2f")}
    zero = source.start_unix if source.start_unix is not None else _START_UNIX
    for name, (file, number) in formats.items():
        stream = source.streams.get(name)
        if stream is None:
            continue
        if stream.observed is not None:
            raise LengthError(f"'{name}' has lost samples, which the E4's CSV layout cannot say.")
        values = np.round(stream.values * 64) if name == "acc" else stream.values
        columns = values.shape[1]
        header = [", ".join([f"{zero + stream.start_s:.6f}"] * columns), ", ".join([f"{stream.rate_hz:.6f}"] * columns)]
        row = ",".join([number] * columns)
        (root / file).write_text("\n".join([*header, *(row % tuple(sample) for sample in values.tolist())]) + "\n", encoding="ascii")
    (root / "tags.csv").write_text("".join(f"{zero + event:.2f}\n" for event in source.events_s), encoding="ascii")
    return root


def write_wesad_wrist(root: str | Path, subjects: Sequence[str] = ("S2", "S3"), *, segment_s: float = 120.0) -> Path:
    """Write invented recordings in the layout of WESAD's wrist part (`SX/SX_E4_Data`, `SX/SX_quest.csv`), for tests and documentation.

    `segment_s` (whole seconds) is what the reader will label in each condition. The real subjects' clock offsets apply, so each recording
    begins with 15 to 24 minutes without labels.

    Raises:
        ConfigError: not one of WESAD's subjects.
    """
    from sslts.data.readers.wesad_protocol import MARGIN_S, PROTOCOL_START_S

    order = (("Base", "baseline"), ("TSST", "stress"), ("Medi 1", "meditation"), ("Fun", "amusement"), ("Medi 2", "meditation"))
    for subject in subjects:
        if subject not in PROTOCOL_START_S:
            raise ConfigError(f"'{subject}' is no subject of WESAD. Subjects: {', '.join(PROTOCOL_START_S)}.")
        pause, length = 40, int(segment_s + 2 * MARGIN_S)
        segments: list[tuple[str | None, float]] = [(None, PROTOCOL_START_S[subject])]
        times = []
        for number, (_, state) in enumerate(order):
            begin = pause + number * (length + pause)
            times.append((begin, begin + length))
            segments += [(None, pause), (state, length)]
        segments.append((None, pause))
        folder = Path(root) / subject
        write_e4(folder / f"{subject}_E4_Data", _session(int(subject[1:]), segments, subject))
        rows = [
            ["# Subj", subject],
            ["# ORDER", *(name for name, _ in order)],
            ["# START", *(_minutes(begin) for begin, _ in times)],
            ["# END", *(_minutes(end) for _, end in times)],
        ]
        (folder / f"{subject}_quest.csv").write_text("".join(";".join(row) + ";;\n" for row in rows), encoding="ascii")
    return Path(root)


def _minutes(seconds: int) -> str:
    """The questionnaire's notation: minutes.seconds."""
    return f"{seconds // 60}.{seconds % 60:02d}"
