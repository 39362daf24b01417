"""The made-up input of the golden embedding: wholly a function of the spec and the seed, whatever the spec reads."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from small_clips import spec

from sslts.config import SensorSpec
from sslts.data.specs import empatica_e4
from sslts.golden import ROWS, golden_batch
from sslts.types import ClipClock, RateClock, SensorBatch

CLIPS = spec(frames=4, size=(5, 3), samples=16, channels=2)
ANY = SensorSpec(modalities={"rate_hz": 25, "units": {"gyroscope": "rad/s", "accelerometer": "g"}}, window_s=2, stride_s=2)


def sha256(batch: SensorBatch) -> str:
    digest = hashlib.sha256()
    for name, signal in batch.signals.items():
        digest.update(f"{name} {tuple(signal.values.shape)}".encode())
        digest.update(signal.values.numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("given", [CLIPS, empatica_e4(window_s=4, stride_s=2), ANY], ids=["clips", "e4", "any"])
def test_one_seed_gives_one_batch_and_another_seed_another(given):
    first, again, other = golden_batch(given, 7), golden_batch(given, 7), golden_batch(given, 8)
    assert sha256(first) == sha256(again) != sha256(other)
    assert len(first) == ROWS
    assert first.present().all()
    for signal in first.signals.values():
        assert signal.observed.all()
        assert torch.isfinite(signal.values).all()


def test_a_video_has_frames_of_its_size_on_the_clock_of_clips_and_no_two_are_alike():
    batch = golden_batch(CLIPS, 1)
    film = batch.signals["video"]
    assert film.values.shape == (2, 2, 4, 5, 3)
    assert film.observed.shape == (2, 1, 4)
    assert film.clock == ClipClock()
    assert batch.signals["acc"].clock == ClipClock()
    assert len(np.unique(film.values.flatten(3).reshape(-1, 15).numpy(), axis=0)) == 2 * 2 * 4
    assert (film.values.flatten(3).std(3) > 0).all(), "no frame is of one colour"
    assert golden_batch(empatica_e4(window_s=4, stride_s=2), 1).signals["bvp"].clock == RateClock(64.0)


@pytest.mark.parametrize("valid", [(0.0, 1.0), (-3.0, -1.0), (10.0, 11.0)])
def test_values_lie_in_the_valid_range_of_their_channel_pixels_included(valid):
    ranged = CLIPS.model_copy(
        update={
            "modalities": tuple(
                modality.model_copy(update={"channels": tuple(c.model_copy(update={"valid": valid}) for c in modality.channels)})
                for modality in CLIPS.named
            )
        }
    )
    for seed in range(5):
        for signal in golden_batch(ranged, seed).signals.values():
            assert signal.values.min() >= valid[0]
            assert signal.values.max() <= valid[1]


def test_what_a_modality_holds_does_not_depend_on_those_that_come_after_it():
    turned = CLIPS.model_copy(update={"modalities": tuple(reversed(CLIPS.named))})
    alone = CLIPS.model_copy(update={"modalities": (CLIPS.modality("acc"),)})
    assert torch.equal(golden_batch(turned, 3).signals["acc"].values, golden_batch(alone, 3).signals["acc"].values)
