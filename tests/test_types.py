"""The values that flow between the parts check their own shapes."""

from __future__ import annotations

import pytest
import torch

from sslts.config import Channel
from sslts.errors import ChannelError, LengthError, MissingModalityError
from sslts.types import RateClock, SensorBatch, Signal

CHANNEL = (Channel(name="eda", kind="electrodermal-activity", unit="uS"),)


def signal(batch: int = 3) -> Signal:
    return Signal(
        torch.zeros(batch, 1, 8), CHANNEL, RateClock(4), torch.ones(batch, dtype=torch.bool), torch.ones(batch, 1, 8, dtype=torch.bool)
    )


def test_values_must_match_the_described_channels():
    with pytest.raises(ChannelError, match="2 rows of values but 1 channels"):
        Signal(torch.zeros(1, 2, 8), CHANNEL, RateClock(4), torch.ones(1, dtype=torch.bool), torch.ones(1, 2, 8, dtype=torch.bool))


@pytest.mark.parametrize(
    ("present", "observed"), [(torch.ones(3), torch.ones(3, 1, 8, dtype=torch.bool)), (torch.ones(3) > 0, torch.ones(3, 8) > 0)]
)
def test_presence_and_observation_are_booleans_of_the_right_shape(present, observed):
    with pytest.raises(LengthError, match="must be bool"):
        Signal(torch.zeros(3, 1, 8), CHANNEL, RateClock(4), present, observed)


def test_without_marks_absent_and_keeps_the_rest():
    batch = SensorBatch({"eda": signal(), "temp": signal()})
    assert batch.without("eda").present().tolist() == [[False, True]] * 3
    assert batch.present().all()
    with pytest.raises(MissingModalityError, match="eda, temp"):
        batch.without("ecg")


def test_selecting_rows_selects_their_keys():
    batch = SensorBatch({"eda": signal()}, {"subject": ["a", "b", "c"]})
    assert list(batch.select(torch.tensor([2, 0])).keys["subject"]) == ["c", "a"]
    assert list(batch.select(torch.tensor([False, True, False])).keys["subject"]) == ["b"]
    assert len(batch.select(slice(1, 3))) == 2


def test_windows_of_a_batch_are_counted_once():
    with pytest.raises(LengthError, match="same number of windows"):
        SensorBatch({"eda": signal(3), "temp": signal(2)})
    with pytest.raises(MissingModalityError, match="at least one"):
        SensorBatch({})
