"""What the three axes of a sensor say together: channels that do not depend on how a device sits.

A device's x axis may point anywhere, the size of a movement does not. An accelerometer that feels gravity also knows where down is, on
average over a window: along it and across it are told apart (Mizell 2003, "Using gravity to estimate accelerometer orientation").
"""

from __future__ import annotations

from dataclasses import replace

import torch

from sslts.config import Channel
from sslts.ops import filled, masked_mean
from sslts.types import Signal

_FEELS_GRAVITY = ("accelerometer",)
_FEW = 1e-6


def with_derived(signal: Signal) -> Signal:
    """Append the size of a three-axis sensor's vector and, for an accelerometer, its vertical and horizontal part.

    [B, 3, T] -> [B, 4 or 6, T]; any other signal is returned as it is. A derived sample is observed where all three axes are.
    """
    if not is_triad(signal.channels):
        return signal
    values = filled(signal)
    seen = signal.usable.all(1, keepdim=True)
    made = [values.square().sum(1, keepdim=True).sqrt()]
    words = ["size"]
    if signal.channels[0].kind in _FEELS_GRAVITY:
        down = masked_mean(values, seen.expand_as(values), 2)
        down = (down / (torch.linalg.vector_norm(down, dim=1, keepdim=True) + _FEW))[..., None]
        along = (values * down).sum(1, keepdim=True)
        made += [along, (values - along * down).square().sum(1, keepdim=True).sqrt()]
        words += ["vertical", "horizontal"]
    return replace(
        signal,
        values=torch.cat([signal.values, *made], dim=1),
        channels=(*signal.channels, *(_derived(signal.channels[0], word) for word in words)),
        observed=torch.cat([signal.observed, seen.expand(-1, len(made), -1)], dim=1),
    )


def is_triad(channels: tuple[Channel, ...]) -> bool:
    """Whether these are the x, y and z of one sensor."""
    same = len({(channel.kind, channel.unit, channel.position) for channel in channels}) == 1
    return same and [channel.name for channel in channels] == ["x", "y", "z"]


_WORDS = {
    "size": "size of the {what}{where} in all directions",
    "vertical": "vertical {what}{where}, along gravity",
    "horizontal": "size of the horizontal {what}{where}, across gravity",
}
_WHAT = {
    "accelerometer": "acceleration",
    "linear-acceleration": "acceleration without gravity",
    "gyroscope": "angular velocity",
    "magnetometer": "magnetic field",
}


def _derived(axis: Channel, word: str) -> Channel:
    where = f" of the {axis.position}" if axis.position else ""
    text = _WORDS[word].format(what=_WHAT.get(axis.kind, axis.kind.replace("-", " ")), where=where)
    return Channel(name=word, kind=axis.kind, unit=axis.unit, position=axis.position, description=text)
