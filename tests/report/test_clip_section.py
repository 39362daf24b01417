"""The section of a clip: which frames, which pixels, where curves are filled in, and what is refused."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from sslts.errors import LengthError
from sslts.report import ClipSection, Page, render
from sslts.report.clip import MAX_CHANNELS, MAX_FRAMES, Film, Guess, Sensor


def film(frames: int = 16) -> Film:
    drawn = np.random.default_rng(0)
    seen = drawn.uniform(1, 3, (frames, 6, 4)).astype(np.float32)
    hidden = np.zeros((frames, 6, 4), dtype=bool)
    hidden[:, 2:4, :2] = True
    return Film("Depth", seen, np.where(hidden, seen + 0.1, seen).astype(np.float32), hidden)


def sensor(channels: int = 3) -> Sensor:
    seen = np.random.default_rng(1).normal(size=(channels, 20)).astype(np.float32)
    hidden = np.zeros((channels, 20), dtype=bool)
    hidden[:, 5:10] = hidden[:, 15:] = True
    return Sensor("Acceleration", "g, 20 points", seen, np.where(hidden, 0, seen).astype(np.float32), hidden)


def section(**changes: object) -> ClipSection:
    given = {
        "films": [film()],
        "sensors": [sensor()],
        "guesses": [Guess("squat", 0.2, False), Guess("bowling", 0.7, True)],
        "lead": "One clip.",
    }
    return ClipSection(**(given | changes))


def test_frames_are_spread_over_the_clip_and_pixels_come_back():
    shown = film()
    told = section(films=[shown]).data()["films"][0]
    assert (told["frames"], told["height"], told["width"]) == (MAX_FRAMES, 6, 4)
    frames = np.round(np.linspace(0, 15, MAX_FRAMES)).astype(int)
    low, high = np.quantile(shown.seen, (0.01, 0.99))
    for name, values in (("seen", shown.seen), ("made", shown.made)):
        pixels = np.frombuffer(base64.b64decode(told[name]), np.uint8).reshape(MAX_FRAMES, 6, 4)
        np.testing.assert_allclose(pixels, 255 * np.clip((values[frames] - low) / (high - low), 0, 1), atol=0.51)
    hidden = np.unpackbits(np.frombuffer(base64.b64decode(told["hidden"]), np.uint8), count=MAX_FRAMES * 24).reshape(MAX_FRAMES, 6, 4)
    np.testing.assert_array_equal(hidden.astype(bool), shown.hidden[frames])


def test_a_short_film_shows_each_frame_once():
    assert section(films=[film(3)]).data()["films"][0]["frames"] == 3


def test_curves_are_filled_in_where_they_were_hidden_and_nowhere_else():
    drawn = section(sensors=[sensor(channels=9)]).context()["sensors"][0]
    assert len(drawn["seen"]) == len(drawn["made"]) == MAX_CHANNELS
    assert [(gap["left"], gap["width"]) for gap in drawn["hidden"]] == [(25.0, 25.0), (75.0, 25.0)]
    assert drawn["seen"][0].count("M") == 1
    assert drawn["made"][0].count("M") == 2
    assert drawn["made"][0].count("L") == 8
    assert drawn["share"] == "50"


def test_guesses_are_told_best_first_and_the_truth_is_marked():
    told = section().context()["guesses"]
    assert [(guess["label"], guess["truth"]) for guess in told] == [("bowling", True), ("squat", False)]
    assert [guess["bar"] for guess in told] == [100.0, 0.0]


def test_the_page_holds_everything_and_escapes_names():
    html = render(Page(title="t", lead="l", figures=(), sections=(section(guesses=[Guess("<b>x</b>", 0.5, True)]),)))
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<b>x</b>" not in html
    assert html.count("<canvas") == 3 * MAX_FRAMES
    assert "src=" not in html
    assert "http" not in html.split("</style>")[1]


def test_a_black_film_and_a_still_sensor_are_drawn_too():
    black = Film("Depth", *(np.zeros((2, 3, 3), np.float32),) * 2, np.zeros((2, 3, 3), bool))
    still = Sensor("Rate", "deg/s", *(np.zeros((1, 4), np.float32),) * 2, np.zeros((1, 4), bool))
    made = section(films=[black], sensors=[still], guesses=[])
    assert made.data()["films"][0]["frames"] == 2
    assert "nan" not in made.context()["sensors"][0]["seen"][0]


def test_nothing_to_show_and_unequal_shapes_are_refused():
    with pytest.raises(LengthError, match="a video or a sensor"):
        section(films=[], sensors=[])
    with pytest.raises(LengthError, match="'Depth'.*must have one shape"):
        section(films=[Film("Depth", film().seen, film().made[:-1], film().hidden)])
