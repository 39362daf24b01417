"""Clips shorter than a window, padded with lost samples; longer recordings as they are."""

from __future__ import annotations

import numpy as np
import pytest
from small_clips import clip, pixels, video
from tiny_har import utd

from sslts import registry
from sslts.config import Modality, SensorSpec
from sslts.data.labels import Interval, LabelTrack
from sslts.data.recording import Recording
from sslts.data.store_build import Source, build_store
from sslts.training.padded import PaddedReader, padded
from sslts.training.store_source import StoreSource


def recording(samples: int, rate_hz: float = 10.0, *intervals: Interval) -> Recording:
    values = np.arange(2.0 * samples, dtype=np.float32).reshape(samples, 2) + 1
    made = Recording.from_arrays(
        {"acc": values}, rate_hz=rate_hz, units={"acc": "g"}, channels={"acc": ["x", "y"]}, kinds={"acc": "accelerometer"}
    )
    return Recording(made.streams, subject="p1", session="p1/a", labels=LabelTrack(intervals) if intervals else None)


def test_a_short_recording_gets_lost_samples_to_the_length_of_a_window():
    found = padded(recording(13), 2.0)
    stream = found.streams["acc"]
    assert len(stream) == 20
    assert np.array_equal(stream.values[:13], recording(13).streams["acc"].values)
    assert stream.is_observed().tolist() == [[True, True]] * 13 + [[False, False]] * 7
    assert found.end_s == pytest.approx(2.0)
    assert (found.subject, found.session) == ("p1", "p1/a")


@pytest.mark.parametrize("samples", [20, 21, 500])
def test_a_recording_of_at_least_a_window_is_returned_as_it_is(samples):
    given = recording(samples)
    assert padded(given, 2.0) is given


def test_a_label_that_reaches_the_end_reaches_the_end_of_the_padding_and_others_stay():
    found = padded(recording(13, 10.0, Interval(0.0, 0.5, "sitting"), Interval(0.5, 1.3, "walking")), 2.0).labels
    assert found.intervals[0] == Interval(0.0, 0.5, "sitting")
    assert found.intervals[1].label == "walking"
    assert found.intervals[1].start_s == 0.5
    assert found.intervals[1].end_s == pytest.approx(2.0, abs=1e-5)
    assert found.intervals[1].end_s >= 2.0


def test_samples_that_were_lost_before_stay_lost():
    values = np.ones((13, 2), dtype=np.float32)
    values[4] = np.nan
    made = Recording.from_arrays(
        {"acc": values}, rate_hz=10.0, units={"acc": "g"}, channels={"acc": ["x", "y"]}, kinds={"acc": "accelerometer"}
    )
    assert padded(made, 2.0).streams["acc"].is_observed()[:, 0].tolist() == [True] * 4 + [False] + [True] * 8 + [False] * 7


def test_a_video_gets_lost_frames():
    found = padded(clip(video(13, (2, 3), channels=3, rate_hz=10.0, lost=(4,))), 2.0).streams["video"]
    assert found.values.shape == (20, 3, 2, 3)
    assert found.is_observed()[:, 0].tolist() == [True] * 4 + [False] + [True] * 8 + [False] * 7
    assert np.array_equal(found.values[12], pixels(13, (2, 3), 3)[12])


def test_every_short_clip_becomes_one_labelled_window(tmp_path):
    utd(tmp_path / "utd", people=(1,), actions=(1, 22), seconds=3)
    inner = registry.get("reader", "utd-mhad-inertial").create()
    acc = next(modality for modality in inner.modalities if modality.name == "right_wrist_acc")
    thigh = next(modality for modality in inner.modalities if modality.name == "right_thigh_acc")
    spec = SensorSpec(
        modalities=tuple(Modality(name=m.name, rate_hz=25, channels=m.channels) for m in (acc, thigh)), window_s=5, stride_s=5
    )
    reader = PaddedReader(inner, 5.0)
    assert reader.sessions(tmp_path / "utd") == inner.sessions(tmp_path / "utd")
    store = build_store(tmp_path / "store", Source(reader, tmp_path / "utd"), spec)
    names = ["right arm swipe to the left", "jogging in place"]
    source = StoreSource(store, None, None, label_names=names)
    assert list(source.labels(range(len(source)))) == [0, 0, 1, 1]
    batch = source.batch([0], generator=None)
    seen = batch.signals["right_wrist_acc"].observed[0, 0]
    assert seen[:74].all()
    assert not seen[76:].any(), "three seconds of five"


def test_another_window_is_another_reader():
    """A store that was built for one length is not taken for another's."""
    inner = registry.get("reader", "utd-mhad-inertial").create()
    short, long = (PaddedReader(inner, window_s).config for window_s in (2.0, 5.0))
    assert short != long
    assert short.model_dump(mode="json") != long.model_dump(mode="json")
