from pathlib import Path

import numpy as np
import pytest

from sslts.data import Interval, LabelTrack, Recording
from sslts.errors import (
    ChannelError,
    DTypeError,
    LengthError,
    MissingModalityError,
    RateError,
    SignalError,
    UnitError,
)

G = {"acc": "g"}


def acc(samples=320, **options):
    values = np.zeros((samples, 3), dtype=np.float32)
    values[:, 2] = 1
    return Recording.from_arrays({"acc": values}, rate_hz=32, units=G, **options)


def test_an_array_without_rate_is_refused_and_told_how_to_give_it():
    with pytest.raises(RateError, match="rate_hz=32"):
        Recording.from_arrays({"acc": np.zeros((10, 3))}, units=G)
    with pytest.raises(RateError, match="'eda' has no rate"):
        Recording.from_arrays({"eda": np.zeros(10), "bvp": np.zeros(10)}, rate_hz={"bvp": 64}, units={"eda": "uS", "bvp": "a.u."})


@pytest.mark.parametrize("rate", [0, -4, np.nan, np.inf, "32", True])
def test_a_rate_that_is_no_positive_number_is_refused(rate):
    with pytest.raises(RateError, match="above 0"):
        Recording.from_arrays({"acc": np.zeros((10, 3))}, rate_hz=rate, units=G)


def test_an_array_without_unit_is_refused():
    with pytest.raises(UnitError, match=r"has no unit. Give units=\{'eda': 'uS'\} if it is in uS, or 'a.u.'"):
        Recording.from_arrays({"eda": np.zeros(10)}, rate_hz=4)
    with pytest.raises(UnitError, match=r"Give units=\{'acc.x': 'g'\}"):
        Recording.from_arrays({"acc": np.zeros((10, 3))}, rate_hz=4)
    with pytest.raises(UnitError, match="Known units"):
        Recording.from_arrays({"eda": np.zeros(10)}, rate_hz=4, units={"eda": "furlong"})


def test_units_may_differ_between_channels():
    recording = Recording.from_arrays(
        {"pad": np.zeros((5, 2))}, rate_hz=4, units={"pad": "uS", "pad.warmth": "degC"}, channels={"pad": ["sweat", "warmth"]}
    )
    assert [channel.unit for channel in recording.streams["pad"].channels] == ["uS", "degC"]


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_no_float32_number_are_lost_samples(junk):
    stream = Recording.from_arrays({"eda": [1.0, junk, 3.0]}, rate_hz=4, units={"eda": "uS"}).streams["eda"]
    assert stream.observed[:, 0].tolist() == [True, False, True]
    assert stream.values[:, 0].tolist() == [1.0, 0.0, 3.0]


def test_masked_entries_are_lost_samples():
    array = np.ma.masked_equal([5.0, 2.0, 5.0], 2.0)
    stream = Recording.from_arrays({"eda": array}, rate_hz=4, units={"eda": "uS"}).streams["eda"]
    assert stream.observed[:, 0].tolist() == [True, False, True]


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.float16, np.float64, ">f4"])
def test_all_real_numbers_become_float32(dtype):
    stream = Recording.from_arrays({"eda": np.array([1, 2, 3], dtype=dtype)}, rate_hz=4, units={"eda": "uS"}).streams["eda"]
    assert stream.values.dtype == np.float32
    assert stream.values[:, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.array([1 + 2j]), "complex"),
        (np.array(["1.0"]), "text"),
        (np.array([1.0, None], dtype=object), "objects"),
        (np.array([True]), "booleans"),
        (np.array(["2020-01-01"], dtype="datetime64[s]"), "dates"),
        ([[1.0, 2.0], [3.0]], "array of numbers"),
    ],
)
def test_what_is_no_real_number_is_refused_by_name(array, what):
    with pytest.raises(DTypeError, match=what):
        Recording.from_arrays({"eda": array}, rate_hz=4, units={"eda": "uS"})


def test_channels_first_is_noticed():
    with pytest.raises(LengthError, match=r"array\.T"):
        Recording.from_arrays({"acc": np.zeros((3, 1000))}, rate_hz=32, units=G)
    with pytest.raises(ChannelError, match=r"array\.T"):
        Recording.from_arrays({"acc": np.zeros((3, 1000))}, rate_hz=32, units=G, channels={"acc": ["x", "y", "z"]})


def test_a_short_recording_of_many_named_channels_is_accepted():
    recording = Recording.from_arrays({"eeg": np.zeros((2, 4))}, rate_hz=100, units={"eeg": "uV"}, channels={"eeg": ["a", "b", "c", "d"]})
    assert recording.streams["eeg"].values.shape == (2, 4)


def test_columns_without_a_known_order_must_be_named():
    with pytest.raises(ChannelError, match="Name them"):
        Recording.from_arrays({"ecg": np.zeros((10, 3))}, rate_hz=100, units={"ecg": "mV"})


@pytest.mark.parametrize("names", [["x", "x", "y"], ["x", "y"], "xyz"])
def test_doubled_missing_or_unlisted_channel_names_are_refused(names):
    with pytest.raises(ChannelError):
        Recording.from_arrays({"acc": np.zeros((10, 3))}, rate_hz=32, units=G, channels={"acc": names})


def test_a_misspelt_key_is_noticed():
    with pytest.raises(ChannelError, match="Did you mean 'acc'"):
        Recording.from_arrays({"acc": np.zeros((10, 3))}, rate_hz={"acc": 32}, units={"ac": "g"})


def test_three_axes_are_not_an_array_of_shape_three_deep():
    with pytest.raises(LengthError, match=r"\[T, C\]"):
        Recording.from_arrays({"acc": np.zeros((2, 3, 4))}, rate_hz=32, units=G)


def test_changing_the_given_array_afterwards_changes_nothing():
    values = np.ones((40, 3), dtype=np.float32)
    recording = Recording.from_arrays({"acc": values}, rate_hz=32, units=G)
    values[:] = 7
    assert recording.streams["acc"].values.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        recording.streams["acc"].values[0, 0] = 5


def test_streams_share_a_clock():
    recording = Recording.from_arrays(
        {"bvp": np.zeros(640), "eda": np.zeros(40)},
        rate_hz={"bvp": 64, "eda": 4},
        units={"bvp": "a.u.", "eda": "uS"},
        start_s={"eda": 2.0},
    )
    assert (recording.start_s, recording.end_s, recording.duration_s) == (0.0, 12.0, 12.0)


def test_a_window_keeps_the_clock_labels_and_events():
    labels = LabelTrack((Interval(1, 4, "rest"), Interval(5, 9, "stress")))
    recording = acc(labels=labels)
    part = recording.window(start_s=3.0, duration_s=4.0)
    assert (part.start_s, part.end_s) == (3.0, 7.0)
    assert [(i.start_s, i.end_s, i.label) for i in part.labels.intervals] == [(3, 4, "rest"), (5, 7, "stress")]
    assert recording.window(start_s=8.0).duration_s == 2.0


@pytest.mark.parametrize(("start_s", "duration_s"), [(10.0, 5.0), (-5.0, 5.0), (2.0, 0.0)])
def test_an_empty_stretch_is_refused(start_s, duration_s):
    with pytest.raises(LengthError, match="No sample between"):
        acc().window(start_s=start_s, duration_s=duration_s)


def test_without_removes_by_name_and_names_what_there_is():
    assert acc().without("acc").names == ()
    with pytest.raises(MissingModalityError, match="holds acc"):
        acc().without("bvp")


def test_only_keeps_by_name_in_the_recordings_order_and_names_what_there_is():
    whole = Recording.from_arrays(
        {"acc": np.zeros((8, 3)), "eda": np.zeros(8), "temp": np.zeros(8)}, rate_hz=4, units={"acc": "g", "eda": "uS", "temp": "degC"}
    )
    assert whole.only("temp", "acc").names == ("acc", "temp")
    assert whole.only("eda").streams["eda"] is whole.streams["eda"]
    with pytest.raises(MissingModalityError, match="has no leg: it holds acc, eda, temp"):
        whole.only("leg")
    with pytest.raises(MissingModalityError, match="asked for no stream"):
        whole.only()


def test_labels_are_ordered_and_may_not_overlap():
    track = LabelTrack((Interval(5, 6, "b"), Interval(1, 2, "a"), Interval(2, 3, "b")))
    assert track.names == ("a", "b")
    with pytest.raises(SignalError, match="overlap"):
        LabelTrack((Interval(1, 3, "a"), Interval(2, 4, "b")))
    with pytest.raises(LengthError, match="end after"):
        Interval(3, 3, "a")


def test_a_summary_says_who_what_and_how_long():
    text = acc(subject="S2", labels=LabelTrack((Interval(0, 4, "rest"),))).summary()
    for part in ("S2", "10 s", "acc: x, y, z in g, 32 Hz", "rest 4 s"):
        assert part in text


def test_frames_give_their_column_names():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": [1.0, 2.0], "y": [3, 4], "z": pandas.array([5, None], dtype="Int64")})
    recording = Recording.from_pandas(frame, name="acc", rate_hz=32, units=G)
    stream = recording.streams["acc"]
    assert stream.channel_names == ("x", "y", "z")
    assert stream.values.tolist() == [[1, 3, 5], [2, 4, 0]]
    assert stream.observed.tolist() == [[True, True, True], [True, True, False]]
    several = Recording.from_pandas({"eda": frame["x"], "acc": frame}, rate_hz=4, units={"eda": "uS", "acc": "g"})
    assert several.streams["eda"].values[:, 0].tolist() == [1, 2]


def test_a_frame_with_text_is_refused_by_column():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DTypeError, match=r"acc\.when"):
        Recording.from_pandas(pandas.DataFrame({"x": [1.0], "when": ["now"]}), name="acc", rate_hz=32, units=G)
    with pytest.raises(DTypeError, match="from_arrays"):
        Recording.from_pandas(np.zeros(4), rate_hz=4, units={"signal": "g"})


def test_where_a_stream_is_worn_and_what_it_tells_may_be_said_of_all_or_of_one_channel():
    imu = np.ones((50, 4))
    made = Recording.from_arrays(
        {"imu": imu, "acc": np.ones((50, 3))},
        rate_hz=50,
        units={"imu": "g", "imu.wx": "rad/s", "acc": "g"},
        channels={"imu": ["ax", "ay", "az", "wx"]},
        kinds={"imu": "accelerometer", "imu.wx": "gyroscope"},
        positions={"imu": "left thigh", "imu.wx": "right wrist"},
        descriptions={"acc": "acceleration of the chest"},
    )
    told = [(channel.kind, channel.position, channel.description) for channel in made.streams["imu"].channels]
    assert told == [("accelerometer", "left thigh", "")] * 3 + [("gyroscope", "right wrist", "")]
    assert {channel.description for channel in made.streams["acc"].channels} == {"acceleration of the chest"}


@pytest.mark.parametrize("what", ["kinds", "positions", "descriptions", "units"])
def test_a_channel_that_the_stream_does_not_have_is_refused(what):
    options = {"units": {"acc": "g"}, what: {"acc": "g", "acc.w": "g"}}
    with pytest.raises(ChannelError, match=f"{what} names 'acc.w', but 'acc' has the channels x, y, z"):
        Recording.from_arrays({"acc": np.ones((50, 3))}, rate_hz=50, **options, channels={"acc": ["x", "y", "z"]})


def test_names_may_hold_dots_themselves():
    arrays = {"wrist": np.ones((50, 3)), "wrist.left": np.ones((50, 3))}
    told = {"rate_hz": 50, "units": {"wrist": "g", "wrist.left": "g"}, "channels": dict.fromkeys(arrays, ["x", "y", "z"])}
    made = Recording.from_arrays(arrays, **told, kinds={"wrist": "accelerometer", "wrist.left.x": "gyroscope"})
    assert made.streams["wrist.left"].channels[0].kind == "gyroscope"
    with pytest.raises(ChannelError, match=r"kinds names 'wrist.left.w', but 'wrist.left' has the channels"):
        Recording.from_arrays(arrays, **told, kinds={"wrist.left.w": "gyroscope"})


@pytest.mark.parametrize("what", ["kinds", "positions", "descriptions", "units"])
def test_one_text_for_all_streams_is_refused(what):
    with pytest.raises(ChannelError, match=f"{what} must be"):
        Recording.from_arrays({"acc": np.ones((50, 3))}, rate_hz=50, **({"units": {"acc": "g"}} | {what: "wrist"}))


def test_frames_take_positions_as_well():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({axis: np.ones(50) for axis in "xyz"})
    made = Recording.from_pandas(frame, rate_hz=50, units={"acc": "g"}, name="acc", positions={"acc": "left ankle"})
    assert {channel.position for channel in made.streams["acc"].channels} == {"left ankle"}


def test_what_is_no_array_of_the_expected_kind_is_told_by_what_it_is():
    units = {"depth": "m"}
    for path in ("clip.mp4", Path("clip.mp4")):
        with pytest.raises(DTypeError, match=r"'depth' is 'clip\.mp4', expected an array.*sslts\.data\.readers"):
            Recording.from_arrays({"depth": path}, rate_hz=10, units=units)
    for shape in ((4, 3, 8, 8), (4, 8, 8, 3)):
        with pytest.raises(ChannelError, match="Three channels look like colour, and 'depth' is one of another kind"):
            Recording.from_arrays({"depth": np.ones(shape)}, rate_hz=10, units=units, channels={"depth": ["depth"]})
    with pytest.raises(LengthError, match=r"'acc' is empty"):
        Recording.from_arrays({"acc": []}, rate_hz=10, units={"acc": "g"}, channels={"acc": ["x", "y", "z"]})
