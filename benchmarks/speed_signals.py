"""Recordings of any length for the speed benchmark: a short one, repeated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from sslts.data import synthetic
from sslts.data.readers.e4 import EmpaticaE4
from sslts.data.recording import Recording

HOUR_S = 3600


def hour(data: Path) -> tuple[Recording, str]:
    """One hour of E4 signals, and what they are: the sample under `data`, repeated to the end of the hour, or a synthetic recording."""
    sample = data / "E4_demo" / "S01"
    if not sample.is_dir():
        return synthetic.recording(seed=0, duration_s=HOUR_S), "synthetic hour"
    return tiled(EmpaticaE4.create().read(sample), HOUR_S), "E4_demo/S01, repeated to one hour"


def tiled(recording: Recording, seconds: float) -> Recording:
    """Each stream repeated to this many seconds, from second 0."""
    streams = {}
    for name, stream in recording.streams.items():
        samples = round(seconds * stream.rate_hz)
        copies = (-(-samples // len(stream)), 1)
        values = np.tile(stream.values, copies)[:samples]
        observed = None if stream.observed is None else np.tile(stream.observed, copies)[:samples]
        streams[name] = replace(stream, values=values, observed=observed, start_s=0.0)
    return Recording(streams)
