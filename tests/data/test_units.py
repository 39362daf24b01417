import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sslts.data.units import UNITS, compatible_units, convert, normalise_unit
from sslts.errors import UnitError


@pytest.mark.parametrize(
    ("value", "unit_from", "unit_to", "expected"),
    [
        (1, "g", "m/s^2", 9.80665),
        (64, "1/64 g", "g", 1),
        (180, "deg/s", "rad/s", np.pi),
        (37, "degC", "K", 310.15),
        (98.6, "degF", "degC", 37),
        (2, "uS", "nS", 2000),
        (1.5, "mV", "uV", 1500),
        (60, "bpm", "Hz", 1),
        (25, "mm", "m", 0.025),
    ],
)
def test_conversions_agree_with_the_books(value, unit_from, unit_to, expected):
    assert convert(value, unit_from, unit_to) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [("m/s2", "m/s^2"), ("m/s²", "m/s^2"), ("µS", "uS"), ("μS", "uS"), ("°C", "degC"), ("°/s", "deg/s"), (" g ", "g"), ("m·s⁻²", "m/s^2")],
)
def test_common_spellings_are_one_unit(spelling, canonical):
    assert normalise_unit(spelling) == canonical


def test_unknown_and_incompatible_units_name_what_would_do():
    with pytest.raises(UnitError, match="Known units: m/s"):
        convert(1.0, "parsec", "m")
    with pytest.raises(UnitError, match="convert to 'g': m/s.2, cm/s.2, g, mg, 1/64 g"):
        convert(1.0, "uS", "g")
    with pytest.raises(UnitError, match="must be a string"):
        normalise_unit(None)


@given(st.sampled_from(sorted(UNITS)), st.data(), st.floats(-1e4, 1e4))
def test_there_and_back_is_where_it_was(unit, data, value):
    other = data.draw(st.sampled_from(compatible_units(unit)))
    assert convert(convert(value, unit, other), other, unit) == pytest.approx(value, rel=1e-9, abs=1e-6)


def test_float32_stays_float32_and_the_same_unit_changes_nothing():
    values = np.ones(3, dtype=np.float32)
    assert convert(values, "g", "m/s^2").dtype == np.float32
    assert convert(values, "m/s2", "m/s^2") is values
