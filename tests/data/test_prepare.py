import logging
import warnings

import numpy as np
import pytest

from sslts.config import AnyChannels, SensorSpec
from sslts.data import Interval, LabelTrack, Recording, prepare, window_starts
from sslts.data.specs import empatica_e4
from sslts.errors import ChannelError, LengthError, MissingModalityError, RangeError, RateWarning, UnitError

SPEC = empatica_e4(window_s=10, stride_s=5)


def worn(seconds=20, scale=1.0):
    """An accelerometer that feels gravity, in g times `scale`."""
    noise = np.random.default_rng(0).standard_normal((round(32 * seconds), 3)) * 0.02
    return ((noise + [0.6, 0.0, 0.8]) * scale).astype(np.float32)


def record(arrays, units, rate_hz=32, **options):
    return Recording.from_arrays(arrays, rate_hz=rate_hz, units=units, **options)


@pytest.mark.parametrize(("unit", "scale"), [("g", 1.0), ("m/s^2", 9.80665), ("1/64 g", 64.0), ("mg", 1000.0)])
def test_units_are_converted_to_those_of_the_spec(unit, scale):
    prepared = prepare(record({"acc": worn(scale=scale)}, {"acc": unit}), SPEC)
    np.testing.assert_allclose(prepared.streams["acc"].values, worn(), rtol=1e-5, atol=1e-6)
    assert prepared.streams["acc"].channels == SPEC.modality("acc").channels


def test_channels_are_reordered_by_name():
    turned = record({"acc": worn()[:, [2, 0, 1]]}, {"acc": "g"}, channels={"acc": ["z", "x", "y"]})
    np.testing.assert_array_equal(prepare(turned, SPEC).streams["acc"].values, worn())


def test_rates_are_converted_to_those_of_the_spec():
    prepared = prepare(record({"bvp": np.ones(2000)}, {"bvp": "a.u."}, rate_hz=100), SPEC)
    assert prepared.streams["bvp"].rate_hz == 64
    assert prepared.duration_s == 20


def test_preparing_twice_changes_nothing():
    once = prepare(record({"acc": worn(), "eda": np.ones(640)}, {"acc": "g", "eda": "uS"}), SPEC)
    twice = prepare(once, SPEC)
    for name in once.names:
        np.testing.assert_array_equal(once.streams[name].values, twice.streams[name].values)


@pytest.mark.parametrize(
    ("given", "declared", "looks"),
    [(9.80665, "g", "m/s"), (64.0, "g", "1/64 g"), (1.0, "m/s^2", "looks like g"), (1.0, "1/64 g", "looks like g")],
)
def test_a_wrong_unit_of_acceleration_is_found_by_gravity(given, declared, looks):
    with pytest.raises(RangeError, match=looks):
        prepare(record({"acc": worn(scale=given)}, {"acc": declared}), SPEC)


def test_a_wrong_unit_of_temperature_is_found_by_its_range():
    with pytest.raises(RangeError, match="look like K"):
        prepare(record({"temp": np.full(100, 306.0)}, {"temp": "degC"}, rate_hz=4), SPEC)
    with pytest.raises(RangeError, match="look like degF"):
        prepare(record({"temp": np.full(100, 91.0)}, {"temp": "degC"}, rate_hz=4), SPEC)


def test_a_few_impossible_samples_are_lost_samples():
    values = np.full(100, 33.0)
    values[:10] = 382.18
    stream = prepare(record({"temp": values}, {"temp": "degC"}, rate_hz=4), SPEC).streams["temp"]
    assert stream.observed[:, 0].tolist() == [False] * 10 + [True] * 90


def test_impossible_samples_are_removed_before_they_can_smear():
    values = np.full(1600, 33.0)
    values[800] = 382.18
    stream = prepare(record({"temp": values}, {"temp": "degC"}, rate_hz=32), SPEC).streams["temp"]
    np.testing.assert_allclose(stream.values, 33, rtol=1e-6)


def test_gravity_is_not_expected_of_a_dead_or_lost_sensor():
    for values in (np.zeros((640, 3)), np.full((640, 3), np.nan)):
        assert prepare(record({"acc": values}, {"acc": "g"}), SPEC).names == ("acc",)


def test_missing_and_extra_channels_are_named():
    with pytest.raises(ChannelError, match="lacks z"):
        prepare(record({"acc": worn()[:, :2]}, {"acc": "g"}, channels={"acc": ["x", "y"]}), SPEC)
    with pytest.raises(ChannelError, match="lacks z and has unexpected w"):
        prepare(record({"acc": worn()}, {"acc": "g"}, channels={"acc": ["x", "y", "w"]}), SPEC)


def test_a_unit_of_another_quantity_names_the_channel():
    with pytest.raises(UnitError, match=r"eda\.eda.*degC"):
        prepare(record({"eda": np.ones(100)}, {"eda": "degC"}, rate_hz=4), SPEC)


def test_absent_modalities_are_fine_but_not_all_of_them(caplog):
    with caplog.at_level(logging.INFO, logger="sslts.data.prepare"):
        prepared = prepare(record({"eda": np.ones(640), "steps": np.ones(640)}, {"eda": "uS", "steps": "1"}), SPEC)
    assert prepared.names == ("eda",)
    assert "steps" in caplog.text
    with pytest.raises(MissingModalityError, match="holds steps"):
        prepare(record({"steps": np.ones(640)}, {"steps": "1"}), SPEC)
    with pytest.raises(MissingModalityError, match="no stream"):
        prepare(Recording({}), SPEC)


def test_too_short_says_both_durations():
    with pytest.raises(LengthError, match="lasts 9 s, one window needs 10 s"):
        prepare(record({"acc": worn(seconds=9)}, {"acc": "g"}), SPEC)
    with pytest.raises(LengthError, match="empty"):
        prepare(record({"acc": np.zeros((0, 3))}, {"acc": "g"}), SPEC)


@pytest.mark.parametrize("samples", [38, 39, 40, 41])
@pytest.mark.parametrize("rate_hz", [4, 3.9])
def test_whatever_passes_holds_at_least_one_window(samples, rate_hz):
    """Forty samples at 4 Hz are one window; fewer are refused, unless resampling rounds up to forty."""
    given = record({"eda": np.ones(samples)}, {"eda": "uS"}, rate_hz=rate_hz)
    try:
        prepared = prepare(given, SPEC)
    except LengthError:
        assert round(samples * 4 / rate_hz) < 40
    else:
        assert len(window_starts(prepared, window_s=10, stride_s=5)) == 1


def test_what_does_not_count_does_not_make_a_recording_long_enough():
    with pytest.raises(LengthError):
        prepare(record({"eda": np.ones(8), "steps": np.ones(640)}, {"eda": "uS", "steps": "1"}, rate_hz=4), SPEC)


def test_labels_subject_and_clock_survive():
    labels = LabelTrack((Interval(1, 2, "rest"),))
    prepared = prepare(record({"acc": worn()}, {"acc": "g"}, start_s={"acc": 5.0}, subject="S2", labels=labels), SPEC)
    assert (prepared.subject, prepared.labels, prepared.start_s) == ("S2", labels, 5.0)


def test_a_spec_for_any_modality_takes_all_streams_but_still_knows_gravity():
    spec = SensorSpec(modalities="any", window_s=10, stride_s=5)
    assert prepare(record({"steps": np.ones(640)}, {"steps": "1"}), spec).names == ("steps",)
    with pytest.raises(RangeError):
        prepare(record({"acc": worn(scale=9.81)}, {"acc": "g"}), spec)


def described() -> SensorSpec:
    return SensorSpec(modalities=AnyChannels(rate_hz=25.0, units={"accelerometer": "g"}), window_s=4, stride_s=2)


def test_a_stream_that_is_far_too_slow_is_warned_of():
    with pytest.warns(RateWarning, match=r"'acc' has 5 Hz, this model reads 25 Hz"):
        prepare(record({"acc": worn()[::2]}, {"acc": "g"}, rate_hz=5), described())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare(record({"acc": worn()}, {"acc": "g"}, rate_hz=10), described())


def test_what_is_slow_by_nature_is_not_warned_of():
    spec = SensorSpec(modalities=AnyChannels(rate_hz=32.0, units={"skin-temperature": "degC"}), window_s=4, stride_s=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare(record({"temp": np.full(80, 33.0)}, {"temp": "degC"}, rate_hz=4), spec)


def test_the_warning_points_at_the_line_that_called_the_library():
    with pytest.warns(RateWarning) as caught:
        prepare(record({"acc": worn()[::2]}, {"acc": "g"}, rate_hz=5), described())
    assert caught[0].filename == __file__


def test_a_stream_whose_name_is_none_is_refused_by_name():
    given = record(
        {"Left wrist": worn()}, {"Left wrist": "g"}, channels={"Left wrist": ["x", "y", "z"]}, kinds={"Left wrist": "accelerometer"}
    )
    with pytest.raises(ChannelError, match="Stream 'Left wrist'.*lower-case"):
        prepare(given, described())


def test_ten_million_samples_are_prepared():
    values = np.full(10_000_000, 33.0, dtype=np.float32)
    values[::1000] = np.nan
    stream = prepare(record({"temp": values}, {"temp": "degC"}, rate_hz=64), SPEC).streams["temp"]
    assert len(stream) == 625_000
    np.testing.assert_allclose(stream.values, 33, rtol=1e-6)


ANY = SensorSpec(modalities={"rate_hz": 25, "units": {"accelerometer": "g", "gyroscope": "rad/s"}}, window_s=5, stride_s=5)


def test_a_model_of_any_channels_gets_each_kind_in_its_unit_and_all_at_its_rate():
    given = record(
        {"thigh": 9.80665 * worn(), "turn": np.full((640, 3), 180.0)},
        {"thigh": "m/s^2", "turn": "deg/s"},
        kinds={"thigh": "accelerometer", "turn": "gyroscope"},
    )
    prepared = prepare(given, ANY)
    assert [(stream.name, stream.rate_hz, {channel.unit for channel in stream.channels}) for stream in prepared.streams.values()] == [
        ("thigh", 25, {"g"}),
        ("turn", 25, {"rad/s"}),
    ]
    assert np.median(np.linalg.norm(prepared.streams["thigh"].values, axis=1)) == pytest.approx(1, abs=0.05)
    assert prepared.streams["turn"].values[100] == pytest.approx([np.pi] * 3, rel=1e-3)


def test_kinds_that_a_model_of_any_channels_does_not_read_are_left_out_unless_nothing_stays(caplog):
    given = record({"thigh": worn(), "eda": np.ones(640)}, {"thigh": "g", "eda": "uS"}, kinds={"thigh": "accelerometer"})
    with caplog.at_level(logging.INFO, logger="sslts.data.prepare"):
        assert prepare(given, ANY).names == ("thigh",)
    assert "eda" in caplog.text
    with pytest.raises(
        MissingModalityError, match=r"holds [a-z0-9.]+ \(electrodermal-activity\); this model reads accelerometer, gyroscope"
    ):
        prepare(record({"eda": np.ones(640)}, {"eda": "uS"}), ANY)
    with pytest.raises(RangeError, match="looks like m/s"):
        prepare(record({"thigh": 9.81 * worn()}, {"thigh": "g"}, kinds={"thigh": "accelerometer"}), ANY)
