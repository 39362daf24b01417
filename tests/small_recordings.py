"""A recording of two small sensors as arrays, and when two embeddings are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sslts.data.recording import Recording
from sslts.embeddings import Embeddings

RATES = {"acc": 8.0, "eda": 4.0}


UNITS = {"acc": "g", "eda": "uS"}


def arrays(seconds: float = 20) -> dict[str, NDArray[Any]]:
    """A slowly turning wrist and skin conductance with a trend."""
    fast, slow = np.arange(round(8 * seconds)) / 8, np.arange(round(4 * seconds)) / 4
    turning = np.stack([np.sin(0.6 * fast), 0.5 * np.cos(0.6 * fast), 0.4 + 0.3 * np.sin(0.2 * fast)], axis=1)
    return {"acc": turning.astype(np.float32), "eda": (2 + np.sin(0.4 * slow) + 0.02 * slow).astype(np.float32)}


def recording(seconds: float = 20, **changed: NDArray[Any]) -> Recording:
    return Recording.from_arrays({**arrays(seconds), **changed}, rate_hz=RATES, units=UNITS)


def assert_same(first: Embeddings, second: Embeddings) -> None:
    assert np.array_equal(first.values, second.values)
    assert np.array_equal(first.time_s, second.time_s)
    assert np.array_equal(first.present, second.present)
