"""Ready input contracts for known devices."""

from __future__ import annotations

from sslts.config import Channel, Modality, SensorSpec

_WRIST = "non-dominant wrist"


def empatica_e4(*, window_s: float = 60.0, stride_s: float = 30.0, bvp_hz: float = 64.0) -> SensorSpec:
    """The Empatica E4 wristband: acceleration 32 Hz, blood volume pulse, skin conductance and skin temperature 4 Hz, in this order.

    `bvp_hz` may be lowered from the sensor's 64 Hz: 32 Hz keeps the pulse wave and halves the work.
    """
    return SensorSpec(
        modalities=(
            Modality(name="acc", rate_hz=32.0, channels=tuple(_axis(axis) for axis in "xyz")),
            Modality(name="bvp", rate_hz=bvp_hz, channels=(BVP,)),
            Modality(name="eda", rate_hz=4.0, channels=(EDA,)),
            Modality(name="temp", rate_hz=4.0, channels=(TEMP,)),
        ),
        window_s=window_s,
        stride_s=stride_s,
    )


def _axis(axis: str) -> Channel:
    return Channel(
        name=axis,
        kind="accelerometer",
        unit="g",
        position=_WRIST,
        description=f"acceleration of the wrist along the sensor's {axis} axis, gravity included",
        valid=(-2.05, 2.05),  # a +-2 g sensor
    )


BVP = Channel(
    name="bvp",
    kind="blood-volume-pulse",
    unit="a.u.",
    position=_WRIST,
    description="blood volume pulse from photoplethysmography at the wrist",
    valid=(-5000.0, 5000.0),
)
EDA = Channel(
    name="eda",
    kind="electrodermal-activity",
    unit="uS",
    position=_WRIST,
    description="electrodermal activity: skin conductance at the wrist",
    valid=(0.0, 100.0),
)
TEMP = Channel(
    name="temp",
    kind="skin-temperature",
    unit="degC",
    position=_WRIST,
    description="skin temperature at the wrist from an infrared thermopile",
    valid=(10.0, 50.0),
)
