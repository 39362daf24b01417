"""The colour ramp of time: from blue over magenta to gold, readable on light and on dark ground, and in order for colour-blind readers."""

from __future__ import annotations

import numpy as np

_STOPS = ((0x35, 0x6F, 0xE0), (0x7B, 0x5C, 0xD6), (0xBC, 0x4A, 0xA8), (0xE5, 0x5B, 0x6A), (0xF0, 0x8A, 0x3C), (0xE8, 0xB9, 0x2E))


def time_colours(count: int) -> list[str]:
    """`count` colours "#rrggbb" from the ramp's start to its end."""
    where = np.linspace(0, len(_STOPS) - 1, max(count, 1))
    channels = [np.interp(where, range(len(_STOPS)), [stop[c] for stop in _STOPS]).round().astype(int) for c in range(3)]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in zip(*channels, strict=True)][:count]
