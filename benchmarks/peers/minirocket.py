"""MiniRocket (Dempster et al. 2021) over all signals at one rate, from aeon; its biases are fitted on training subjects."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from aeon.transformations.collection.convolution_based import MiniRocket
from numpy.typing import NDArray
from scipy import signal

KERNELS = 5_000
RATE_HZ = 32.0


def stack_at_one_rate(
    signals: Mapping[str, NDArray[np.floating]], rates_hz: Mapping[str, float], *, rate_hz: float = RATE_HZ
) -> NDArray[np.float32]:
    """{modality: [n, C, T]} -> [n, all channels, window_s x rate_hz], resampled by a polyphase filter with edges held."""
    stacked = []
    for modality, windows in signals.items():
        ratio = rate_hz / rates_hz[modality]
        up, down = (int(ratio), 1) if ratio >= 1 else (1, int(1 / ratio))
        stacked.append(windows if up == down else signal.resample_poly(windows, up, down, axis=-1, padtype="line"))
    return np.concatenate(stacked, axis=1).astype(np.float32)


def minirocket_features(
    windows: NDArray[np.float32], fit_on: NDArray[np.bool_], *, kernels: int = KERNELS, seed: int = 0
) -> NDArray[np.float32]:
    """[n, C, T] -> [n, about `kernels`] proportions of positive values; only the windows in `fit_on` set the biases."""
    threads = torch.get_num_threads()
    try:
        transform = MiniRocket(n_kernels=kernels, random_state=seed, n_jobs=1)
        transform.fit(windows[fit_on])
        return np.asarray(transform.transform(windows), dtype=np.float32)
    finally:
        torch.set_num_threads(threads)  # numba sets OpenMP's number, which torch shares, and what is trained next would differ by it
