import numpy as np
import pytest

from sslts import registry
from sslts.data import prepare, readers, synthetic
from sslts.data.specs import empatica_e4
from sslts.errors import ConfigError, LengthError


def test_the_same_arguments_give_the_same_recording_and_another_seed_another():
    first, again, other = (synthetic.recording(seed=seed, duration_s=60) for seed in (3, 3, 4))
    for name, stream in first.streams.items():
        np.testing.assert_array_equal(stream.values, again.streams[name].values)
        assert not np.array_equal(stream.values, other.streams[name].values)


def test_the_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    synthetic.recording(seed=3, duration_s=10)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_recordings_fit_the_device():
    recording = synthetic.session(seed=1, segment_s=60)
    prepared = prepare(recording, empatica_e4())
    assert prepared.names == ("acc", "bvp", "eda", "temp")
    assert all(stream.observed is None for stream in prepared.streams.values())
    assert recording.labels.names == ("baseline", "stress", "amusement", "meditation")
    assert recording.duration_s == 4 * 60 + 5 * 20


def pulse_rate(recording):
    """Beats a minute, from the largest spectral line between 0.7 and 2.5 Hz."""
    wave = recording.streams["bvp"].values[:, 0]
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
    hz = np.fft.rfftfreq(len(wave), 1 / 64)
    band = (hz > 0.7) & (hz < 2.5)
    return 60 * hz[band][power[band].argmax()]


def test_stress_raises_pulse_and_sweat_in_most_people_but_not_all_alike():
    rates, sweat = [], []
    for seed in range(16):
        calm, stressed = (synthetic.recording(seed=seed, duration_s=120, state=state) for state in ("meditation", "stress"))
        rates.append(pulse_rate(stressed) - pulse_rate(calm))
        sweat.append(stressed.streams["eda"].values.std() - calm.streams["eda"].values.std())
    assert np.mean(np.array(rates) > 0) >= 0.75
    assert np.mean(np.array(sweat) > 0) >= 0.75
    assert np.std(rates) > 2


def test_unknown_states_and_odd_durations_are_refused():
    with pytest.raises(ConfigError, match="Did you mean 'stress'"):
        synthetic.recording(seed=0, state="stres")
    with pytest.raises(LengthError):
        synthetic.recording(seed=0, duration_s=0)


def test_the_e4_layout_round_trips(tmp_path):
    recording = synthetic.recording(seed=1, duration_s=30)
    back = readers.empatica_e4(synthetic.write_e4(tmp_path / "S01", recording))
    assert back.start_unix == recording.start_unix
    for name, stream in recording.streams.items():
        np.testing.assert_allclose(back.streams[name].values, stream.values, rtol=1e-6)
        assert back.streams[name].channels == stream.channels


def test_lost_samples_cannot_be_written(tmp_path):
    recording = prepare(synthetic.recording(seed=1, duration_s=30), empatica_e4(window_s=5))
    values = np.array(recording.streams["eda"].values)
    values[3] = np.nan
    stream = type(recording.streams["eda"])("eda", recording.streams["eda"].channels, 4.0, values)
    with pytest.raises(LengthError, match="lost samples"):
        synthetic.write_e4(tmp_path, type(recording)({"eda": stream}))


def test_the_registered_reader_gives_several_people():
    reader = registry.get("reader", "synthetic").create(subjects=2, segment_s=30)
    assert reader.sessions() == ("P1", "P2")
    assert reader.read(session="P2").subject == "P2"
