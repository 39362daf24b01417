"""What an accelerometer says about posture and movement."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sslts.encoders.descriptors.numbers import log_band_power, pieces, quantiles, slope

_BANDS_HZ = (0.02, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 13.0, 16.0)
_STILL_G = (0.01, 0.03, 0.1)
_PIECE_S = 5.0


class Motion(nn.Module):
    """Accelerometer in g, [B, C, T] -> [B, F]: level, spread, posture changes, stillness and log band power of axes and magnitude."""

    def __init__(self, *, rate_hz: float, window_s: float) -> None:
        super().__init__()
        self.rate_hz = rate_hz
        self.pieces = max(2, round(window_s / _PIECE_S))

    def forward(self, values: Tensor) -> Tensor:
        """Descriptors of each window."""
        axes = torch.cat([values, torch.linalg.vector_norm(values, dim=1, keepdim=True)], dim=1)
        change = axes.diff(dim=-1)
        parts = pieces(axes, self.pieces)
        level = values.mean(-1)
        centred = axes - axes.mean(-1, keepdim=True)
        deviation = centred.square().mean(-1).sqrt() + 1e-3
        around = centred[:, :3], centred[:, :3].roll(1, dims=1)
        together = (around[0] * around[1]).mean(-1) / (deviation[:, :3] * deviation[:, :3].roll(1, dims=1))
        pitch = torch.atan2(level[:, 0], torch.linalg.vector_norm(level[:, 1:], dim=1) + 1e-6)
        roll = torch.atan2(level[:, 1], level[:, 2] + 1e-6)
        spread = parts.std(-1, correction=0) + 1e-3
        log_spread = spread.log()
        bands = [edge for edge in _BANDS_HZ if edge <= self.rate_hz / 2]
        return torch.cat(
            [
                axes.mean(-1),
                torch.stack([pitch, roll.sin(), roll.cos()], dim=1),
                together,
                centred.pow(3).mean(-1) / deviation.pow(3),
                (centred.pow(4).mean(-1) / deviation.pow(4) + 1).log(),
                (axes.std(-1, correction=0) + 1e-3).log(),
                (change.abs().mean(-1) + 1e-4).log(),
                (change.std(-1, correction=0) + 1e-4).log(),
                quantiles(axes, (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)),
                slope(axes),
                log_spread.mean(-1),
                log_spread.std(-1, correction=0),
                log_spread.amin(-1),
                log_spread.amax(-1),
                *((spread < still).to(values.dtype).mean(-1) for still in _STILL_G),
                (parts.mean(-1).std(-1, correction=0) + 1e-3).log(),
                log_band_power(axes, self.rate_hz, bands, 1e-6),
            ],
            dim=1,
        )
