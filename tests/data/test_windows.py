import numpy as np
import pytest

from sslts.config import SensorSpec
from sslts.data import Interval, LabelTrack, Recording, cut, labelled_windows, prepare, window_starts
from sslts.data.specs import empatica_e4
from sslts.errors import ChannelError, LengthError, MissingModalityError, RateError, SignalError

SPEC = empatica_e4(window_s=10, stride_s=5)
UNITS = {"eda": "uS", "bvp": "a.u."}


def ramp(seconds, rate_hz=4, name="eda", start_s=0.0, **options):
    """Each sample holds its own index."""
    values = np.arange(round(seconds * rate_hz), dtype=np.float32) % 97
    return Recording.from_arrays({name: values}, rate_hz=rate_hz, units={name: UNITS[name]}, start_s={name: start_s}, **options)


@pytest.mark.parametrize(("seconds", "expected"), [(9.75, 0), (10, 1), (14.75, 1), (15, 2), (60, 11)])
def test_the_grid_holds_every_window_that_fits(seconds, expected):
    starts = window_starts(ramp(seconds), window_s=10, stride_s=5)
    assert starts.tolist() == [5.0 * k for k in range(expected)]


def test_the_grid_can_be_bounded():
    assert window_starts(ramp(60), window_s=10, stride_s=10, start_s=3, end_s=33).tolist() == [3, 13, 23]


@pytest.mark.parametrize("stride_s", [0, -1, float("nan")])
def test_a_stride_must_be_positive(stride_s):
    with pytest.raises(LengthError, match="positive"):
        window_starts(ramp(60), window_s=10, stride_s=stride_s)


def test_windows_hold_the_samples_from_the_nearest_one_to_their_start():
    windows = cut(ramp(60), SPEC, [0.0, 5.0, 5.1, 5.2])["eda"]
    assert windows.values.shape == (4, 1, 40)
    assert windows.values[:, 0, 0].tolist() == [0, 20, 20, 21]
    assert windows.values[1, 0].tolist() == list(range(20, 60))
    assert windows.observed.all()
    assert windows.present.all()


def test_beyond_the_ends_nothing_is_observed():
    windows = cut(ramp(20), SPEC, [-4.0, 14.0, 30.0, -60.0])["eda"]
    assert windows.observed[0, 0].tolist() == [False] * 16 + [True] * 24
    assert windows.values[0, 0, 16:].tolist() == list(range(24))
    assert windows.observed[1, 0].tolist() == [True] * 24 + [False] * 16
    assert windows.present.tolist() == [True, True, False, False]
    assert not windows.observed[2:].any()
    assert (windows.values[~windows.observed] == 0).all()


def test_a_modality_mostly_lost_in_a_window_is_absent_there():
    values = np.ones(80)
    values[:21] = np.nan  # 21 of the first window's 40 samples
    recording = Recording.from_arrays({"eda": values}, rate_hz=4, units={"eda": "uS"})
    assert cut(prepare(recording, SPEC), SPEC, [0.0, 5.0])["eda"].present.tolist() == [False, True]
    assert cut(prepare(recording, SPEC), SPEC, [0.0], min_observed=0.4)["eda"].present.tolist() == [True]


def test_streams_that_start_later_are_cut_on_the_common_clock():
    recording = Recording.from_arrays(
        {"eda": np.arange(80.0), "bvp": np.arange(1280.0)},
        rate_hz={"eda": 4, "bvp": 64},
        units=UNITS,
        start_s={"eda": 1.0, "bvp": 0.5},
    )
    windows = cut(prepare(recording, SPEC), SPEC, [3.0])
    assert list(windows) == ["bvp", "eda"]
    assert windows["eda"].values[0, 0, 0] == 8
    assert windows["bvp"].values[0, 0, 0] == 160


@pytest.mark.parametrize(("window_s", "rate_hz", "samples"), [(1.3, 32, 42), (0.7, 64, 45), (60, 64, 3840)])
def test_a_window_has_exactly_the_rounded_number_of_samples(window_s, rate_hz, samples):
    spec = empatica_e4(window_s=window_s, stride_s=1, bvp_hz=rate_hz)
    windows = cut(ramp(100, rate_hz=rate_hz, name="bvp"), spec, [0.0, 0.3, 7.77])
    assert windows["bvp"].values.shape == (3, 1, samples)


def test_labelled_windows_start_with_their_segment_and_stay_inside():
    labels = LabelTrack((Interval(3.5, 24.0, "rest"), Interval(30.0, 39.0, "short"), Interval(40.0, 50.0, "stress")))
    windows = labelled_windows(ramp(60, labels=labels), window_s=10, stride_s=5)
    assert windows.starts_s.tolist() == [3.5, 8.5, 13.5, 40.0]
    assert windows.labels == ("rest", "rest", "rest", "stress")


def test_labels_are_needed_for_labelled_windows():
    with pytest.raises(SignalError, match="no labels"):
        labelled_windows(ramp(60), window_s=10, stride_s=5)


def test_an_unprepared_recording_is_sent_to_prepare():
    with pytest.raises(RateError, match="prepare"):
        cut(ramp(60, rate_hz=8), SPEC, [0.0])
    with pytest.raises(ChannelError, match="prepare"):
        cut(Recording.from_arrays({"eda": np.ones(400)}, rate_hz=4, units={"eda": "nS"}), SPEC, [0.0])
    with pytest.raises(MissingModalityError):
        cut(Recording({}), SPEC, [0.0])


def test_a_spec_for_any_modality_cuts_all_streams():
    spec = SensorSpec(modalities="any", window_s=10, stride_s=5)
    assert cut(ramp(60, rate_hz=8), spec, [0.0])["eda"].values.shape == (1, 1, 80)


def test_no_windows_are_no_error():
    assert cut(ramp(60), SPEC, [])["eda"].values.shape == (0, 1, 40)
