import numpy as np
import pytest
from small_clips import clip, spec, video, worn

from sslts.config import ChannelStatistics
from sslts.data import Recording, cut, fit_statistics, prepare, recording_statistics, standardise, standardise_windows
from sslts.data.specs import empatica_e4
from sslts.errors import ChannelError, ConfigError, MissingModalityError

SPEC = empatica_e4(window_s=10, stride_s=5)
EDA = SPEC.model_copy(update={"modalities": (SPEC.modality("eda"),)})


def eda(values, subject):
    return Recording.from_arrays({"eda": values}, rate_hz=4, units={"eda": "uS"}, subject=subject)


def test_statistics_are_those_of_all_observed_samples_together():
    rng = np.random.default_rng(0)
    parts = [rng.normal(5 + k, 1 + k, 300 + 100 * k).clip(0, 100) for k in range(3)]
    parts[1][50:90] = np.nan
    fitted = fit_statistics([eda(part, f"S{k}") for k, part in enumerate(parts)], EDA, ["S0", "S1", "S2"])["eda"]
    together = np.concatenate(parts)
    assert fitted.mean[0] == pytest.approx(np.nanmean(together), rel=1e-5)
    assert fitted.scale[0] == pytest.approx(np.nanstd(together), rel=1e-5)


def test_subjects_outside_training_change_nothing():
    inside, outside = eda(np.linspace(1, 3, 80), "S1"), eda(np.full(80, 90.0), "S2")
    assert fit_statistics([inside, outside], EDA, ["S1"]) == fit_statistics([inside], EDA, None)


def test_a_training_subject_that_is_not_there_is_an_error():
    with pytest.raises(ConfigError, match="S9"):
        fit_statistics([eda(np.ones(80), "S1")], EDA, ["S1", "S9"])


def test_a_modality_never_seen_is_an_error():
    with pytest.raises(MissingModalityError, match="acc, bvp, temp"):
        fit_statistics([eda(np.ones(80), "S1")], SPEC, ["S1"])


def test_a_constant_channel_has_scale_one():
    fitted = recording_statistics(eda(np.full(80, 2.3), "S1"), EDA)["eda"]
    assert fitted.scale == (1.0,)
    assert fitted.mean[0] == pytest.approx(2.3, rel=1e-6)


def test_standardised_windows_have_zero_where_nothing_was_observed():
    values = np.linspace(1, 9, 80)
    values[10:20] = np.nan
    recording = prepare(eda(values, "S1"), EDA)
    windows = cut(recording, EDA, [0.0, 10.0])
    result = standardise_windows(windows, recording_statistics(recording, EDA))["eda"]
    assert (result.values[~result.observed] == 0).all()
    seen = result.values[result.observed]
    assert seen.mean() == pytest.approx(0, abs=1e-5)
    assert seen.std() == pytest.approx(1, rel=1e-5)


def test_clipping_bounds_the_result():
    part = cut(eda(np.linspace(0, 50, 80), "S1"), EDA, [0.0, 10.0])["eda"]
    statistics = recording_statistics(eda(np.linspace(0, 1, 80), "S1"), EDA)["eda"]
    assert np.abs(standardise(part.values, part.observed, statistics, clip=4.0)).max() == 4.0


def test_statistics_of_other_channels_or_modalities_are_refused():
    part = cut(eda(np.ones(80), "S1"), EDA, [0.0])["eda"]
    statistics = recording_statistics(eda(np.ones(80), "S1"), EDA)["eda"]
    with pytest.raises(ChannelError, match="1 channels, the windows have 3"):
        standardise(np.repeat(part.values, 3, axis=1), np.repeat(part.observed, 3, axis=1), statistics)
    with pytest.raises(MissingModalityError, match="eda"):
        standardise_windows({"eda": part}, {})


def film(subject, **lost):
    return clip(video(6, channels=2, **lost), worn(16, rate_hz=80.0), subject=subject)


def test_every_pixel_of_an_observed_frame_counts_and_no_other():
    fitted = fit_statistics([film("a", lost=(1, 4)), film("b")], spec(channels=2), ["a", "b"])["video"]
    whole = video(6, channels=2).values
    for channel in range(2):
        pixels = np.concatenate([whole[[0, 2, 3, 5], channel].ravel(), whole[:, channel].ravel()]).astype(np.float64)
        assert fitted.mean[channel] == pytest.approx(pixels.mean(), rel=1e-6)
        assert fitted.scale[channel] == pytest.approx(pixels.std(), rel=1e-6)


def test_frames_taken_a_few_at_a_time_give_the_same_statistics(monkeypatch):
    whole = recording_statistics(film("a", lost=(3,)), spec(channels=2))["video"]
    monkeypatch.setattr("sslts.data.normalise._CHUNK", 50)  # two frames of 24 pixels
    parts = recording_statistics(film("a", lost=(3,)), spec(channels=2))["video"]
    assert parts.mean == pytest.approx(whole.mean, rel=1e-12)
    assert parts.scale == pytest.approx(whole.scale, rel=1e-9)


def test_standardised_videos_have_zero_in_lost_frames_and_each_channel_its_own_scale():
    part = cut(prepare(film("a", lost=(2,)), spec(channels=2)), spec(channels=2), [0.0])["video"]
    statistics = ChannelStatistics(mean=(10.0, 20.0), scale=(2.0, 4.0))
    made = standardise_windows({"video": part}, {"video": statistics})["video"].values
    assert (made[:, :, 2] == 0).all()
    for channel, (mean, scale) in enumerate(((10, 2), (20, 4))):
        np.testing.assert_allclose(made[0, channel, 3], (part.values[0, channel, 3] - mean) / scale, rtol=1e-6)
