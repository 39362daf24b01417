"""Location and scale of each channel, and standardising with them.

Statistics that go into a model are fitted on training subjects only; per-recording statistics are the explicit alternative. Lost samples
never count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sslts.config import ChannelStatistics, SensorSpec
from sslts.data.prepare import prepare
from sslts.data.recording import Recording
from sslts.data.windows import Cut
from sslts.errors import ChannelError, ConfigError, MissingModalityError

if TYPE_CHECKING:
    from sslts.data.store import WindowStore

_CHUNK = 1 << 18
_SMALLEST_SCALE = 1e-6


@dataclass
class _Running:
    """Streaming mean and sum of squared deviations of each channel (Chan, Golub, LeVeque 1979), in float64."""

    count: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def empty(cls, channels: int) -> _Running:
        return cls(np.zeros(channels), np.zeros(channels), np.zeros(channels))

    def add(self, values: NDArray[np.float32], observed: NDArray[np.bool_]) -> None:
        """values, observed: [T, C]; of a video [T, C, H, W] and [T, 1], where every pixel of an observed frame counts."""
        if values.ndim == 4:
            observed = np.repeat(observed[:, 0], values.shape[2] * values.shape[3])[:, None]
            values = np.moveaxis(values, 1, -1).reshape(-1, values.shape[1])
            observed = np.broadcast_to(observed, values.shape)
        count = observed.sum(axis=0, dtype=np.float64)
        safe = np.maximum(count, 1)
        kept = np.where(observed, values, 0).astype(np.float64)
        mean = kept.sum(axis=0) / safe
        squares = np.where(observed, (kept - mean) ** 2, 0).sum(axis=0)
        total = self.count + count
        share = count / np.maximum(total, 1)
        shift = mean - self.mean
        self.squares += squares + shift**2 * self.count * share
        self.mean += shift * share
        self.count = total

    def statistics(self) -> ChannelStatistics:
        deviation = np.sqrt(self.squares / np.maximum(self.count, 1))
        # A constant channel has no scale: 1 leaves it at zero after centring. Rounding noise must not be blown up either.
        constant = deviation <= _SMALLEST_SCALE * np.maximum(1.0, np.abs(self.mean))
        return ChannelStatistics(mean=tuple(self.mean.tolist()), scale=tuple(np.where(constant, 1.0, deviation).tolist()))


def fit_statistics(
    recordings: Iterable[Recording] | WindowStore, spec: SensorSpec, subjects: Collection[str] | None
) -> dict[str, ChannelStatistics]:
    """Mean and standard deviation of each channel over all observed samples of the training subjects, one entry a modality.

    Args:
        recordings: recordings (prepared here where they are not) or a store of the same spec.
        subjects: the training subjects: others are skipped. None takes everything, for data in which nobody is judged.

    Raises:
        ConfigError: a training subject does not occur.
        MissingModalityError: a modality of the spec was never observed.
    """
    running: dict[str, _Running] = {}
    found: set[str] = set()
    for recording in _chosen(recordings, spec, subjects):
        if recording.subject is not None:
            found.add(recording.subject)
        _add(running, recording)
    absent = sorted(set(subjects or ()) - found)
    if absent:
        raise ConfigError(f"No recording of {', '.join(absent)}: statistics must be fitted on all training subjects.")
    never = [name for name in spec.names if name not in running or not running[name].count.any()]
    if never:
        raise MissingModalityError(f"No observed sample of {', '.join(never)} in the training recordings: statistics cannot be fitted.")
    return {name: running[name].statistics() for name in (spec.names or tuple(running))}


def recording_statistics(recording: Recording, spec: SensorSpec) -> dict[str, ChannelStatistics]:
    """Mean and standard deviation of each channel of one recording, for `normalise="recording"`. Modalities it lacks have no entry."""
    running: dict[str, _Running] = {}
    _add(running, prepare(recording, spec))
    return {name: part.statistics() for name, part in running.items()}


def standardise(
    values: NDArray[np.float32], observed: NDArray[np.bool_], statistics: ChannelStatistics, clip: float | None = None
) -> NDArray[np.float32]:
    """(values - mean) / scale, clipped to +-`clip`. [n, C, T] -> [n, C, T], of a video [n, C, T, H, W]; 0 where not observed.

    Raises:
        ChannelError: the statistics are of another number of channels.
    """
    if values.shape[1] != len(statistics.mean):
        raise ChannelError(f"The statistics are of {len(statistics.mean)} channels, the windows have {values.shape[1]}.")
    along = (1, -1) + (1,) * (values.ndim - 2)
    mean, scale = (np.asarray(part, dtype=np.float32).reshape(along) for part in (statistics.mean, statistics.scale))
    seen = observed if values.ndim == 3 else observed[..., None, None]
    scaled = (np.where(seen, values, mean) - mean) / scale
    return np.clip(scaled, -clip, clip) if clip is not None else scaled


def standardise_windows(cuts: Mapping[str, Cut], statistics: Mapping[str, ChannelStatistics], clip: float | None = None) -> dict[str, Cut]:
    """`standardise` for every modality of a cut.

    Raises:
        MissingModalityError: there are no statistics for one of the modalities.
    """
    lacking = [name for name in cuts if name not in statistics]
    if lacking:
        raise MissingModalityError(f"No statistics for {', '.join(lacking)}: they were fitted on {', '.join(statistics) or 'nothing'}.")
    return {name: part._replace(values=standardise(part.values, part.observed, statistics[name], clip)) for name, part in cuts.items()}


def _chosen(recordings: Iterable[Recording] | WindowStore, spec: SensorSpec, subjects: Collection[str] | None) -> Iterator[Recording]:
    # A store knows its subjects beforehand, so that the others are not even read.
    select = getattr(recordings, "recordings", None)
    source: Any = recordings if select is None else select(subjects)
    for recording in source:
        if subjects is None or recording.subject in subjects:
            yield prepare(recording, spec)


def _add(running: dict[str, _Running], recording: Recording) -> None:
    for name, stream in recording.streams.items():
        part = running.setdefault(name, _Running.empty(len(stream.channels)))
        step = _CHUNK if stream.frame is None else max(1, _CHUNK // (stream.frame[0] * stream.frame[1]))
        flags = stream.observed
        for start in range(0, len(stream), step):
            values = stream.values[start : start + step]
            shape = values.shape if stream.frame is None else (len(values), 1)
            part.add(values, np.ones(shape, dtype=bool) if flags is None else flags[start : start + step])
