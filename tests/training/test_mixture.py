"""Several data sets in one batch: each window with its own set's sensors, and nothing mistaken for another's."""

from __future__ import annotations

import pytest
import torch

from sslts.config import Channel, Modality, SensorSpec
from sslts.errors import ConfigError
from sslts.training.mixture import Mixture
from sslts.training.source import fingerprint
from sslts.types import ClipClock, RateClock, SensorBatch, Signal


def modality(name: str, axes: str) -> Modality:
    channels = tuple(Channel(name=axis, kind="accelerometer", unit="g") for axis in axes)
    return Modality(name=name, rate_hz=2, channels=channels)


LEG, POCKET = modality("leg", "xyz"), modality("pocket", "xy")
SPEC = SensorSpec(modalities=(LEG, POCKET), window_s=2, stride_s=2)


class Set:
    """`count` windows of one sensor; window i holds the number base + i."""

    def __init__(self, sensor: Modality, count: int, base: int) -> None:
        self.sensor, self.count, self.base = sensor, count, base

    def __len__(self) -> int:
        return self.count

    def batch(self, indices, *, generator):
        values = torch.tensor(indices).float()[:, None, None].expand(-1, len(self.sensor.channels), 4) + self.base
        observed = torch.ones_like(values, dtype=torch.bool)
        observed[:, 0, 0] = False
        signal = Signal(values, self.sensor.channels, RateClock(2), torch.ones(len(indices), dtype=torch.bool), observed)
        return SensorBatch({self.sensor.name: signal}, {"subject": [f"p{i % 2}" for i in indices]})

    def labels(self, indices):
        return [self.base + i for i in indices]

    def ids(self, indices):
        return [f"w{i}" for i in indices]

    def subjects(self):
        return [f"p{i % 2}" for i in range(self.count)]


@pytest.fixture
def mixture():
    return Mixture({"dsads": Set(LEG, 3, 100), "motion": Set(POCKET, 2, 200)}, SPEC)


def test_each_window_has_its_own_sets_sensors(mixture):
    batch = mixture.batch([4, 0, 2, 3], generator=torch.Generator())
    assert batch.names == ("leg", "pocket")
    assert batch.present().tolist() == [[False, True], [True, False], [True, False], [False, True]]
    assert batch.signals["leg"].values[1:3, 0, 0].tolist() == [100, 102]
    assert batch.signals["pocket"].values[[0, 3], 0, 0].tolist() == [201, 200]
    assert batch.signals["leg"].values[0].eq(0).all()
    assert batch.signals["leg"].observed[1].tolist() == [[False, True, True, True], [True] * 4, [True] * 4]
    assert not batch.signals["leg"].observed[0].any()
    assert batch.keys["subject"] == ["motion:p1", "dsads:p0", "dsads:p0", "motion:p0"]
    assert batch.keys["set"] == ["motion", "dsads", "dsads", "motion"]


def test_labels_ids_and_subjects_are_told_in_order(mixture):
    assert len(mixture) == 5
    assert mixture.labels([4, 0, 3]) == [201, 100, 200]
    assert mixture.ids([4, 0]) == ["motion:w1", "dsads:w0"]
    assert mixture.subjects() == ["dsads:p0", "dsads:p1", "dsads:p0", "motion:p0", "motion:p1"]


def test_another_set_under_the_same_names_has_another_digest(mixture):
    other = Mixture({"dsads": Set(LEG, 3, 100), "motion": Set(POCKET, 3, 200)}, SPEC)
    assert mixture.digest() != other.digest()
    assert fingerprint(mixture) == fingerprint(Mixture({"dsads": Set(LEG, 3, 100), "motion": Set(POCKET, 2, 200)}, SPEC))


def test_a_sensor_that_the_spec_does_not_name_is_refused():
    narrow = SensorSpec(modalities=(LEG,), window_s=2, stride_s=2)
    with pytest.raises(ConfigError, match="'motion' has 'pocket'"):
        Mixture({"dsads": Set(LEG, 3, 0), "motion": Set(POCKET, 2, 0)}, narrow).batch([4], generator=torch.Generator())


def test_a_set_without_windows_is_refused():
    with pytest.raises(ConfigError, match="none in motion"):
        Mixture({"dsads": Set(LEG, 3, 0), "motion": Set(POCKET, 0, 0)}, SPEC)


def test_sensors_of_clips_are_on_the_clock_of_clips_present_or_not():
    leg, pocket = (sensor.model_copy(update={"rate_hz": 4.0}) for sensor in (LEG, POCKET))
    spec = SensorSpec(modalities=(leg, pocket), window_s=1, stride_s=1, clock="clip")
    batch = Mixture({"motion": Set(pocket, 2, 200)}, spec).batch([0, 1], generator=torch.Generator())
    assert [signal.clock for signal in batch.signals.values()] == [ClipClock()] * 2
    assert batch.present().tolist() == [[False, True]] * 2
