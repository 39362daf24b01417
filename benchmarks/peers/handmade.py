"""Hand-made features of wrist windows (ACC 32 Hz, BVP 64 Hz, EDA 4 Hz, TEMP 4 Hz): 141 numbers a window.

Blocks, in order:
    acc   47  per axis and magnitude: statistics, slope, spectral bands; posture and movement of the whole
    bvp   48  statistics, spectral bands, beats (rate, variability, its bands), pulse shape
    eda   33  level and trend, slow spectral bands, phasic responses (count, height, rise, area)
    temp  13  level, trend and curvature, quarter means
A row gives NaN for the block of an absent modality; a classifier standardises it to 0, its training mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import signal, stats

#: Features of each block.
SIZES = {"acc": 47, "bvp": 48, "eda": 33, "temp": 13}

Vector = NDArray[np.float64]
Block = dict[str, float]

#: Hz; movement below 0.5 Hz is posture, 0.5 to 3 Hz gestures and steps, above tremor and impacts.
ACC_BANDS = ((0.1, 0.5), (0.5, 1.5), (1.5, 3.0), (3.0, 8.0), (8.0, 15.0))
#: Hz; vasomotion, breathing, slow and fast heart rates, harmonics.
BVP_BANDS = ((0.04, 0.15), (0.15, 0.4), (0.7, 1.2), (1.2, 1.6), (1.6, 2.5), (2.5, 5.0))
#: Hz; the sympathetic band of skin conductance is 0.045 to 0.25 Hz (Posada-Quintero et al. 2016).
EDA_BANDS = ((0.015, 0.045), (0.045, 0.15), (0.15, 0.25), (0.25, 0.5), (0.5, 1.0))


def handmade_features(
    signals: Mapping[str, NDArray[np.floating]], rates_hz: Mapping[str, float]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """{modality: [n, C, T]} -> features [n, 141] in the order of `signals`, and their names."""
    columns: list[NDArray[np.float64]] = []
    names: list[str] = []
    for modality, windows in signals.items():
        blocks = [BLOCKS[modality](np.asarray(window, dtype=np.float64), rates_hz[modality]) for window in windows]
        columns.append(np.asarray([list(block.values()) for block in blocks]))
        names += [f"{modality}.{name}" for name in blocks[0]]
    return np.concatenate(columns, axis=1), tuple(names)


def acc_features(window: NDArray[np.float64], rate_hz: float) -> Block:
    """[3, T] in g: posture (means), movement (deviations, jerk), rhythm (bands of the magnitude)."""
    magnitude = np.linalg.norm(window, axis=0)
    block: Block = {}
    for name, series in (("x", window[0]), ("y", window[1]), ("z", window[2]), ("magnitude", magnitude)):
        low, high = np.percentile(series, (5, 95))
        block |= {
            f"{name}.mean": series.mean(),
            f"{name}.log_std": _log(series.std()),
            f"{name}.low": low,
            f"{name}.high": high,
            f"{name}.slope": _slope(series, rate_hz),
            f"{name}.log_jerk": _log(np.abs(np.diff(series)).mean() * rate_hz),
            f"{name}.skew": _skew(series),
            f"{name}.kurtosis": _kurtosis(series),
        }
    block |= _bands(magnitude, rate_hz, ACC_BANDS, seconds=16)
    per_second = _per_second(magnitude, rate_hz).std(1)
    moving = per_second > 0.02
    block |= {
        "moving": moving.mean(),
        "bursts": float((np.diff(moving.astype(int)) == 1).sum()),
        "log_median_activity": _log(np.median(per_second)),
        "log_max_activity": _log(per_second.max()),
        "xy": _correlation(window[0], window[1]),
        "xz": _correlation(window[0], window[2]),
        "yz": _correlation(window[1], window[2]),
        "log_posture_change": _log(np.abs(np.diff(_per_second(window[0], rate_hz).mean(1))).mean()),
        "pitch": float(np.arctan2(window[0].mean(), np.hypot(window[1].mean(), window[2].mean()))),
        "roll": float(np.arctan2(window[1].mean(), window[2].mean())),
    }
    return block


def bvp_features(window: NDArray[np.float64], rate_hz: float) -> Block:
    """[1, T], arbitrary unit: blood volume pulse. Beats are maxima of the band 0.7 to 3.5 Hz at least 0.33 s apart."""
    series = window[0]
    low, high = np.percentile(series, (5, 95))
    block: Block = {
        "log_std": _log(series.std()),
        "log_range": _log(high - low),
        "skew": _skew(series),
        "kurtosis": _kurtosis(series),
        "balance": float((high + low) / (high - low + 1e-9)),
        "log_std_change": _log(_per_second(series, rate_hz).std(1).std()),
    }
    block |= _bands(series, rate_hz, BVP_BANDS, seconds=20)
    beats = _band_pass(series, rate_hz, 0.7, 3.5)
    frequency, power = signal.welch(beats, rate_hz, nperseg=int(rate_hz * 20))
    heart = (frequency >= 0.7) & (frequency <= 3.0)
    share = power[heart] / (power[heart].sum() + 1e-12)
    block |= {
        "peak_frequency": frequency[heart][share.argmax()],
        "mean_frequency": float((share * frequency[heart]).sum()),
        "pulse_entropy": float(-(share * np.log(share + 1e-12)).sum()),
        "pulse_purity": float(np.sort(share)[-3:].sum()),
    }
    peaks, heights = signal.find_peaks(beats, distance=max(1, int(0.33 * rate_hz)), prominence=0.3 * beats.std())
    return block | _beat_features(peaks / rate_hz) | _pulse_shape(series, beats, peaks, heights["prominences"], rate_hz)


def eda_features(window: NDArray[np.float64], rate_hz: float) -> Block:
    """[1, T] in uS: tonic level and trend, and phasic responses (rises of at least 0.01 uS after removing what is slower than 0.05 Hz)."""
    series = window[0]
    half = len(series) // 2
    low, high = np.percentile(series, (5, 95))
    change = np.diff(series) * rate_hz
    block: Block = {
        "mean": series.mean(),
        "log_mean": _log(series.mean()),
        "log_std": _log(series.std()),
        "low": low,
        "high": high,
        "log_range": _log(high - low),
        "slope": _slope(series, rate_hz),
        "relative_slope": _slope(series, rate_hz) / (series.mean() + 0.05),
        "halves": series[half:].mean() - series[:half].mean(),
        "curvature": _curvature(series),
        "skew": _skew(series),
        "kurtosis": _kurtosis(series),
        "change_mean": change.mean(),
        "log_change": _log(np.abs(change).mean()),
        "log_change_max": _log(change.max()),
        "log_change_min": _log(-change.min()),
        "rising": float((change > 0).mean()),
    }
    block |= _bands(series, rate_hz, EDA_BANDS, seconds=len(series) / rate_hz)
    phasic = _band_pass(series, rate_hz, 0.05, 1.0)
    peaks, found = signal.find_peaks(phasic, prominence=0.01, distance=int(rate_hz))
    strong = found["prominences"] > 0.05
    rise = (peaks - found["left_bases"]) / rate_hz
    block |= {
        "phasic_log_std": _log(phasic.std()),
        "phasic_log_area": _log(np.abs(phasic).mean()),
        "phasic_skew": _skew(phasic),
        "phasic_kurtosis": _kurtosis(phasic),
        "responses": float(len(peaks)),
        "strong_responses": float(strong.sum()),
        "log_height": _log(_mean(found["prominences"])),
        "log_height_max": _log(found["prominences"].max() if len(peaks) else 0.0),
        "log_height_sum": _log(found["prominences"].sum()),
        "rise_s": _mean(np.minimum(rise, 10.0)),
        "relative_height": _mean(found["prominences"]) / (series.mean() + 0.05),
    }
    return block


def temp_features(window: NDArray[np.float64], rate_hz: float) -> Block:
    """[1, T] in degC: skin temperature changes slowly, so level and trend carry it."""
    series = window[0]
    quarters = series[: len(series) // 4 * 4].reshape(4, -1).mean(1)
    change = np.diff(series)
    return {
        "mean": series.mean(),
        "log_std": _log(series.std()),
        "low": series.min(),
        "high": series.max(),
        "log_range": _log(np.ptp(series)),
        "slope": _slope(series, rate_hz),
        "curvature": _curvature(series),
        "rising": float((change > 0).mean()),
        "falling": float((change < 0).mean()),
        "log_change": _log(np.abs(change).mean()),
        "second_quarter": quarters[1] - quarters[0],
        "third_quarter": quarters[2] - quarters[1],
        "last_quarter": quarters[3] - quarters[2],
    }


BLOCKS: dict[str, Callable[[NDArray[np.float64], float], Block]] = {
    "acc": acc_features,
    "bvp": bvp_features,
    "eda": eda_features,
    "temp": temp_features,
}


def _beat_features(times_s: Vector) -> Block:
    """Heart rate and its variability from beat times. Intervals outside 0.33 to 1.5 s or 30 % off their neighbours' median are left out."""
    intervals = np.diff(times_s)
    if len(intervals) >= 3:
        around = signal.medfilt(intervals, 5)
        good = (intervals > 0.33) & (intervals < 1.5) & (np.abs(intervals - around) < 0.3 * around)
    else:
        good = np.zeros(len(intervals), dtype=bool)
    kept = intervals[good] if good.sum() >= 5 else np.array([0.8, 0.8, 0.8, 0.8, 0.8])
    successive = np.diff(kept)
    rate = 60.0 / kept
    band = _interval_bands(times_s[1:][good], intervals[good])
    total = sum(band) + 1e-9
    return {
        "rate_mean": rate.mean(),
        "rate_std": rate.std(),
        "rate_low": np.percentile(rate, 10),
        "rate_high": np.percentile(rate, 90),
        "interval_median": np.median(kept),
        "interval_iqr": stats.iqr(kept),
        "log_sdnn": _log(kept.std()),
        "log_rmssd": _log(np.sqrt(np.mean(successive**2))),
        "rmssd_over_sdnn": float(np.sqrt(np.mean(successive**2)) / (kept.std() + 1e-3)),
        "pnn20": float((np.abs(successive) > 0.02).mean()),
        "pnn50": float((np.abs(successive) > 0.05).mean()),
        "interval_skew": _skew(kept),
        "interval_kurtosis": _kurtosis(kept),
        "interval_slope": float(np.polyfit(np.arange(len(kept)), kept, 1)[0]),
        "log_lf": _log(band[0]),
        "log_hf": _log(band[1]),
        "lf_share": band[0] / total,
        "beats_kept": float(good.mean()) if len(good) else 0.0,
        "beats": float(len(times_s)),
    }


def _interval_bands(times_s: Vector, intervals_s: Vector) -> tuple[float, float]:
    """Power of the beat intervals at 0.04 to 0.15 and 0.15 to 0.4 Hz, from an even grid of 4 Hz."""
    if len(intervals_s) < 10:
        return 0.0, 0.0
    grid = np.arange(times_s[0], times_s[-1], 0.25)
    even = signal.detrend(np.interp(grid, times_s, intervals_s))
    frequency, power = signal.periodogram(even, 4.0, window="hann")
    step = frequency[1]
    low, high = ((frequency >= a) & (frequency < b) for a, b in ((0.04, 0.15), (0.15, 0.4)))
    return float(power[low].sum() * step), float(power[high].sum() * step)


def _pulse_shape(series: Vector, beats: Vector, peaks: NDArray[np.intp], heights: Vector, rate_hz: float) -> Block:
    """Height, width and steepness of the pulses; the notch shows in the share of power above the first harmonic."""
    if len(peaks) < 3:
        peaks, heights = np.array([0, 1, 2]), np.zeros(3)
    widths = signal.peak_widths(beats, peaks, rel_height=0.5)[0] / rate_hz if heights.any() else np.zeros(3)
    steep = np.diff(series) * rate_hz
    fast = _band_pass(series, rate_hz, 2.5, 8.0)
    return {
        "log_height": _log(np.median(heights)),
        "height_variation": float(heights.std() / (heights.mean() + 1e-6)),
        "height_slope": float(np.polyfit(np.arange(len(heights)), heights, 1)[0] / (heights.mean() + 1e-6)),
        "height_iqr": float(stats.iqr(heights) / (np.median(heights) + 1e-6)),
        "width_median": float(np.median(widths)),
        "width_std": float(widths.std()),
        "log_steepest_rise": _log(np.percentile(steep, 99)),
        "log_steepest_fall": _log(-np.percentile(steep, 1)),
        "rise_over_fall": float(np.percentile(steep, 99) / (1e-6 - np.percentile(steep, 1))),
        "rising": float((steep > 0).mean()),
        "notch": _log(fast.std() / (beats.std() + 1e-6)),
        "steep_kurtosis": _kurtosis(steep),
        "breathing_in_height": float(np.abs(np.diff(heights)).mean() / (heights.mean() + 1e-6)),
    }


def _bands(series: Vector, rate_hz: float, bands: tuple[tuple[float, float], ...], *, seconds: float) -> Block:
    """Logarithm of the power in each band, and the share of the first, from Welch segments of `seconds`."""
    frequency, power = signal.welch(series, rate_hz, nperseg=int(rate_hz * seconds), detrend="linear")
    step = frequency[1]
    values = [float(power[(frequency >= low) & (frequency < high)].sum() * step) for low, high in bands]
    return {f"log_power_{low:g}_{high:g}": float(np.log(value + 1e-10)) for (low, high), value in zip(bands, values, strict=True)}


def _band_pass(series: Vector, rate_hz: float, low_hz: float, high_hz: float) -> Vector:
    return signal.sosfiltfilt(signal.butter(2, (low_hz, high_hz), "bandpass", fs=rate_hz, output="sos"), series)


def _per_second(series: Vector, rate_hz: float) -> NDArray[np.float64]:
    step = int(rate_hz)
    return series[: len(series) // step * step].reshape(-1, step)


def _slope(series: Vector, rate_hz: float) -> float:
    """Least-squares slope per second."""
    time = (np.arange(len(series)) - (len(series) - 1) / 2) / rate_hz
    return float(time @ series / (time @ time))


def _curvature(series: Vector) -> float:
    """Coefficient of the square in a parabola over time from -1 to 1."""
    return float(np.polynomial.polynomial.polyfit(np.linspace(-1, 1, len(series)), series, 2)[2])


def _log(value: float) -> float:
    """Natural logarithm with a floor: sizes are ratios, and 0 must stay finite."""
    return float(np.log(max(float(value), 0.0) + 1e-4))


def _mean(values: Vector) -> float:
    return float(values.mean()) if len(values) else 0.0


def _skew(series: Vector) -> float:
    centred = series - series.mean()
    return float((centred**3).mean() / (centred.std() ** 3 + 1e-12))


def _kurtosis(series: Vector) -> float:
    """Logarithm of the kurtosis: single artefacts would otherwise dominate a linear classifier."""
    centred = series - series.mean()
    return float(np.log(((centred**4).mean() + 1e-12) / ((centred**2).mean() ** 2 + 1e-12)))


def _correlation(first: Vector, second: Vector) -> float:
    first, second = first - first.mean(), second - second.mean()
    return float((first * second).mean() / (first.std() * second.std() + 1e-9))
