import zipfile

import numpy as np
import pytest

from sslts import registry
from sslts.config import SensorSpec
from sslts.data import cut, labelled_windows, prepare, readers, window_starts
from sslts.errors import ReaderError


def segment(number, rows=125):
    """125 x 45 invented numbers with two decimals; no two segments alike."""
    values = np.random.default_rng(number).integers(-999, 999, (rows, 45)) / 100
    values[:, 2::9] += 9.81  # every unit's accelerometer feels gravity
    return np.round(values, 2)


def text(values):
    return "".join(",".join(f"{value:.2f}" for value in row) + "\n" for row in values)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("DSADS")
    for person, activity in (("p2", "a19"), ("p1", "a09")):
        folder = root / "data" / activity / person
        folder.mkdir(parents=True)
        for number in range(1, 61):
            (folder / f"s{number:02d}.txt").write_text(text(segment(number)))
    return root


@pytest.fixture
def root(whole, tmp_path):
    """A folder of its own for a test that damages files."""
    for path in whole.rglob("a09/p1/*.txt"):
        target = tmp_path / path.relative_to(whole)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return tmp_path


def test_windows_of_five_seconds_are_the_published_segments(whole):
    recording = readers.dsads(whole, "p1/a09")
    assert all(len(stream) == 60 * 125 for stream in recording.streams.values())
    spec = SensorSpec(modalities=registry.get("reader", "dsads").create().modalities, window_s=5.0, stride_s=5.0)
    starts = window_starts(recording, window_s=5.0, stride_s=5.0)
    cuts = cut(prepare(recording, spec), spec, starts)
    table = np.concatenate([cuts[name].values for name in spec.names], axis=1)  # [60, 45, 125]
    expected = np.stack([segment(number).T for number in range(1, 61)])
    np.testing.assert_array_equal(table, expected.astype(np.float32))
    labelled = labelled_windows(recording, window_s=5.0, stride_s=5.0)
    np.testing.assert_array_equal(labelled.starts_s, starts)
    assert set(labelled.labels) == {"walking in a parking lot"}


def test_labelled_windows_cross_a_cut_only_when_the_session_is_one_interval(whole):
    apart, together = readers.dsads(whole, "p1/a09"), readers.dsads(whole, "p1/a09", per_segment=False)
    assert len(labelled_windows(apart, window_s=2.0, stride_s=1.0)) == 60 * 4
    assert len(labelled_windows(together, window_s=2.0, stride_s=1.0)) == 299


def test_a_stream_is_one_sensor_of_one_unit(whole):
    recording = readers.dsads(whole, "p2/a19")
    first = segment(1)[0]
    assert (len(recording.streams), recording.subject, recording.session) == (15, "p2", "p2/a19")
    for name, column in (("torso_acc", 0), ("torso_gyro", 3), ("torso_mag", 6), ("right_arm_acc", 9), ("left_arm_acc", 18)):
        assert recording.streams[name].values[0].tolist() == pytest.approx(first[column : column + 3].tolist())
    assert recording.streams["right_leg_gyro"].values[0].tolist() == pytest.approx(first[30:33].tolist())
    assert recording.streams["left_leg_mag"].values[0].tolist() == pytest.approx(first[42:45].tolist())
    x = recording.streams["right_leg_gyro"].channels[0]
    assert (x.kind, x.unit, x.position) == ("gyroscope", "rad/s", "right leg")
    assert x.description == "angular velocity of the right leg about the sensor's x axis"
    assert recording.streams["torso_mag"].channels[2].unit == "a.u."


def test_a_line_of_zeros_alone_is_lost(root):
    values = segment(2)
    values[100:] = 0
    values[99, :44] = 0  # one sensor still moves
    (root / "data/a09/p1/s02.txt").write_text(text(values))
    observed = readers.dsads(root, "p1/a09").streams["torso_acc"].observed
    lost = np.flatnonzero(~observed.any(axis=1))
    np.testing.assert_array_equal(lost, np.arange(225, 250))


def test_people_and_sessions_come_from_the_names_of_folders(whole):
    reader = registry.get("reader", "dsads").create()
    assert reader.sessions(whole) == reader.sessions(whole / "data") == ("p1/a09", "p2/a19")
    assert reader.subjects(whole) == ("p1", "p2")
    assert reader.sessions(whole, subject="p2") == ("p2/a19",)
    with pytest.raises(ReaderError, match=r"no subject 'p9'. Subjects: p1, p2"):
        reader.sessions(whole, subject="p9")
    with pytest.raises(ReaderError, match="no session 'p1/a10'. Did you mean 'p1/a09'"):
        reader.read(whole, session="p1/a10")
    with pytest.raises(ReaderError, match="say which"):
        reader.read(whole)
    assert len(reader.files(whole, "p1/a09")) == 60


def test_a_zip_reads_like_its_folder(root, tmp_path):
    archive = tmp_path / "daily.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in root.rglob("*.txt"):
            file.write(path, f"wrapped/{path.relative_to(root)}")
    zipped, plain = readers.dsads(archive, "p1/a09"), readers.dsads(root)
    np.testing.assert_array_equal(zipped.streams["left_leg_acc"].values, plain.streams["left_leg_acc"].values)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), r"s07\.txt cannot be read"),
        (lambda path: path.write_text(text(segment(7, rows=124))), r"s07\.txt ends after line 124: expected 125"),
        (lambda path: path.write_text(path.read_text().rsplit(",", 1)[0]), r"s07\.txt, line 125: expected 45 numbers"),
        (lambda path: path.write_text("soon,\n" + path.read_text()), r"s07\.txt, line 1: expected 45 numbers, got 'soon,'"),
        (lambda path: path.write_text(""), r"s07\.txt ends after line 0"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), r"s07\.txt is not a text file"),
    ],
)
def test_a_damaged_segment_is_named_with_its_line(root, damage, message):
    damage(root / "data/a09/p1/s07.txt")
    with pytest.raises(ReaderError, match=message):
        readers.dsads(root, "p1/a09")


def test_nineteen_activities_and_known_sessions_that_are_one_signal():
    reader = registry.get("reader", "dsads")
    assert len(reader.labels) == 19
    assert tuple(reader.labels)[16:18] == ("rowing", "jumping")
    # Facts about the published files: see the reader.
    assert reader.same_signal == (("p4/a17", "p8/a17"), ("p4/a18", "p8/a18"))
