import numpy as np
import pytest
import torch

from sslts.config import SensorSpec
from sslts.data import Recording, cut, prepare, to_batch
from sslts.data.specs import empatica_e4
from sslts.errors import LengthError, MissingModalityError, UnsupportedError

SPEC = empatica_e4(window_s=10, stride_s=5)


def windows(spec=SPEC):
    recording = Recording.from_arrays({"eda": np.arange(80.0)}, rate_hz=4, units={"eda": "uS"})
    return cut(prepare(recording, spec), spec, [0.0, 5.0, 60.0])


def test_a_batch_is_in_the_order_of_the_spec_and_says_what_is_absent():
    batch = to_batch(windows(), SPEC, {"start_s": [0.0, 5.0, 60.0]})
    assert batch.names == SPEC.names
    assert batch.present().tolist() == [[False, False, True, False]] * 2 + [[False] * 4]
    assert batch.signals["acc"].values.shape == (3, 3, 320)
    assert batch.signals["bvp"].clock.rate_hz == 64
    assert batch.keys["start_s"] == [0.0, 5.0, 60.0]
    torch.testing.assert_close(batch.signals["eda"].values[1, 0], torch.arange(20.0, 60.0))


def test_windows_of_another_length_or_name_are_refused():
    with pytest.raises(LengthError, match=r"\(3, 1, 40\), expected \(3, 1, 20\)"):
        to_batch(windows(), empatica_e4(window_s=5))
    with pytest.raises(MissingModalityError, match="nothing"):
        to_batch({}, SPEC)
    with pytest.raises(MissingModalityError, match="steps"):
        to_batch({"steps": windows()["eda"]}, SPEC)


def test_a_spec_for_any_modality_needs_to_be_told_which():
    spec = SensorSpec(modalities="any", window_s=10, stride_s=5)
    with pytest.raises(UnsupportedError, match="modalities="):
        to_batch(windows(spec), spec)
    assert to_batch(windows(spec), spec, modalities=[SPEC.modality("eda")]).names == ("eda",)
