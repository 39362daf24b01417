"""Data sets of a recipe whose model reads any channels: which windows, whose, with which streams and texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_har import dsads, motionsense, utd, utd_clip

from sslts import registry
from sslts.config import AnyChannels, SensorSpec, parse
from sslts.errors import ConfigError, LengthError, ReaderError, TrainingError
from sslts.training.datasets import Opened, open_datasets, streams_of
from sslts.training.recipe import Recipe
from sslts.types import TEXTS, ClipClock

UNITS = {"accelerometer": "g", "gyroscope": "rad/s"}


def recipe(**changes: Any) -> Recipe:
    """Three data sets of two people and two activities each, windows of 5 s."""
    base: dict[str, Any] = {
        "name": "open",
        "data": {"reader": "dsads", "root": "DSADS"},
        "more": [
            {"reader": "motionsense", "root": "MotionSense"},
            {"reader": "utd-mhad-inertial", "root": "UTD", "short": "pad"},
        ],
        "spec": {"modalities": {"rate_hz": 25, "units": UNITS}, "window_s": 5, "stride_s": 5},
        "method": {"name": "sensor-text-jepa"},
        "batch_size": 8,
        "epochs": 1,
    }
    checked: Recipe = parse(Recipe, base | changes, "open")
    return checked


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("data")
    dsads(where / "DSADS")
    motionsense(where / "MotionSense")
    utd(where / "UTD")
    return where


@pytest.fixture(scope="module")
def opened(root, tmp_path_factory):
    """Open a recipe's data; the stores are shared, since what is selected does not change them."""
    folder = tmp_path_factory.mktemp("stores")

    def opened(given: Recipe, **options: Any) -> Opened:
        return open_datasets(given, root, folder, **options)

    return opened


def named(found: Opened) -> set[str]:
    """The labels that training windows have."""
    return {found.labels[number] if number >= 0 else "none" for number in found.train.labels(range(len(found.train)))}


def test_all_windows_of_all_sets_are_mixed_with_their_own_streams(opened):
    found = opened(recipe())
    # DSADS: 2 people x 2 activities x 60 segments; MotionSense: 4 trials of 20 s; UTD-MHAD: 8 clips of 3 s.
    assert len(found.train) == 240 + 16 + 8
    assert found.subjects == (
        "dsads:p1",
        "dsads:p2",
        "motionsense:sub_1",
        "motionsense:sub_2",
        "utd-mhad-inertial:s1",
        "utd-mhad-inertial:s2",
    )
    assert found.held_out is None
    assert named(found) == set(found.labels)
    assert set(found.labels) == {
        "sitting", "walking in a parking lot", "walking", "right arm swipe to the left", "jogging in place",
    }  # fmt: skip
    batch = found.train.batch([0, 245, 263], generator=torch.Generator())
    present = {name: signal.present.tolist() for name, signal in batch.signals.items() if signal.present.any()}
    assert [name for name, rows in present.items() if rows[0]] == [
        f"{unit}_{part}" for unit in ("torso", "right_arm", "left_arm", "right_leg", "left_leg") for part in ("acc", "gyro")
    ]
    assert [name for name, rows in present.items() if rows[1]] == ["acc", "gyro"]
    assert [name for name, rows in present.items() if rows[2]] == ["right_thigh_acc", "right_thigh_gyro"]


def test_streams_come_in_the_specs_rate_and_units(opened):
    batch = opened(recipe()).train.batch([0, 255], generator=torch.Generator())
    torso = batch.signals["torso_acc"]
    assert torso.values.shape[1:] == (3, 125)
    assert {channel.unit for channel in torso.channels} == {"g"}
    assert torso.values[0, 2].mean().item() == pytest.approx(1.0, abs=0.1), "9.81 m/s^2 in g"
    assert batch.signals["acc"].values[1, 2].mean().item() == pytest.approx(1.0, abs=0.1)


def test_a_recording_shorter_than_a_window_is_padded_only_when_asked(opened, root, tmp_path):
    found = opened(recipe())
    rows = [row for row, name in enumerate(found.train.ids(range(len(found.train)))) if name.startswith("utd")]
    batch = found.train.batch(rows, generator=torch.Generator())
    seen = sum(signal.observed[:, 0].sum(1) * signal.present for name, signal in batch.signals.items() if name.endswith("_acc"))
    assert len(rows) == 8
    assert ((seen >= 74) & (seen <= 76)).all(), "three seconds of five are observed"
    refusing = recipe(data={"reader": "utd-mhad-inertial", "root": "UTD"}, more=[])
    with pytest.raises(LengthError, match="lasts 3 s, one window needs 5 s"):
        open_datasets(refusing, root, tmp_path / "refused")


def test_a_clip_that_cannot_be_read_is_left_out_only_when_asked(tmp_path, caplog):
    utd(tmp_path / "UTD", people=(1,))
    (tmp_path / "UTD" / "Inertial" / "a22_s1_t2_inertial.mat").write_bytes(b"damaged")
    given = {"reader": "utd-mhad-inertial", "root": "UTD", "short": "pad"}
    with pytest.raises(ReaderError, match="a22_s1_t2"):
        open_datasets(recipe(data=given, more=[]), tmp_path, tmp_path / "refused")
    found = open_datasets(recipe(data=given | {"broken": "skip"}, more=[]), tmp_path, tmp_path / "store")
    assert len(found.train) == 3
    assert "1 of 4 sessions cannot be read" in caplog.text


def test_excluded_labels_are_never_read(opened):
    more = [{"reader": "motionsense", "root": "MotionSense", "exclude_labels": ["walking"]}]
    found = opened(recipe(data={"reader": "dsads", "root": "DSADS", "exclude_labels": ["sitting"]}, more=more))
    by_set = {}
    for row, name in enumerate(found.train.ids(range(len(found.train)))):
        by_set.setdefault(name.partition(":")[0], set()).add(found.labels[found.train.labels([row])[0]])
    assert by_set == {"dsads": {"walking in a parking lot"}, "motionsense": {"sitting"}}, "each set leaves out its own"
    assert len(found.train) == 120 + 8


def test_a_window_that_meets_an_excluded_label_in_part_is_not_read_either(root, tmp_path):
    """Windows every 2.5 s: every second one of DSADS straddles two labelled segments and has no label of its own."""
    every = {"reader": "dsads", "root": "DSADS", "stride_s": 2.5}
    whole = open_datasets(recipe(data=every, more=[]), root, tmp_path / "store")
    assert "none" in named(whole)
    found = open_datasets(recipe(data={**every, "exclude_labels": ["sitting"]}, more=[]), root, tmp_path / "store")
    assert len(whole.train) == 4 * 119
    assert len(found.train) == 2 * 119
    assert all("a09" in name for name in found.train.ids(range(len(found.train))))


def test_excluded_and_validation_subjects_are_not_trained_on(opened):
    given = recipe(
        data={"reader": "dsads", "root": "DSADS", "exclude": ["p1"]},
        monitor={"validation_subjects": ["motionsense:sub_2", "utd-mhad-inertial:s1"]},
    )
    found = opened(given)
    assert found.subjects == ("dsads:p2", "motionsense:sub_1", "utd-mhad-inertial:s2")
    assert set(found.train.subjects()) == set(found.subjects)
    assert found.held_out is not None
    assert set(found.held_out.subjects()) == {"motionsense:sub_2", "utd-mhad-inertial:s1"}
    assert TEXTS not in found.held_out.batch([0], generator=torch.Generator()).keys


def test_a_set_whose_people_are_all_held_out_is_watched_only(opened):
    found = opened(recipe(monitor={"validation_subjects": ["motionsense:sub_1", "motionsense:sub_2"]}))
    assert not any(subject.startswith("motionsense") for subject in found.train.subjects())
    assert {subject.partition(":")[0] for subject in found.held_out.subjects()} == {"motionsense"}


def test_subjects_given_in_the_call_replace_the_recipes_but_what_is_excluded_stays_out(opened):
    given = recipe(monitor={"validation_subjects": ["dsads:p2"]}, data={"reader": "dsads", "root": "DSADS", "subjects": ["p1"]})
    assert opened(given, subjects=["motionsense:sub_2", "dsads:p2"]).subjects == ("motionsense:sub_2",)
    assert opened(given).subjects[0] == "dsads:p1"


def test_windows_carry_the_wordings_of_their_label_and_only_where_it_may_be_read(opened):
    texts = {"activities": "activities"}
    plain = opened(recipe(texts=texts))
    words = plain.train.batch([0], generator=torch.Generator()).keys[TEXTS][0]
    assert words[0] == plain.labels[plain.train.labels([0])[0]]
    assert len(words) == 4
    name = plain.train.ids([7])[0]
    few = opened(recipe(texts=texts), labelled=[name]).train
    assert [bool(told) for told in few.batch([6, 7], generator=torch.Generator()).keys[TEXTS]] == [False, True]
    assert TEXTS not in opened(recipe()).train.batch([0], generator=torch.Generator()).keys


def test_training_windows_are_changed_at_random_and_held_out_ones_are_not(opened):
    watched = {"validation_subjects": ["dsads:p1"]}
    still, moving = (opened(recipe(monitor=watched, augment=augment)) for augment in ({}, {"any_rotation": 1.0}))

    def values(source: Any, seed: int) -> torch.Tensor:
        return source.batch([0], generator=torch.Generator().manual_seed(seed)).signals["torso_acc"].values

    assert torch.equal(values(still.train, 0), values(still.train, 1))
    assert not torch.equal(values(moving.train, 0), values(moving.train, 1))
    assert torch.equal(values(moving.train, 1), values(moving.train, 1))
    torch.testing.assert_close(values(moving.train, 0).norm(dim=1), values(still.train, 0).norm(dim=1))
    assert torch.equal(values(moving.held_out, 0), values(still.held_out, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"monitor": {"validation_subjects": ["p1"]}}, r"'p1' names no subject of dsads, .*Write set:subject, e\.g\. dsads:1"),
        ({"monitor": {"validation_subjects": ["pamap2:101"]}}, r"'pamap2:101' names no subject of dsads"),
        ({"monitor": {"validation_subjects": ["dsads:p9"]}}, r"Data set 'dsads' has no subject p9\. It has p1, p2"),
        ({"data": {"reader": "dsads", "root": "DSADS", "exclude": ["p7"]}}, r"Data set 'dsads' has no subject p7"),
        (
            {"data": {"reader": "dsads", "root": "DSADS", "exclude_labels": ["napping"]}},
            r"Data set 'dsads' has no label napping\. It has sitting",
        ),
        ({"data": {"reader": "dsads", "root": "DSADS", "exclude_labels": ["walking"]}}, r"Data set 'dsads' has no label walking\."),
    ],
    ids=["no set", "another set", "unknown subject", "unknown excluded", "unknown label", "a label of another set"],
)
def test_what_a_data_set_does_not_have_is_refused_by_name(opened, change, message):
    with pytest.raises(ConfigError, match=message):
        opened(recipe(**change))


def test_unknown_subjects_in_the_call_are_refused_by_name(opened):
    with pytest.raises(ConfigError, match=r"Data set 'motionsense' has no subject sub_9"):
        opened(recipe(), subjects=["motionsense:sub_9"])


def test_a_recipe_that_leaves_nobody_is_refused(opened):
    with pytest.raises(TrainingError, match="selects no subject"):
        opened(recipe(data={"reader": "dsads", "root": "DSADS", "exclude": ["p1", "p2"]}, more=[]))


def test_a_set_of_which_everything_is_excluded_is_refused_by_name(opened):
    with pytest.raises(ConfigError, match="none in dsads"):
        opened(recipe(data={"reader": "dsads", "root": "DSADS", "exclude_labels": ["sitting", "walking in a parking lot"]}))


def test_a_data_set_without_a_root_asks_for_one(tmp_path):
    with pytest.raises(ConfigError, match=r"Data set 'dsads' names no root: give one, e\.g\. sslts train open --root DATA"):
        open_datasets(recipe(data={"reader": "dsads"}, more=[]), None, tmp_path)


# --- streams -----------------------------------------------------------------------------------------------------------


def spec(**units: str) -> SensorSpec:
    return SensorSpec(modalities=AnyChannels(rate_hz=25, units=units), window_s=5, stride_s=5)


def test_a_reader_is_asked_for_the_kinds_that_the_spec_reads():
    reader = registry.get("reader", "dsads").create()
    found = streams_of(reader, "dsads", spec(gyroscope="deg/s"))
    assert found.names == ("torso_gyro", "right_arm_gyro", "left_arm_gyro", "right_leg_gyro", "left_leg_gyro")
    assert {(modality.rate_hz, channel.unit) for modality in found.named for channel in modality.channels} == {(25, "deg/s")}
    assert all(channel.description for modality in found.named for channel in modality.channels)


def test_a_reader_that_has_none_of_them_or_does_not_say_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"Reader 'dsads' has no stream of temperature"):
        streams_of(registry.get("reader", "dsads").create(), "dsads", spec(temperature="degC"))
    with pytest.raises(ConfigError, match=r"Reader 'csv' does not say which streams it has"):
        streams_of(registry.get("reader", "csv").create(rate_hz=50, units={"acc": "g"}), "csv", spec(accelerometer="g"))


def test_clips_of_sensors_and_videos_become_clips_of_their_sensors(tmp_path):
    for trial in (1, 2):
        utd_clip(tmp_path / "UTD", trial=trial, samples=30 * trial, size=(96, 96))
    units = {"accelerometer": "g", "gyroscope": "deg/s", "depth": "m"}
    clips = {"modalities": {"rate_hz": 16, "units": units}, "window_s": 1, "stride_s": 1, "clock": "clip"}
    given = recipe(data={"reader": "utd-mhad", "root": "UTD"}, more=[], spec=clips)
    found = open_datasets(given, tmp_path, tmp_path / "store")
    batch = found.train.batch([0, 1], generator=torch.Generator())
    assert batch.names == ("acc", "gyro"), "a model of any channels reads no video"
    assert batch.present().all()
    assert {signal.clock for signal in batch.signals.values()} == {ClipClock()}
    assert batch.signals["acc"].values.shape == (2, 3, 16)
