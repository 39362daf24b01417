"""Polyphase resampling that keeps gaps local.

FFT resampling spreads one NaN over everything, linear interpolation aliases; a short anti-aliasing filter does neither. Lost samples are
bridged before filtering and the flags are resampled on their own, so a gap stays a gap and its surroundings stay intact.
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from fractions import Fraction
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sslts.data.recording import Stream, _check_rate
from sslts.errors import RateError

_HALF_WIDTH = 10  # filter half-length, in samples of the slower rate
_KAISER_BETA = 5.0
_CHUNK = 1 << 20  # input samples filtered at once: bounds the memory of a multi-day recording
_MAX_FACTOR = 10_000


@overload
def resample(signal: Stream, *, rate_hz: float) -> Stream: ...
@overload
def resample(signal: ArrayLike, *, rate_hz: float, from_hz: float) -> NDArray[np.float32]: ...
def resample(signal: Stream | ArrayLike, *, rate_hz: float, from_hz: float | None = None) -> Stream | NDArray[np.float32]:
    """The same signal at another rate, starting at the same time.

    Args:
        signal: a Stream, or an array [T] or [T, C] (then `from_hz` is required; NaN marks lost samples, before and after).
        rate_hz: the wanted rate.

    Raises:
        RateError: a rate is missing or not positive, or the two have no usable ratio.
    """
    if isinstance(signal, Stream):
        _check_rate(rate_hz, signal.name)
        if rate_hz == signal.rate_hz:
            return signal
        if signal.frame is not None:
            from sslts.data.frames import picked

            return picked(signal, rate_hz)
        values, observed = _resample(signal.values, signal.observed, signal.rate_hz, rate_hz)
        return replace(signal, rate_hz=float(rate_hz), values=values, observed=observed)
    from sslts.data.arrays import real_array

    if from_hz is None:
        raise RateError("An array does not know its rate: give from_hz, the rate it was recorded at.")
    _check_rate(from_hz, "array")
    _check_rate(rate_hz, "array")
    array = real_array(signal, "array")
    finite = np.isfinite(array)
    values, observed = _resample(array, None if finite.all() else finite, from_hz, rate_hz)
    if observed is not None:
        values = np.where(observed, values, np.float32(np.nan))
    return values[:, 0] if np.ndim(signal) == 1 else values


def ratio(from_hz: float, rate_hz: float) -> Fraction:
    """The rational factor between two rates, exact where both have a small denominator."""
    exact = Fraction(rate_hz).limit_denominator(1000) / Fraction(from_hz).limit_denominator(1000) if min(from_hz, rate_hz) >= 0.01 else None
    factor = exact if exact and max(exact.numerator, exact.denominator) <= _MAX_FACTOR else None
    factor = factor or Fraction(rate_hz / from_hz).limit_denominator(_MAX_FACTOR)
    if factor == 0 or max(factor.numerator, factor.denominator) > _MAX_FACTOR:
        raise RateError(f"Cannot resample from {from_hz:g} Hz to {rate_hz:g} Hz: the ratio is beyond 1:{_MAX_FACTOR}.")
    return factor


def _resample(
    values: NDArray[np.float32], observed: NDArray[np.bool_] | None, from_hz: float, rate_hz: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    factor = ratio(from_hz, rate_hz)
    up, down = factor.numerator, factor.denominator
    if up == down or len(values) == 0:
        return values, observed
    length = -(-len(values) * up // down)
    result = np.empty((length, values.shape[1]), dtype=np.float32)
    flags = np.ones(result.shape, dtype=bool)
    for column in range(values.shape[1]):
        source = values[:, column]
        if observed is not None and not observed[:, column].all():
            source = _bridged(source, observed[:, column])
            flags[:, column] = _resampled_flags(observed[:, column], up, down, length)
        result[:, column] = _filtered(source, up, down, length)
    result[~flags] = 0
    return result, None if observed is None else flags


def _filtered(source: NDArray[np.float32], up: int, down: int, length: int) -> NDArray[np.float32]:
    """Polyphase filtering in overlapping chunks; identical to filtering everything at once."""
    from scipy.signal import resample_poly

    taps = _filter(up, down)
    # Margins are multiples of `down`, so that every chunk starts on an output sample.
    margin = down * math.ceil((_HALF_WIDTH * max(up, down) / up + 2) / down)
    step = down * max(1, _CHUNK // down)
    result = np.empty(length, dtype=np.float32)
    for start in range(0, len(source), step):
        stop = min(start + step, len(source))
        left, right = max(0, start - margin), min(len(source), stop + margin)
        piece = source[left:right].astype(np.float64)
        # A recording has no sample before its first: continue it by point reflection, which keeps level and slope (no ringing).
        before, after = margin - (start - left), margin - (right - stop)
        if before or after:
            piece = np.pad(piece, (before, after), mode="reflect", reflect_type="odd") if len(piece) > 1 else np.pad(piece, margin, "edge")
        first, last = start * up // down, min(-(-stop * up // down), length)
        skip = margin * up // down
        result[first:last] = resample_poly(piece, up, down, window=taps)[skip : skip + last - first]
    return result


@functools.lru_cache(maxsize=32)
def _filter(up: int, down: int) -> NDArray[np.float64]:
    """Low-pass at the slower Nyquist rate; each of its `up` phases sums to 1 exactly, so a constant stays constant (no ripple)."""
    from scipy.signal import firwin

    slower = max(up, down)
    taps = firwin(2 * _HALF_WIDTH * slower + 1, 1 / slower, window=("kaiser", _KAISER_BETA))
    for phase in range(up):
        taps[phase::up] /= taps[phase::up].sum() * up
    taps.flags.writeable = False
    return taps


def _bridged(values: NDArray[np.float32], observed: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Lost samples replaced by linear interpolation between their neighbours (held at the ends)."""
    known = np.flatnonzero(observed)
    if len(known) == 0:
        return np.zeros_like(values)
    bridged = values.copy()
    lost = np.flatnonzero(~observed)
    bridged[lost] = np.interp(lost, known, values[known])
    return bridged


def _resampled_flags(observed: NDArray[np.bool_], up: int, down: int, length: int) -> NDArray[np.bool_]:
    """Whether each new sample rests on observed ones: between two (faster), or on at least half of those it stands for (slower)."""
    total = np.concatenate([[0], np.cumsum(observed)])
    position = np.arange(length, dtype=np.int64) * down
    if up > down:
        low, high = position // up, -(-position // up)
    else:
        low, high = -((down - 2 * position) // (2 * up)), (2 * position + down) // (2 * up)
    low, high = np.clip(low, 0, len(observed) - 1), np.clip(high, 0, len(observed) - 1)
    seen, count = total[high + 1] - total[low], high + 1 - low
    return seen == count if up > down else 2 * seen >= count
