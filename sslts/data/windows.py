"""Where windows start, and cutting them out of a prepared recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from sslts.config import Modality, SensorSpec
from sslts.data.prepare import TOLERANCE_S, check_frame, is_prepared
from sslts.data.recording import Recording, Stream, sample_index
from sslts.errors import ChannelError, LengthError, MissingModalityError, RateError, SignalError


class Cut(NamedTuple):
    """Windows of one modality. values: float32 [n, C, T], 0 where not observed; observed: bool [n, C, T]; present: bool [n].

    Of a video: values [n, C, T, H, W], observed [n, 1, T].
    """

    values: NDArray[np.float32]
    observed: NDArray[np.bool_]
    present: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledWindows:
    """starts_s: float64 [n] on the recording's clock; labels: n names."""

    starts_s: NDArray[np.float64]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


def window_starts(
    recording: Recording, *, window_s: float, stride_s: float, start_s: float | None = None, end_s: float | None = None
) -> NDArray[np.float64]:
    """Starts of all windows, every `stride_s` from `start_s` (the recording's start), that end by `end_s` (its end). [n], possibly 0.

    The recording runs from its earliest stream's start to its latest stream's end: where a stream does not reach, a window lacks it.
    """
    first = recording.start_s if start_s is None else start_s
    last = recording.end_s if end_s is None else end_s
    return grid(first, last, window_s, stride_s)


def grid(start_s: float, end_s: float, window_s: float, stride_s: float) -> NDArray[np.float64]:
    """Starts every `stride_s` from `start_s` of windows wholly inside [start_s, end_s].

    Raises:
        LengthError: window or stride is not a positive number of seconds.
    """
    if not (0 < window_s < np.inf and 0 < stride_s < np.inf):
        raise LengthError(f"window_s and stride_s must be positive seconds, got {window_s} and {stride_s}.")
    count = int(np.floor((end_s - start_s - window_s + TOLERANCE_S) / stride_s)) + 1
    return start_s + stride_s * np.arange(max(count, 0), dtype=np.float64)


def labelled_windows(recording: Recording, *, window_s: float, stride_s: float) -> LabelledWindows:
    """From each labelled segment's start, every `stride_s`, wholly inside the segment.

    Raises:
        SignalError: the recording has no labels.
    """
    if recording.labels is None:
        raise SignalError(f"{recording!r} has no labels. Read it with a reader that has them, or set Recording.labels.")
    parts = [(grid(i.start_s, i.end_s, window_s, stride_s), i.label) for i in recording.labels.intervals]
    starts = np.concatenate([np.empty(0)] + [starts for starts, _ in parts])
    return LabelledWindows(starts, tuple(label for starts, label in parts for _ in starts))


def cut(recording: Recording, spec: SensorSpec, starts_s: ArrayLike, *, min_observed: float = 0.5) -> dict[str, Cut]:
    """Windows of a prepared recording, one entry for each modality that it has, in the spec's order.

    Each window holds exactly `round(window_s * rate_hz)` samples, from the one nearest to its start. Where it reaches beyond a stream its
    samples are unobserved. A modality of which less than `min_observed` is observed in a window is absent there.

    Raises:
        MissingModalityError: the recording has none of the spec's modalities.
        RateError, FrameSizeError, ChannelError: a stream is not as the spec says: `prepare` comes first.
    """
    starts = np.asarray(starts_s, dtype=np.float64)
    if starts.ndim != 1 or not np.isfinite(starts).all():
        raise LengthError(f"starts_s must be finite seconds [n], got shape {starts.shape}.")
    result = {}
    for modality in modalities_of(recording, spec):
        stream = recording.streams[modality.name]
        _check_prepared(is_prepared(stream, modality), stream, modality)
        first = sample_index(starts, stream)
        lost = None if stream.observed is None else stream.observed.T
        values = np.moveaxis(stream.values, 0, 1)
        result[modality.name] = cut_arrays(values, lost, first, spec.samples(modality), min_observed=min_observed)
    return result


def modalities_of(recording: Recording, spec: SensorSpec) -> Sequence[Modality]:
    """The spec's modalities that a recording has; all of its streams when the spec accepts any."""
    if spec.open:
        found = [stream.modality for stream in recording.streams.values()]
    else:
        found = [modality for modality in spec.named if modality.name in recording.streams]
    if not found:
        raise MissingModalityError(
            f"{recording!r} has none of the expected modalities ({', '.join(spec.names) or 'any'}). See sslts.data.prepare."
        )
    return found


def cut_arrays(
    values: NDArray[np.float32], observed: NDArray[np.bool_] | None, first: NDArray[np.int64], samples: int, *, min_observed: float
) -> Cut:
    """Windows of `samples` from [C, L] or a video's [C, L, H, W] that begin at the indices `first`, which may lie outside.

    observed: bool [C, L], of a video [1, L]; None: all.
    """
    channels, length = values.shape[:2]
    windows = np.zeros((len(first), channels, samples, *values.shape[2:]), dtype=np.float32)
    seen = np.zeros((len(first), channels if values.ndim == 2 else 1, samples), dtype=bool)
    inside = (first >= 0) & (first + samples <= length)
    if inside.any():
        # [C, L - samples + 1, ..., samples] -> [L - samples + 1, C, samples, ...]
        views = np.moveaxis(np.moveaxis(sliding_window_view(values, samples, axis=1), 1, 0), -1, 2)
        windows[inside] = views[first[inside]]
        seen[inside] = True if observed is None else np.moveaxis(sliding_window_view(observed, samples, axis=1), 1, 0)[first[inside]]
    for row in np.flatnonzero(~inside):
        low, high = max(0, int(first[row])), min(length, int(first[row]) + samples)
        if low < high:
            place = slice(low - int(first[row]), high - int(first[row]))
            windows[row, :, place] = values[:, low:high]
            seen[row, :, place] = True if observed is None else observed[:, low:high]
    return finished(windows, seen, min_observed)


def finished(windows: NDArray[np.float32], seen: NDArray[np.bool_], min_observed: float) -> Cut:
    """Zero what is not observed and decide which windows have the modality."""
    if not 0 <= min_observed <= 1:
        raise LengthError(f"min_observed is a share between 0 and 1, got {min_observed}.")
    if windows.ndim == 3:
        windows[~seen] = 0
    else:
        np.moveaxis(windows, 1, 2)[~seen[:, 0]] = 0
    share = seen.mean(axis=(1, 2)) if seen.size else np.zeros(len(seen))
    return Cut(windows, seen, (share >= min_observed) & (share > 0))


def present(cuts: Mapping[str, Cut], names: Sequence[str]) -> NDArray[np.bool_]:
    """bool [n, M]: which windows have which of the named modalities."""
    count = len(next(iter(cuts.values())).present) if cuts else 0
    return np.stack([cuts[name].present if name in cuts else np.zeros(count, dtype=bool) for name in names], axis=1)


def _check_prepared(ready: bool, stream: Stream, modality: Modality) -> None:
    if ready:
        return
    check_frame(stream, modality)
    if stream.rate_hz != modality.rate_hz:
        raise RateError(
            f"'{modality.name}' is expected at {modality.rate_hz:g} Hz, got {stream.rate_hz:g} Hz. "
            f"Prepare first: sslts.data.prepare(recording, spec)."
        )
    raise ChannelError(
        f"The channels or units of '{modality.name}' are not those of the spec ({', '.join(modality.channel_names)}). "
        f"Prepare first: sslts.data.prepare(recording, spec)."
    )
