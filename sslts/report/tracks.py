"""Signals over time as rows of a page, which several sections show, and the clock below them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sslts.data.recording import Recording, Stream
from sslts.report.envelope import HEIGHT, WIDTH, envelope, svg_path, vertical_range

_TITLES = {
    "acc": "Acceleration",
    "gyro": "Angular rate",
    "bvp": "Pulse wave",
    "eda": "Skin conductance",
    "temp": "Skin temperature",
    "ecg": "Heart (ECG)",
    "emg": "Muscle (EMG)",
    "resp": "Breathing",
}


def signals(recording: Recording) -> dict[str, Any]:
    """What `tracks.html` reads: a row a stream, the ticks of the time axis, and the size of the drawings."""
    start_s, duration_s = recording.start_s, recording.duration_s
    return {
        "tracks": [_track(stream, start_s, recording.end_s) for stream in recording.streams.values()],
        "ticks": [{"left": 100 * tick / duration_s, "text": clock(tick)} for tick in time_ticks(duration_s)],
        "width": WIDTH,
        "height": HEIGHT,
    }


def _track(stream: Stream, start_s: float, end_s: float) -> dict[str, Any]:
    drawn = envelope(stream, start_s=start_s, end_s=end_s)
    bottom, top = vertical_range(stream)
    units = ", ".join(dict.fromkeys(channel.unit for channel in stream.channels))
    return {
        "name": stream.name,
        "title": _TITLES.get(stream.name, stream.name),
        "detail": f"{units}, {stream.rate_hz:g} Hz",
        "channels": stream.channel_names if len(stream.channels) > 1 else (),
        "paths": [svg_path(drawn.low[:, c], drawn.high[:, c], bottom=bottom, top=top) for c in range(len(stream.channels))],
        "top": f"{top:.3g}",
        "bottom": f"{bottom:.3g}",
    }


def clock(seconds: float) -> str:
    """`3:07`, or `1:03:07` from an hour on."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def time_ticks(duration_s: float, *, most: int = 8) -> list[float]:
    """Round moments from 0 on, at most `most`, in seconds."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
    step = next((step for step in steps if duration_s / step < most), 86_400 * -(-int(duration_s) // (86_400 * most)))
    return [float(tick) for tick in np.arange(0, duration_s, step)]
