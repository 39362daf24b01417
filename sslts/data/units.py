"""Units of physical quantities and their conversion.

Each unit has one canonical spelling; common other spellings ("m/s2", "µS", "°C") are normalised. A conversion between two quantities, or
from a unit that is not known, is an error: guessing a unit is how a model silently sees values ten times too large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sslts.errors import UnitError, suggest

STANDARD_GRAVITY = 9.80665  # m/s^2, by definition (3rd CGPM, 1901)


@dataclass(frozen=True, slots=True)
class Unit:
    """value in the quantity's base unit = value * scale + offset."""

    quantity: str
    scale: float
    offset: float = 0.0


UNITS: dict[str, Unit] = {
    "m/s^2": Unit("acceleration", 1.0),
    "cm/s^2": Unit("acceleration", 1e-2),
    "g": Unit("acceleration", STANDARD_GRAVITY),
    "mg": Unit("acceleration", STANDARD_GRAVITY * 1e-3),  # milli-g
    "1/64 g": Unit("acceleration", STANDARD_GRAVITY / 64),
    "rad/s": Unit("angular velocity", 1.0),
    "deg/s": Unit("angular velocity", np.pi / 180),
    "mdeg/s": Unit("angular velocity", np.pi / 180_000),
    "rad": Unit("angle", 1.0),
    "deg": Unit("angle", np.pi / 180),
    "K": Unit("temperature", 1.0),
    "degC": Unit("temperature", 1.0, 273.15),
    "degF": Unit("temperature", 5 / 9, 459.67 * 5 / 9),
    "S": Unit("conductance", 1.0),
    "mS": Unit("conductance", 1e-3),
    "uS": Unit("conductance", 1e-6),
    "nS": Unit("conductance", 1e-9),
    "V": Unit("voltage", 1.0),
    "mV": Unit("voltage", 1e-3),
    "uV": Unit("voltage", 1e-6),
    "nV": Unit("voltage", 1e-9),
    "T": Unit("magnetic field", 1.0),
    "mT": Unit("magnetic field", 1e-3),
    "uT": Unit("magnetic field", 1e-6),
    "nT": Unit("magnetic field", 1e-9),
    "m": Unit("length", 1.0),
    "cm": Unit("length", 1e-2),
    "mm": Unit("length", 1e-3),
    "s": Unit("time", 1.0),
    "ms": Unit("time", 1e-3),
    "Hz": Unit("frequency", 1.0),
    "bpm": Unit("frequency", 1 / 60),
    "Pa": Unit("pressure", 1.0),
    "hPa": Unit("pressure", 1e2),
    "kPa": Unit("pressure", 1e3),
    "mmHg": Unit("pressure", 133.322387415),
    "lx": Unit("illuminance", 1.0),
    "1": Unit("ratio", 1.0),
    "%": Unit("ratio", 1e-2),
    "a.u.": Unit("arbitrary", 1.0),
}

_ALIASES = {
    "m/s2": "m/s^2",
    "m/s/s": "m/s^2",
    "m/s**2": "m/s^2",
    "ms^-2": "m/s^2",
    "ms-2": "m/s^2",
    "m.s^-2": "m/s^2",
    "m s^-2": "m/s^2",
    "cm/s2": "cm/s^2",
    "milli-g": "mg",
    "g/64": "1/64 g",
    "1/64g": "1/64 g",
    "dps": "deg/s",
    "degree/s": "deg/s",
    "degrees/s": "deg/s",
    "deg/sec": "deg/s",
    "rad/sec": "rad/s",
    "degree": "deg",
    "degrees": "deg",
    "C": "degC",
    "deg C": "degC",
    "celsius": "degC",
    "Celsius": "degC",
    "deg F": "degF",
    "fahrenheit": "degF",
    "Fahrenheit": "degF",
    "kelvin": "K",
    "Kelvin": "K",
    "microsiemens": "uS",
    "siemens": "S",
    "microvolt": "uV",
    "millivolt": "mV",
    "volt": "V",
    "beats/min": "bpm",
    "1/min": "bpm",
    "percent": "%",
    "au": "a.u.",
    "a.u": "a.u.",
    "A.U.": "a.u.",
    "AU": "a.u.",
    "arbitrary": "a.u.",
    "normalised": "a.u.",
    "normalized": "a.u.",
}

_SYMBOLS = str.maketrans({"µ": "u", "μ": "u", "²": "^2", "°": "deg", "º": "deg", "·": ".", "−": "-"})


def normalise_unit(unit: str) -> str:
    """The canonical spelling of a unit.

    Raises:
        UnitError: the unit is not known; the message lists those that are.
    """
    if not isinstance(unit, str):
        raise UnitError(f"A unit must be a string such as 'g' or 'uS', got {unit!r}.")
    text = unit.strip().replace("⁻²", "^-2").translate(_SYMBOLS)
    text = _ALIASES.get(text, text)
    if text not in UNITS:
        hint = suggest(text, UNITS)
        raise UnitError(f"Unknown unit '{unit}'. {hint}Known units: {', '.join(UNITS)}. Use 'a.u.' for arbitrary units.")
    return text


def compatible_units(unit: str) -> tuple[str, ...]:
    """Every unit of the same quantity, the given one included."""
    quantity = UNITS[normalise_unit(unit)].quantity
    return tuple(name for name, other in UNITS.items() if other.quantity == quantity)


def convert(values: ArrayLike, unit_from: str, unit_to: str) -> NDArray[np.floating]:
    """Values in another unit of the same quantity. float32 stays float32, everything else becomes float64; the same unit changes nothing.

    Raises:
        UnitError: a unit is unknown, or the two measure different quantities.
    """
    source, target = normalise_unit(unit_from), normalise_unit(unit_to)
    array = np.asarray(values)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if source == target:
        return array
    first, second = UNITS[source], UNITS[target]
    if first.quantity != second.quantity:
        raise UnitError(
            f"Cannot convert '{unit_from}' ({first.quantity}) to '{unit_to}' ({second.quantity}). "
            f"Units that convert to '{target}': {', '.join(compatible_units(target))}."
        )
    # One multiplication and one addition, computed in float64 first: 273.15 - 273.15 cancels exactly.
    scale = first.scale / second.scale
    offset = (first.offset - second.offset) / second.scale
    converted = array * array.dtype.type(scale)
    return converted + array.dtype.type(offset) if offset else converted
