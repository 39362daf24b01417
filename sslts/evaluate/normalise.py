"""The two settings of a protocol: inductive (values as they are) and subject-normalised.

Subject-normalised: features are z-scored per subject over all its grid windows of all conditions. No labels are used, and the statistics
are the same for every task, so the 3-class task still sees the meditation windows' statistics.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sslts.errors import ConfigError

Setting = Literal["inductive", "subject-normalised"]
SETTINGS: tuple[Setting, ...] = get_args(Setting)


def apply_setting(values: NDArray[np.floating], subjects: Sequence[str], setting: Setting) -> NDArray[np.floating]:
    """[n, E] and n subjects -> [n, E]. A feature that is constant within a subject becomes 0; NaN (absent) stays NaN."""
    if setting not in SETTINGS:
        raise ConfigError(f"setting must be one of {', '.join(SETTINGS)}, got '{setting}'.")
    if setting == "inductive":
        return values
    result = np.array(values, dtype=np.float64)
    names = np.asarray(subjects)
    for subject in np.unique(names):
        rows = names == subject
        mean, scale = location_and_scale(result[rows])
        result[rows] = (result[rows] - mean) / scale
    return result


def location_and_scale(values: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column of [n, E], NaN left out; scale 1 for a constant or wholly absent column."""
    if np.isnan(values).any():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column that is absent throughout has no mean
            mean = np.nan_to_num(np.nanmean(values, axis=0, dtype=np.float64))
            scale = np.nan_to_num(np.nanstd(values, axis=0, dtype=np.float64))
    else:
        mean, scale = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
    # Rounding leaves about 1e-16 x |mean| of "deviation" in a constant column; dividing by it would blow noise up to 1.
    scale[scale <= 1e-7 * np.abs(mean) + 1e-12] = 1.0
    return mean, scale
