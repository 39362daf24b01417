"""The speed benchmark's recordings are as long as they should be and hold the sample's own numbers."""

from __future__ import annotations

import numpy as np

from benchmarks.speed_signals import HOUR_S, hour, tiled
from sslts.data import synthetic


def test_a_recording_is_repeated_to_the_asked_length_stream_by_stream():
    short = synthetic.recording(seed=0, duration_s=7)
    long = tiled(short, 16)
    assert long.duration_s == 16
    for name, stream in long.streams.items():
        once = short.streams[name]
        assert len(stream) == 16 * once.rate_hz
        index = np.arange(len(stream)) % len(once)
        assert np.array_equal(stream.values, once.values[index])


def test_a_longer_recording_is_cut():
    assert tiled(synthetic.recording(seed=0, duration_s=7), 3).duration_s == 3


def test_lost_samples_stay_lost_in_every_copy():
    short = synthetic.recording(seed=0, duration_s=4)
    values = short.streams["eda"].values.copy()
    values[5] = np.nan
    lost = type(short).from_arrays({"eda": values}, rate_hz=4, units={"eda": "uS"})
    assert np.flatnonzero(~tiled(lost, 12).streams["eda"].is_observed()).tolist() == [5, 21, 37]


def test_the_hour_needs_no_data_set(tmp_path):
    recording, source = hour(tmp_path)
    assert (recording.duration_s, source) == (HOUR_S, "synthetic hour")
    assert recording.names == ("acc", "bvp", "eda", "temp")
