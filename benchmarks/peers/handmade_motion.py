"""Hand-made features of motion windows: 11 numbers a channel, whatever the sensor, its unit and its rate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

NAMES = ("mean", "std", "min", "max", "median", "iqr", "change", "skew", "kurtosis", "crossings", "dominant_hz")


def motion_features(
    signals: Mapping[str, NDArray[np.floating]], rates_hz: Mapping[str, float]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """{modality: [n, C, T]} -> features [n, 11 x all channels], channel by channel, and their names."""
    blocks = [channel_features(np.asarray(windows, dtype=np.float64), rates_hz[name]) for name, windows in signals.items()]
    names = [f"{name}.{channel}.{feature}" for name, windows in signals.items() for channel in range(windows.shape[1]) for feature in NAMES]
    return np.concatenate([block.reshape(len(block), -1) for block in blocks], axis=1), tuple(names)


def channel_features(windows: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """[n, C, T] -> [n, C, 11], in the order of `NAMES`.

    change: mean absolute difference of neighbouring samples. crossings: share of neighbours on different sides of the mean.
    dominant_hz: where the spectrum of the centred window is largest. A constant window has skew, kurtosis and crossings of 0.
    """
    mean, std = windows.mean(-1), windows.std(-1)
    low, median, high = np.percentile(windows, (25, 50, 75), axis=-1)
    centred = windows - mean[..., None]
    constant = std <= 1e-9 * np.abs(mean) + 1e-12
    scale = np.where(constant, 1.0, std)
    above = centred > 0
    spectrum = np.abs(np.fft.rfft(centred, axis=-1))
    features = {
        "mean": mean,
        "std": std,
        "min": windows.min(-1),
        "max": windows.max(-1),
        "median": median,
        "iqr": high - low,
        "change": np.abs(np.diff(windows, axis=-1)).mean(-1),
        "skew": np.where(constant, 0.0, (centred**3).mean(-1) / scale**3),
        "kurtosis": np.where(constant, 0.0, (centred**4).mean(-1) / scale**4),
        "crossings": np.where(constant, 0.0, (above[..., 1:] != above[..., :-1]).mean(-1)),
        "dominant_hz": np.where(constant, 0.0, np.fft.rfftfreq(windows.shape[-1], 1 / rate_hz)[spectrum.argmax(-1)]),
    }
    return np.stack([features[name] for name in NAMES], axis=-1)
