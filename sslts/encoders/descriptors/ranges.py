"""Ranges of the thresholds of `shares`, for each kind of sensor at its usual rate."""

from __future__ import annotations

import torch
from torch import Tensor

#: kind -> (halvings of the rate before the first octave, octaves).
OCTAVES: dict[str, tuple[int, int]] = {"motion": (1, 5), "pulse": (1, 6), "electrodermal": (0, 4), "temperature": (0, 4)}

#: kind -> [octave][channel] = log of the smallest and of the largest threshold. Made by `python -m benchmarks.tools.fit_ranges` from the
#: bundled E4 recording, which is no part of any benchmark's data; the same numbers serve every model.
RANGES: dict[str, list[list[list[float]]]] = {
    "motion": [
        [[-4.85, 1.15], [-4.85, 0.90], [-4.85, 1.15], [-4.87, 0.87]],
        [[-4.85, 1.20], [-4.85, 1.04], [-4.85, 1.28], [-5.16, 0.64]],
        [[-4.85, 1.31], [-4.99, 1.22], [-4.78, 1.43], [-5.42, 0.26]],
        [[-4.63, 1.41], [-4.80, 1.42], [-4.68, 1.53], [-5.66, -0.29]],
        [[-4.37, 1.49], [-4.67, 1.55], [-4.58, 1.63], [-5.83, -0.75]],
    ],
    "pulse": [
        [[2.39, 7.67], [-1.36, 2.96]],
        [[3.00, 8.01], [-0.75, 3.28]],
        [[3.25, 8.06], [-0.49, 3.34]],
        [[3.25, 7.93], [-0.44, 3.21]],
        [[2.92, 7.56], [-0.71, 2.87]],
        [[2.09, 6.98], [-1.41, 2.25]],
    ],
    "electrodermal": [
        [[-5.97, -0.14], [-4.64, 1.19]],
        [[-5.97, 0.21], [-4.67, 1.40]],
        [[-5.60, 0.61], [-4.52, 1.58]],
        [[-5.27, 0.66], [-4.05, 1.64]],
    ],
    "temperature": [[[-3.91, -1.02]], [[-3.91, -0.73]], [[-3.91, -0.37]], [[-3.51, -0.03]]],
}


def log_range(kind: str) -> tuple[int, Tensor]:
    """Halvings before the first octave, and the log range of thresholds [octaves, channels, 2]."""
    return OCTAVES[kind][0], torch.tensor(RANGES[kind])
