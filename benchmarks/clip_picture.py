"""Draw a bundled clip for the documentation: its frames, what was hidden of them and of the sensors, and what Mu-MAE filled in.

python -m benchmarks.clip_picture                write docs/methods/mu-mae-clip.png with the published weights
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from benchmarks.plots import STYLE
from sslts.cli.clip_tour import CLIP_MODEL, clip_tour
from sslts.report.clip import ClipSection, Film, Sensor

OUT = Path(__file__).resolve().parent.parent / "docs" / "methods" / "mu-mae-clip.png"
#: Frames that are drawn, and channels of a sensor.
FRAMES, CHANNELS = 8, 3
_SHADE = "0.85"


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw and write; exit code 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=CLIP_MODEL, help="a bundled model, or dir:FOLDER")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args(arguments)
    with plt.rc_context(STYLE):
        figure = picture(clip_tour(given.model).section())
        figure.savefig(given.out, dpi=110, metadata={"Software": None})
        plt.close(figure)
    print(given.out)
    return 0


def picture(section: ClipSection) -> Figure:
    """Three rows of frames of each film, then a panel a sensor: drawn lines as recorded, dots what was filled in, grey what was hidden."""
    heights = [*(1.0 for film in section.films for _ in range(3)), *(1.2 for _ in section.sensors)]
    figure = plt.figure(figsize=(8.0, 1.0 * sum(heights) + 0.4), layout="constrained")
    grid = figure.add_gridspec(len(heights), FRAMES, height_ratios=heights)
    for number, film in enumerate(section.films):
        _film(figure, grid, 3 * number, film)
    for number, sensor in enumerate(section.sensors):
        _sensor(figure.add_subplot(grid[3 * len(section.films) + number, :]), sensor)
    return figure


def _film(figure: Figure, grid: plt.GridSpec, first: int, film: Film) -> None:
    frames = np.unique(np.round(np.linspace(0, len(film.seen) - 1, FRAMES)).astype(int))
    low, high = np.quantile(film.seen, (0.01, 0.995))
    shown = np.where(film.hidden, np.nan, film.seen)
    for row, (told, pixels) in enumerate((("as filmed", film.seen), ("shown", shown), ("filled in", film.made))):
        for column, frame in enumerate(frames):
            axis = figure.add_subplot(grid[first + row, column])
            axis.set_facecolor(_SHADE)
            axis.imshow(pixels[frame], cmap="gray", vmin=low, vmax=max(high, low + 1e-6), interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
            if column == 0:
                axis.set_ylabel(f"{film.name}\n{told}", fontsize=8)


def _sensor(axis: plt.Axes, sensor: Sensor) -> None:
    count = min(CHANNELS, len(sensor.seen))
    moments = (np.arange(sensor.seen.shape[1]) + 0.5) / sensor.seen.shape[1]
    hidden = sensor.hidden[:count].all(axis=0)
    axis.fill_between(moments, 0, 1, where=hidden, color=_SHADE, transform=axis.get_xaxis_transform(), step="mid", linewidth=0)
    for channel in range(count):
        axis.plot(moments, sensor.seen[channel], color=f"C{channel}", linewidth=0.9)
        axis.plot(moments, np.where(hidden, sensor.made[channel], np.nan), ".", color=f"C{channel}", markersize=2.5)
    axis.set_xlim(0, 1)
    axis.set_ylabel(sensor.name, fontsize=8)
    axis.tick_params(labelsize=7)


if __name__ == "__main__":
    sys.exit(main())
