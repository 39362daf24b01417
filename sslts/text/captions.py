"""What a window's signal does, in words: strength, rhythm, posture and trend, so that sensor and text meet beyond class names.

Computed from the signal alone: no label enters. Sentences use a small fixed vocabulary with physical thresholds, so they can be checked by
hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from pydantic import Field
from torch import Tensor

from sslts import ops
from sslts.config import ComponentConfig
from sslts.interfaces import Captioner
from sslts.types import SensorBatch, Signal

#: Standard deviation of the acceleration's magnitude, in g -> how strong a movement is called.
STRENGTHS = (
    (0.015, "no movement"),
    (0.06, "slight movement"),
    (0.2, "gentle movement"),
    (0.5, "moderate movement"),
    (1.0, "strong movement"),
)
STRONGEST = "very strong movement"
#: Dominant rhythm in Hz -> how it is called.
RHYTHMS = ((0.9, "slow rhythm"), (1.6, "steady rhythm"), (2.2, "brisk rhythm"), (3.2, "fast rhythm"))
FASTEST = "very fast rhythm"
_LOW_HZ, _HIGH_HZ = 0.5, 5.0


@final
class MotionCaptioner(Captioner):
    """Captions of accelerometers and gyroscopes in g and rad/s; other sensors are told by their trend.

    "right leg: strong movement with a brisk rhythm, 1.9 times a second; the vertical direction lies along x"
    """

    class Config(ComponentConfig):
        """periodic: how much of the autocorrelation must return for a rhythm to be called one; still: spread called steady, in g."""

        periodic: float = Field(default=0.5, gt=0, lt=1)
        still: float = Field(default=0.05, gt=0, le=1)

    config: Config

    @classmethod
    def example(cls) -> MotionCaptioner:
        """The default thresholds."""
        return cls.create()

    @torch.no_grad()
    def forward(self, batch: SensorBatch) -> list[str]:
        """One caption a window, its sensors told one after another; an empty window is "no sensor is present"."""
        told: list[list[str]] = [[] for _ in range(len(batch))]
        for signal in batch.signals.values():
            usable = signal.usable.float().mean((1, 2)) >= 0.5
            for row, sentence in enumerate(self._sentences(signal)):
                if bool(usable[row]):
                    told[row].append(sentence)
        return ["; ".join(parts) if parts else "no sensor is present" for parts in told]

    def _sentences(self, signal: Signal) -> list[str]:
        kinds = {channel.kind for channel in signal.channels}
        where = next((channel.position for channel in signal.channels if channel.position), "the sensor")
        values = ops.filled(signal)
        if kinds == {"accelerometer"}:
            return [f"{where}: {text}" for text in self._motion(values, signal)]
        if kinds == {"gyroscope"}:
            return [f"{where}: {text}" for text in self._turning(values)]
        name = next(iter(kinds)).replace("-", " ") if len(kinds) == 1 else "signal"
        return [f"{where}: {name} {text}" for text in self._trend(values)]

    def _motion(self, values: Tensor, signal: Signal) -> list[str]:
        """Accelerometer [B, C, T] in g."""
        magnitude = values.square().sum(1).sqrt()
        strength = magnitude.std(1, correction=0)
        rate_hz = ops.rate_of(signal) or 1.0
        gravity = values.mean(2)
        steady = values.std(2, correction=0).amax(1) < self.config.still
        found = []
        for row in range(len(values)):
            text = _called(float(strength[row]), STRENGTHS, STRONGEST)
            if float(strength[row]) >= STRENGTHS[1][0]:
                text += self._rhythm(magnitude[row], rate_hz)
            found.append(text + self._posture(gravity[row], bool(steady[row]), signal))
        return found

    def _rhythm(self, magnitude: Tensor, rate_hz: float) -> str:
        frequency = dominant_rhythm(magnitude, rate_hz, least=self.config.periodic)
        if frequency is None:
            return " without a rhythm"
        return f" with a {_called(frequency, RHYTHMS, FASTEST)}, {frequency:.1f} times a second"

    def _posture(self, gravity: Tensor, steady: bool, signal: Signal) -> str:
        """Where the vertical lies, if the mean acceleration is gravity: near 1 g and mostly along one axis."""
        size = float(gravity.norm())
        if len(signal.channels) != 3 or not 0.7 < size < 1.3:
            return ""
        share = gravity.abs() / size
        axis = signal.channels[int(share.argmax())]
        lies = f"the vertical direction lies along {axis.name}" if float(share.max()) > 0.85 else "the sensor is tilted"
        return f"; held still, {lies}" if steady else f"; {lies}"

    @staticmethod
    def _turning(values: Tensor) -> list[str]:
        """Gyroscope [B, C, T] in rad/s."""
        speed = values.square().sum(1).sqrt().mean(1)
        levels = ((0.1, "no turning"), (0.5, "slight turning"), (1.5, "moderate turning"), (3.5, "quick turning"))
        return [_called(float(value), levels, "very quick turning") for value in speed]

    @staticmethod
    def _trend(values: Tensor) -> list[str]:
        """Anything [B, C, T]: the last third against the first, in standard deviations of the window."""
        third = max(values.shape[2] // 3, 1)
        change = values[..., -third:].mean((1, 2)) - values[..., :third].mean((1, 2))
        spread = values.std(2, correction=0).mean(1)
        found = []
        for row in range(len(values)):
            relative = float(change[row]) / max(float(spread[row]), 1e-9)
            found.append("hardly changes" if float(spread[row]) < 1e-6 or abs(relative) < 1 else "rises" if relative > 0 else "falls")
        return found


def dominant_rhythm(values: Tensor, rate_hz: float, *, least: float) -> float | None:
    """Repetitions a second of [T], 0.5 to 5 Hz, by the first high peak of the autocorrelation; None if it returns less than `least`."""
    centred = values - values.mean()
    samples = len(centred)
    first, last = max(int(rate_hz / _HIGH_HZ), 1), min(round(rate_hz / _LOW_HZ), samples // 2)
    power = centred.square().sum()
    if last <= first or float(power) < 1e-12:
        return None
    spectrum = torch.fft.rfft(centred, 2 * samples)
    correlation = torch.fft.irfft(spectrum.abs().square(), 2 * samples)[: last + 2] / power
    lags = torch.arange(len(correlation))
    correlation = correlation * samples / (samples - lags)  # fewer samples overlap at a long lag
    inner = correlation[1:-1]
    peaks = (inner >= correlation[:-2]) & (inner > correlation[2:]) & (lags[1:-1] >= first) & (lags[1:-1] <= last) & (inner >= least)
    if not bool(peaks.any()):
        return None
    heights = torch.where(peaks, inner, torch.full_like(inner, -1.0))
    # The first peak that is nearly as high as the highest: later ones are its multiples.
    lag = int(torch.nonzero(heights >= 0.9 * heights.max())[0]) + 1
    return rate_hz / lag


def _called(value: float, levels: Sequence[tuple[float, str]], beyond: str) -> str:
    return next((name for limit, name in levels if value < limit), beyond)
