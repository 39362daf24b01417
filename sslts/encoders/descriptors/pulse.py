"""What a photoplethysmogram says about the heart: rate, its variability, the shape of a beat, slow modulation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sslts.encoders.descriptors.numbers import (
    autocorrelation,
    band_pass,
    log_band_power,
    masked_moments,
    masked_quantiles,
    pieces,
    quantiles,
    slope,
)

_FAST_HZ = (*(0.5 + 0.125 * k for k in range(28)), 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0)
_SLOW_HZ = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
_INTERVAL_S = (0.33, 1.6)
_LAG_S = (0.3, 1.5)
_PIECE_S = 12.0
_MOST_BEATS_HZ = 4.0


class Pulse(nn.Module):
    """Photoplethysmogram in any unit, [B, 1, T] -> [B, F].

    Beats are maxima of the band-passed signal; intervals more than 25 % off the window's median are taken as detection errors and
    their share is a descriptor of its own. A window with fewer than eight intervals gets a resting heart and says so in that share.
    """

    def __init__(self, *, rate_hz: float, window_s: float) -> None:
        super().__init__()
        self.rate_hz = rate_hz
        self.window_s = window_s

    def forward(self, values: Tensor) -> Tensor:
        """Descriptors of each window."""
        rate = self.rate_hz
        pulse = band_pass(values, rate, 0.5, min(8.0, 0.45 * rate))
        size = pulse.std(-1, correction=0, keepdim=True) + 1e-2
        unit = pulse / size
        change = unit.diff(dim=-1)
        fast = [edge for edge in _FAST_HZ if edge <= 0.45 * rate]
        shape = [
            size.log()[..., 0],
            (pieces(pulse, 12).std(-1, correction=0) + 1e-2).log().std(-1, correction=0),
            unit.pow(3).mean(-1),
            unit.pow(4).mean(-1).clamp(min=1e-3).log(),
            quantiles(unit.clamp(-6, 6), (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)),
            change.pow(3).mean(-1) / (change.std(-1, correction=0).pow(3) + 1e-6),
            (change > 0).to(values.dtype).mean(-1),
            (change.std(-1, correction=0) + 1e-4).log(),
            log_band_power(unit, rate, fast, 1e-4),
            log_band_power(values, rate, _SLOW_HZ, 1e-3) - 2 * size.log()[..., 0],
        ]
        return torch.cat([*shape, self._periodicity(unit), self._local_rate(pulse), self._beats(values)], dim=1)

    def _lags(self) -> slice:
        return slice(round(_LAG_S[0] * self.rate_hz), round(_LAG_S[1] * self.rate_hz) + 1)

    def _strongest(self, correlation: Tensor) -> tuple[Tensor, Tensor]:
        """Height and rate in Hz of the strongest period; longer periods count a little less, against picking multiples."""
        lags = self._lags()
        table = correlation[..., lags]
        favour = 1 - 0.15 * torch.linspace(0, 1, table.shape[-1], dtype=table.dtype, device=table.device)
        height, place = (table * favour).max(-1)
        return height, self.rate_hz / (place + lags.start).to(table.dtype)

    def _periodicity(self, unit: Tensor) -> Tensor:
        correlation = autocorrelation(unit)
        height, rate = self._strongest(correlation)
        step = max(1, round(0.047 * self.rate_hz))
        return torch.cat([correlation[:, 0, round(0.25 * self.rate_hz) : round(2.0 * self.rate_hz) : step], height, rate], dim=1)

    def _local_rate(self, pulse: Tensor) -> Tensor:
        length = min(round(_PIECE_S * self.rate_hz), pulse.shape[-1])
        parts = pulse[:, 0].unfold(-1, length, max(1, length // 2))
        height, rate = self._strongest(autocorrelation(parts / (parts.std(-1, correction=0, keepdim=True) + 1e-2)))
        described = [
            rate.mean(-1), rate.quantile(0.5, dim=-1), rate.std(-1, correction=0), rate.amin(-1), rate.amax(-1),
            height.mean(-1), height.amin(-1), slope(rate),
        ]  # fmt: skip
        return torch.stack(described, dim=1)

    def _beats(self, values: Tensor) -> Tensor:
        smooth = band_pass(values, self.rate_hz, 0.5, 3.5)[:, 0]
        reach = max(1, round(0.19 * self.rate_hz))
        highest = functional.max_pool1d(smooth[:, None], 2 * reach + 1, 1, reach)[:, 0]
        around = 2 * round(2.0 * self.rate_hz)
        power = functional.avg_pool1d(smooth.square()[:, None], around + 1, 1, around // 2, count_include_pad=False)[:, 0]
        is_beat = (smooth == highest) & (smooth > 0.3 * power.clamp(min=0).sqrt())
        position = self._positions(smooth, is_beat)
        interval = position.diff(dim=-1) / self.rate_hz
        plausible = torch.isfinite(interval) & (interval > _INTERVAL_S[0]) & (interval < _INTERVAL_S[1])
        median = masked_quantiles(interval, plausible, (0.5,))
        good = plausible & ((interval - median).abs() < 0.25 * median)
        mean, spread = masked_moments(interval, good)
        raw_spread = masked_moments(interval, plausible)[1]
        both = good[:, 1:] & good[:, :-1]
        step = torch.where(both, interval.diff(dim=-1), torch.zeros_like(interval[:, 1:]))
        low, high = masked_quantiles(interval, good, (0.1, 0.9)).unbind(-1)
        count = both.to(values.dtype).sum(-1).clamp(min=1)
        enough = good.sum(-1) >= 8
        described = {
            mean: 0.8,
            (spread + 0.005).log(): -3.0,
            ((step.square().sum(-1) / count).sqrt() + 0.005).log(): -3.0,
            (raw_spread + 0.005).log(): -2.3,
            (step.abs() > 0.05).to(values.dtype).sum(-1) / count: 0.0,
            low: 0.75,
            high: 0.85,
            1 - good.to(values.dtype).sum(-1) / plausible.to(values.dtype).sum(-1).clamp(min=1): 1.0,
            1 / mean.clamp(min=0.3): 1.25,
        }
        rows = [torch.where(enough, value, torch.full_like(value, resting)) for value, resting in described.items()]
        return torch.stack([*rows, is_beat.to(values.dtype).sum(-1) / self.window_s], dim=1)

    def _positions(self, smooth: Tensor, is_beat: Tensor) -> Tensor:
        """Places of the beats in samples, refined by a parabola, in time order, padded with infinity. [B, T] -> [B, K]."""
        before = functional.pad(smooth, (1, 0))[:, :-1]
        after = functional.pad(smooth, (0, 1))[:, 1:]
        bend = (before - 2 * smooth + after).clamp(max=-1e-6)
        index = torch.arange(smooth.shape[-1], device=smooth.device, dtype=smooth.dtype)
        refined = index + (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
        most = min(smooth.shape[-1], round(_MOST_BEATS_HZ * self.window_s) + 2)
        ordered = torch.where(is_beat, refined, torch.full_like(refined, torch.inf)).sort(-1).values
        return ordered[:, :most]
