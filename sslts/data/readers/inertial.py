"""Channels of body-worn inertial sensors, worded alike for every data set, so that a text-conditioned model meets one vocabulary."""

from __future__ import annotations

from sslts.config import Channel

_AXES = ("x", "y", "z")


def accelerometer(position: str, unit: str, *, of: str | None = None) -> tuple[Channel, ...]:
    """x, y, z of an accelerometer, which feels gravity. `of`: what moves, if not simply the body part ("the phone in the ...")."""
    return _axes(
        "accelerometer", unit, position, f"acceleration of {of or f'the {position}'} along the sensor's {{}} axis, gravity included"
    )


def linear_acceleration(position: str, unit: str, *, of: str | None = None) -> tuple[Channel, ...]:
    """x, y, z of acceleration from which gravity has been removed."""
    text = f"acceleration of {of or f'the {position}'} along the sensor's {{}} axis, without gravity"
    return _axes("linear-acceleration", unit, position, text)


def gyroscope(position: str, unit: str, *, of: str | None = None) -> tuple[Channel, ...]:
    """x, y, z of angular velocity."""
    return _axes("gyroscope", unit, position, f"angular velocity of {of or f'the {position}'} about the sensor's {{}} axis")


def magnetometer(position: str, unit: str) -> tuple[Channel, ...]:
    """x, y, z of the magnetic field, which tells the direction of north and of iron nearby."""
    return _axes("magnetometer", unit, position, f"magnetic field at the {position} along the sensor's {{}} axis")


def _axes(kind: str, unit: str, position: str, description: str) -> tuple[Channel, ...]:
    return tuple(Channel(name=axis, kind=kind, unit=unit, position=position, description=description.format(axis)) for axis in _AXES)
