import numpy as np
import pytest

from sslts import registry
from sslts.config import SensorSpec
from sslts.data import cut, labelled_windows, readers
from sslts.errors import ReaderError

SIGNALS = [f"{kind}_{axis}" for kind in ("total_acc", "body_gyro", "body_acc") for axis in "xyz"]


def signal(samples, seed):
    return np.round(np.random.default_rng(seed).standard_normal((samples, 9)), 6)


def write_har(root, split, runs):
    """`runs`: (person, activity, continuous signal [64 k, 9]); each is cut into windows of 128 that overlap by half."""
    folder = root / "UCI HAR Dataset" / split
    (folder / "Inertial Signals").mkdir(parents=True)
    windows = [(person, activity, run[start : start + 128]) for person, activity, run in runs for start in range(0, len(run) - 127, 64)]
    (folder / f"subject_{split}.txt").write_text("".join(f"{person}\n" for person, _, _ in windows))
    (folder / f"y_{split}.txt").write_text("".join(f"{activity}\n" for _, activity, _ in windows))
    for column, name in enumerate(SIGNALS):
        lines = ["  " + "  ".join(f"{value: .7e}" for value in window[:, column]) for _, _, window in windows]
        (folder / "Inertial Signals" / f"{name}_{split}.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def har(tmp_path):
    write_har(tmp_path, "train", [(1, 5, signal(128, 1)), (3, 1, signal(320, 0)), (3, 1, signal(192, 2)), (3, 2, signal(128, 3))])
    write_har(tmp_path, "test", [(2, 6, signal(192, 4))])
    return tmp_path


def test_windows_that_agree_are_joined_to_the_signal_they_were_cut_from(har):
    recording = readers.uci_har(har, "test/2")
    expected = signal(192, 4).astype(np.float32)
    for index, name in enumerate(("acc", "gyro", "body_acc")):
        np.testing.assert_allclose(recording.streams[name].values, expected[:, 3 * index : 3 * index + 3], rtol=1e-6)
        assert recording.streams[name].observed is None
    (interval,) = recording.labels.intervals
    assert (interval.start_s, interval.end_s, interval.label) == (0.0, 3.84, "lying")
    assert (recording.subject, recording.session) == ("user02", "test/2")


def test_a_new_segment_begins_where_halves_differ_or_the_activity_changes(har):
    recording = readers.uci_har(har, "train/3")
    spans = [(round(i.start_s * 50), round(i.end_s * 50), i.label) for i in recording.labels.intervals]
    # 320 samples, a gap of 128, 192 samples that do not continue them, a gap, then 128 of another activity.
    assert spans == [(0, 320, "walking"), (448, 640, "walking"), (768, 896, "walking upstairs")]
    observed = recording.streams["gyro"].observed[:, 0]
    np.testing.assert_array_equal(np.flatnonzero(~observed), [*range(320, 448), *range(640, 768)])


def test_a_change_of_activity_parts_windows_that_agree(tmp_path):
    write_har(tmp_path, "train", [(1, 1, signal(192, 0))])
    (tmp_path / "UCI HAR Dataset" / "train" / "y_train.txt").write_text("1\n4\n")
    assert readers.uci_har(tmp_path, "train/1").labels.names == ("walking", "sitting")


def test_windows_that_agree_are_parted_when_another_persons_row_stands_between(tmp_path):
    run = signal(192, 0)
    write_har(tmp_path, "train", [(1, 1, run[:128]), (2, 1, signal(128, 1)), (1, 1, run[64:])])
    assert len(readers.uci_har(tmp_path, "train/1").labels.intervals) == 2


def test_labelled_windows_are_the_published_ones(har):
    recording = readers.uci_har(har, "train/3")
    modalities = registry.get("reader", "uci-har").create().modalities
    labelled = labelled_windows(recording, window_s=2.56, stride_s=1.28)
    cuts = cut(recording, SensorSpec(modalities=modalities, window_s=2.56, stride_s=1.28), labelled.starts_s)
    runs = [signal(320, 0), signal(192, 2), signal(128, 3)]
    expected = [run[start : start + 128, 3:6].T for run in runs for start in range(0, len(run) - 127, 64)]
    np.testing.assert_allclose(cuts["gyro"].values, np.stack(expected), rtol=1e-6)
    assert cuts["gyro"].observed.all()
    assert labelled.labels == ("walking",) * 6 + ("walking upstairs",)


def test_har_sessions_are_people_of_a_split(har):
    reader = registry.get("reader", "uci-har").create()
    assert reader.sessions(har) == reader.sessions(har / "UCI HAR Dataset") == ("train/1", "train/3", "test/2")
    assert reader.subjects(har) == ("user01", "user03", "user02")
    assert len(reader.files(har, "test/2")) == 11
    with pytest.raises(ReaderError, match="no session 'train/2'"):
        reader.read(har, session="train/2")


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("y_train.txt", lambda text: text[:-2], r"y_train\.txt has 7 lines, expected 8"),
        ("y_train.txt", lambda text: "9" + text[1:], r"y_train\.txt, line 1: expected an activity from 1 to 6, got 9"),
        ("subject_train.txt", lambda text: "3.5" + text[1:], r"subject_train\.txt, line 1: expected a whole number"),
        ("Inertial Signals/body_acc_z_train.txt", lambda text: text[: text.rindex("\n", 0, -1)], r"body_acc_z.* has 7 lines, expected 8"),
        ("Inertial Signals/body_acc_z_train.txt", lambda text: text[:-30] + "\n", r"body_acc_z_train\.txt, line 8: expected 128 numbers"),
        ("Inertial Signals/total_acc_x_train.txt", lambda text: text.replace("\n", "\nx", 1), r"total_acc_x_train\.txt, line 2"),
    ],
)
def test_a_damaged_har_file_is_named_with_its_line(har, file, change, message):
    path = har / "UCI HAR Dataset" / "train" / file
    path.write_text(change(path.read_text()))
    with pytest.raises(ReaderError, match=message):
        readers.uci_har(har, "train/3")


def test_a_missing_har_signal_is_named(har):
    (har / "UCI HAR Dataset/train/Inertial Signals/body_gyro_y_train.txt").unlink()
    with pytest.raises(ReaderError, match=r"body_gyro_y_train\.txt"):
        readers.uci_har(har, "train/3")


@pytest.fixture
def hapt(tmp_path):
    folder = tmp_path / "RawData"
    folder.mkdir()
    for experiment, user in ((1, 1), (2, 1)):
        for kind, sign in (("acc", 1), ("gyro", -1)):
            lines = [f"{sign * row} {sign * 0.5} {experiment}" for row in range(100)]
            (folder / f"{kind}_exp{experiment:02d}_user{user:02d}.txt").write_text("\n".join(lines) + "\n")
    (folder / "labels.txt").write_text("1 1 5 11 50\n1 1 7 51 60\n2 1 1 1 100\n")
    return tmp_path


def test_hapt_labels_are_samples_of_their_experiment(hapt):
    recording = readers.hapt(hapt, "exp01_user01")
    assert [(i.start_s, i.end_s, i.label) for i in recording.labels.intervals] == [
        (0.2, 1.0, "standing"),
        (1.0, 1.2, "standing to sitting"),
    ]
    assert recording.streams["acc"].values[3].tolist() == [3.0, 0.5, 1.0]
    assert recording.streams["gyro"].values[3].tolist() == [-3.0, -0.5, 1.0]
    assert (recording.subject, recording.streams["gyro"].channels[0].unit) == ("user01", "rad/s")
    reader = registry.get("reader", "hapt").create()
    assert reader.sessions(hapt) == ("exp01_user01", "exp02_user01")
    assert reader.subjects(hapt) == ("user01",)
    assert len(reader.labels) == 12


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("labels.txt", lambda text: text.replace("1 1 7 51", "1 1 13 51"), r"labels\.txt, line 2: expected an activity from 1 to 12"),
        ("labels.txt", lambda text: text.replace("51 60", "51 101"), r"labels\.txt, line 2: .*samples from 1 to 100, got 7, 51 to 101"),
        ("labels.txt", lambda text: text.replace("51 60", "51"), r"labels\.txt, line 2: expected 5 numbers"),
        ("acc_exp01_user01.txt", lambda text: text + "1 2\n", r"acc_exp01_user01\.txt, line 101: expected 3 numbers"),
        ("gyro_exp01_user01.txt", lambda text: "", r"gyro_exp01_user01\.txt holds no samples"),
    ],
)
def test_a_damaged_hapt_file_is_named_with_its_line(hapt, file, change, message):
    path = hapt / "RawData" / file
    path.write_text(change(path.read_text()))
    with pytest.raises(ReaderError, match=message):
        readers.hapt(hapt, "exp01_user01")


def test_a_missing_gyroscope_or_label_file_is_named(hapt):
    (hapt / "RawData" / "gyro_exp01_user01.txt").unlink()
    with pytest.raises(ReaderError, match=r"gyro_exp01_user01\.txt"):
        readers.hapt(hapt, "exp01_user01")
    (hapt / "RawData" / "labels.txt").unlink()
    with pytest.raises(ReaderError, match=r"labels\.txt"):
        readers.hapt(hapt, "exp02_user01")
