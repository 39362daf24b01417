"""What skin conductance says: its level, its slow course, and the responses that ride on it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sslts.encoders.descriptors.numbers import detrended, log_band_power, pieces, quantiles, slope, smooth

_BANDS_HZ = (0.016, 0.033, 0.05, 0.08, 0.12, 0.17, 0.25, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
_RISE = (0.003, 0.01, 0.03, 0.1, 0.3)
_FALL = (0.003, 0.01, 0.03, 0.1)
_PEAK = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_END_S = 10.0


class Electrodermal(nn.Module):
    """Skin conductance in microsiemens, [B, 1, T] -> [B, F].

    Square roots and logarithms, because levels differ tenfold between people; asinh, because most seconds are flat and a few are not.
    """

    def __init__(self, *, rate_hz: float) -> None:
        super().__init__()
        self.rate_hz = rate_hz

    def forward(self, values: Tensor) -> Tensor:
        """Descriptors of each window."""
        rate, found = self.rate_hz, []
        positive = values.clamp(min=0)
        end = max(1, min(round(_END_S * rate), values.shape[-1] // 2))
        for scale in (positive.sqrt(), (positive + 0.03).log()):
            level = scale.mean(-1)
            found += [
                level,
                (scale.std(-1, correction=0) + 1e-3).log(),
                slope(scale),
                scale[..., -end:].mean(-1) - scale[..., :end].mean(-1),
                scale.amax(-1) - scale.amin(-1),
                quantiles(scale, (0.05, 0.5, 0.95)),
                quantiles(scale - level[..., None], (0.05, 0.25, 0.5, 0.75, 0.95)),
            ]
        bands = [edge for edge in _BANDS_HZ if edge <= rate / 2]
        found += [log_band_power(detrended(scale), rate, bands, 1e-7) for scale in (positive, (positive + 0.03).log())]
        slow = smooth(positive, round(2.25 * rate))
        slow_log = (slow + 0.03).log()
        for speed in (slow.diff(dim=-1) * rate, slow_log.diff(dim=-1) * rate):
            found.append(torch.asinh(300 * quantiles(speed, (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98))))
            found += [(speed > rise).to(values.dtype).mean(-1) for rise in _RISE]
            found += [(speed < -fall).to(values.dtype).mean(-1) for fall in _FALL]
        speed = slow.diff(dim=-1) * rate
        reach = max(1, round(rate))
        peak = speed == functional.max_pool1d(speed, 2 * reach + 1, 1, reach)
        found += [((peak & (speed > least)).to(values.dtype).sum(-1) + 1).log() for least in _PEAK]
        course = pieces(slow_log, 6).mean(-1)
        found.append((course - course.mean(-1, keepdim=True)).flatten(1))
        return torch.cat(found, dim=1)
