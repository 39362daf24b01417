"""Encoding: what goes in is checked, and what comes out depends on nothing but the signals."""

from __future__ import annotations

import numpy as np
import pytest
from small_recordings import RATES, UNITS, arrays, assert_same, recording
from tiny_e4 import tiny_model

import sslts
from sslts.config import Preprocessing, SensorSpec
from sslts.data import readers, samples
from sslts.data.collate import to_batch
from sslts.data.recording import Recording
from sslts.data.windows import Cut
from sslts.embeddings import Embeddings
from sslts.errors import (
    ChannelError,
    ConfigError,
    LengthError,
    MissingModalityError,
    RangeError,
    RateError,
    UnitError,
    UnsupportedError,
)
from sslts.model import Model


@pytest.fixture
def model(small_spec: SensorSpec) -> Model:
    return tiny_model(small_spec)


def test_an_embedding_has_one_row_a_window_and_says_when(model):
    found = model.encode(recording(20))
    assert found.values.shape == (9, model.embed_dim)  # 4 s windows every 2 s in 20 s
    assert found.values.dtype == np.float32
    assert found.time_s.tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 16]
    assert found.present.all()
    assert (found.model, found.modalities, found.window_s, found.normalise) == ("tiny", ("acc", "eda"), 4, "artefact")
    assert len(model.encode(recording(20), stride_s=4)) == 5


@pytest.mark.parametrize("normalise", ["artefact", "recording"])
def test_encode_is_its_pieces_joined(model, normalise):
    pieces = list(model.iter_encode(recording(), normalise=normalise, batch_size=4))
    assert [len(piece) for piece in pieces] == [4, 4, 1]
    assert_same(model.encode(recording(), normalise=normalise, batch_size=4), Embeddings.join(pieces))


def test_arrays_embed_as_the_recording_made_of_them(model):
    assert_same(model.encode(arrays(), rate_hz=RATES, units=UNITS), model.encode(recording()))


def test_the_batch_size_does_not_matter(model):
    whole = model.encode(recording())
    for size in (1, 2, 7):
        np.testing.assert_allclose(model.encode(recording(), batch_size=size).values, whole.values, rtol=1e-5, atol=1e-6)


def test_a_unit_that_can_be_converted_gives_the_same_embedding(model):
    metres = recording().streams["acc"].values * np.float32(9.80665)
    found = model.encode({**arrays(), "acc": metres}, rate_hz=RATES, units={"acc": "m/s^2", "eda": "uS"})
    np.testing.assert_allclose(found.values, model.encode(recording()).values, rtol=1e-4, atol=1e-5)


def test_channels_in_another_order_give_the_same_embedding(model):
    given = arrays()
    turned = Recording.from_arrays(
        {"eda": given["eda"], "acc": given["acc"][:, [2, 0, 1]]}, rate_hz=RATES, units=UNITS, channels={"acc": ["z", "x", "y"]}
    )
    assert_same(model.encode(turned), model.encode(recording()))


def test_a_higher_rate_of_the_same_signal_gives_nearly_the_same_embedding(model):
    fine = np.arange(20 * 16) / 16
    turning = np.stack([np.sin(0.6 * fine), 0.5 * np.cos(0.6 * fine), 0.4 + 0.3 * np.sin(0.2 * fine)], axis=1)
    found = model.encode({**arrays(), "acc": turning}, rate_hz={"acc": 16, "eda": 4}, units=UNITS).values
    expected = model.encode(recording()).values
    inner = slice(1, -1)  # a filter cannot know what lies beyond the recording's ends
    assert np.abs(found - expected)[inner].max() < 0.05 * np.abs(expected).max()


# --- what is missing or broken -----------------------------------------------------------------------------------------


def test_a_missing_modality_is_marked_absent_and_the_rest_embeds(model):
    found = model.encode(recording().without("eda"))
    assert found.present.tolist() == [[True, False]] * len(found)
    assert np.isfinite(found.values).all()
    assert (np.abs(found.values).sum(1) > 0).all()
    assert not np.allclose(found.values, model.encode(recording()).values)


def test_a_recording_without_any_known_modality_is_refused(model):
    strange = Recording.from_arrays({"ecg": np.zeros(100)}, rate_hz=10, units={"ecg": "mV"})
    with pytest.raises(MissingModalityError, match=r"holds ecg.*Expected at least one of: acc"):
        model.encode(strange)
    with pytest.raises(MissingModalityError, match="no stream"):
        model.encode(recording().without("acc", "eda"))


@pytest.mark.parametrize("normalise", ["artefact", "recording"])
@pytest.mark.parametrize("kind", ["input", "embedding"])
def test_an_hour_without_any_sample_is_rows_of_zeros(small_spec, normalise, kind):
    model = with_recording(tiny_model(small_spec), kind)
    given = arrays(3660)
    for name, rate in RATES.items():
        given[name][round(30 * rate) : round(3630 * rate)] = np.nan
    found = model.encode(given, rate_hz=RATES, units=UNITS, stride_s=10, normalise=normalise)
    inside = (found.time_s >= 30) & (found.time_s + 4 <= 3630)
    assert inside.sum() == 360
    assert not found.present[inside].any()
    assert not found.values[inside].any()
    assert found.present[~inside].all()
    assert np.isfinite(found.values).all()
    assert (np.abs(found.values[~inside]).sum(1) > 0).all()


@pytest.mark.parametrize("normalise", ["artefact", "recording"])
@pytest.mark.parametrize("broken", ["nan run", "infinities", "constant", "all lost"])
def test_broken_samples_never_make_an_embedding_infinite(model, broken, normalise):
    given = arrays()
    match broken:
        case "nan run":
            given["acc"][40:90] = np.nan
        case "infinities":
            given["eda"][10:13], given["acc"][::7, 1] = np.inf, -np.inf
        case "constant":
            given["eda"][:], given["acc"][:] = 1.5, (0, 0, 1)
        case "all lost":
            given["eda"][:] = np.nan
    found = model.encode(given, rate_hz=RATES, units=UNITS, normalise=normalise)
    assert np.isfinite(found.values).all()
    assert found.present[:, 0].any()
    assert found.present[:, 1].any() == (broken != "all lost")


@pytest.mark.parametrize(
    ("given", "rate_hz", "units", "error", "hint"),
    [
        (arrays(3), RATES, UNITS, LengthError, r"lasts 3 s, one window needs 4 s\. Record longer"),
        (arrays(0), RATES, UNITS, LengthError, "empty"),
        (arrays(), None, UNITS, RateError, "take rate_hz="),
        (arrays(), 0, UNITS, RateError, "above 0"),
        (arrays(), {"acc": 8}, UNITS, RateError, "'eda' has no rate"),
        (arrays(), RATES, None, UnitError, "Give units="),
        (arrays(), RATES, {"acc": "uS", "eda": "uS"}, UnitError, "acc"),
        ({**arrays(), "acc": 9.81 * arrays()["acc"]}, RATES, UNITS, RangeError, r"looks like m/s\^2"),
        ({"acc": arrays()["acc"].T}, RATES["acc"], {"acc": "g"}, ChannelError, "pass array.T"),
        ({"acc": arrays()["acc"][:, :2]}, RATES["acc"], {"acc": "g"}, ChannelError, "2 columns"),
        (arrays(), {**RATES, "egg": 4.0}, UNITS, ChannelError, "egg"),
        (np.zeros(80), 8, UNITS, MissingModalityError, "Recording.from_arrays"),
    ],
)
def test_input_that_does_not_fit_is_refused_with_what_to_do(model, given, rate_hz, units, error, hint):
    with pytest.raises(error, match=hint):
        model.encode(given, rate_hz=rate_hz, units=units)


def test_a_recording_that_just_misses_one_window_is_refused_as_too_short(model):
    given = {"acc": arrays(4)["acc"][:-1], "eda": arrays(4)["eda"][:-1]}  # 3.875 s of acc: within half a sample of eda
    with pytest.raises(LengthError, match="one window needs 4 s"):
        model.encode(given, rate_hz=RATES, units=UNITS)


def test_a_recording_knows_its_own_rates_and_units(model):
    with pytest.raises(ConfigError, match="leave out rate_hz and units"):
        model.encode(recording(), rate_hz=8)


@pytest.mark.parametrize(
    ("options", "error"),
    [({"normalise": "z"}, ConfigError), ({"batch_size": 0}, ConfigError), ({"stride_s": 0}, LengthError), ({"stride_s": -1}, LengthError)],
)
def test_options_out_of_bounds_are_refused(model, options, error):
    with pytest.raises(error):
        model.encode(recording(), **options)


# --- normalise="recording" ---------------------------------------------------------------------------------------------


def with_recording(model: Model, kind: str) -> Model:
    """The same network, whose `normalise="recording"` replaces input statistics or standardises embeddings."""
    if kind == "input":
        return model
    return Model(model.config.model_copy(update={"preprocessing": Preprocessing(recording="embedding")}), model.method)


def test_embeddings_are_z_scored_over_the_recording_where_the_model_says_so(model):
    scaled = with_recording(model, "embedding")
    plain, found = scaled.encode(recording()), scaled.encode(recording(), normalise="recording", batch_size=2)
    exact = plain.values.astype(np.float64)
    varies = exact.std(0) > 1e-6
    assert varies.any()
    np.testing.assert_allclose(found.values[:, varies], ((exact - exact.mean(0)) / exact.std(0).clip(1e-6))[:, varies], atol=2e-3)
    assert not found.values[:, ~varies].any()
    assert found.normalise == "recording"


def test_one_window_alone_is_standardised_to_nothing_and_told(model, caplog):
    scaled = with_recording(model, "embedding")
    short = Recording.from_arrays(arrays(4), rate_hz=RATES, units=UNITS)
    assert not scaled.encode(short, normalise="recording").values.any()
    assert "holds one window to see: under normalise='recording' its embedding is 0" in caplog.text


def test_a_clip_is_never_standardised_by_itself():
    model = sslts.load("mu-mae-utd-mhad")
    folder = samples.path("utd_mhad_ten_clips")
    clip = readers.utd_mhad(folder, readers.sessions("utd-mhad", folder)[0], parts=("inertial",))
    with pytest.raises(ConfigError, match=r"A clip is one window.*Use normalise='artefact'"):
        model.encode(clip, normalise="recording")


def test_input_statistics_are_the_recordings_own_where_the_model_says_so(model):
    given = arrays()
    own = {name: (array - array.mean(0)) / array.std(0) for name, array in given.items()}
    found = model.encode(recording(), normalise="recording")
    assert not np.allclose(found.values, model.encode(recording()).values, atol=1e-3)
    windows = {}
    for name, rate in RATES.items():
        columns = own[name].reshape(len(own[name]), -1).astype(np.float32)
        cut = np.stack([columns[round(start * rate) : round((start + 4) * rate)].T for start in found.time_s])
        windows[name] = Cut(cut, np.ones(cut.shape, dtype=bool), np.ones(len(cut), dtype=bool))
    np.testing.assert_allclose(found.values, model.embed(to_batch(windows, model.config.spec)).numpy(), rtol=1e-3, atol=1e-4)


def test_a_change_of_gain_is_undone_by_the_recordings_own_statistics_only(model):
    quieter = recording(eda=0.02 * arrays()["eda"])
    assert not np.allclose(model.encode(quieter).values, model.encode(recording()).values, atol=1e-2)
    own = [model.encode(one, normalise="recording").values for one in (quieter, recording())]
    np.testing.assert_allclose(own[0], own[1], rtol=1e-3, atol=1e-4)


# --- what is done with embeddings ----------------------------------------------------------------------------------------


def test_a_model_without_text_says_which_can(model):
    with pytest.raises(UnsupportedError, match="no text tower, so it cannot classify"):
        model.classify(recording(), ["stress"])
    with pytest.raises(UnsupportedError, match="cannot search"):
        model.search(recording(), "stress")


def test_similarity_of_a_recording_with_itself_is_one_on_the_diagonal(model):
    found = model.encode(recording())
    np.testing.assert_allclose(np.diag(model.similarity(found, found)), 1, atol=1e-5)


def test_the_summary_says_what_goes_in_and_what_comes_out(model):
    text = model.summary()
    assert "embedding of 8 numbers for each window of 4 s" in text
    assert "acc: x [g], y [g], z [g] at 8 Hz" in text
    assert f"{sum(p.numel() for p in model.method.parameters()):,} parameters" in text
