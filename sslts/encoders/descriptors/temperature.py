"""What skin temperature says: its level and its slow course."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sslts.encoders.descriptors.numbers import detrended, log_band_power, pieces, quantiles, slope, smooth

_BANDS_HZ = (0.016, 0.033, 0.05, 0.08, 0.12, 0.17, 0.25, 0.5, 1.0, 2.0)
_END_S = 10.0


class Temperature(nn.Module):
    """Skin temperature in degrees Celsius, [B, 1, T] -> [B, F]."""

    def __init__(self, *, rate_hz: float) -> None:
        super().__init__()
        self.rate_hz = rate_hz

    def forward(self, values: Tensor) -> Tensor:
        """Descriptors of each window."""
        rate = self.rate_hz
        end = max(1, min(round(_END_S * rate), values.shape[-1] // 2))
        speed = smooth(values, round(2.25 * rate)).diff(dim=-1) * rate
        course = pieces(values, 6).mean(-1)
        return torch.cat(
            [
                values.mean(-1),
                (values.std(-1, correction=0) + 0.005).log(),
                torch.asinh(20 * slope(values)),
                torch.asinh(20 * (values[..., -end:].mean(-1) - values[..., :end].mean(-1))),
                quantiles(values, (0.05, 0.5, 0.95)),
                (values.amax(-1) - values.amin(-1) + 0.01).log(),
                torch.asinh(100 * quantiles(speed, (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98))),
                *((speed > step).to(values.dtype).mean(-1) for step in (0.005, 0.02)),
                *((speed < -step).to(values.dtype).mean(-1) for step in (0.005, 0.02)),
                torch.asinh(20 * (course - course.mean(-1, keepdim=True))).flatten(1),
                log_band_power(detrended(values), rate, [edge for edge in _BANDS_HZ if edge <= rate / 2], 1e-7),
            ],
            dim=1,
        )
