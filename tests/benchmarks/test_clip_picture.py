"""The picture of a clip: one row of frames for what was filmed, shown and filled in, and one panel a sensor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tiny_mae import tiny_mae

from benchmarks import clip_picture
from sslts.cli.clip_tour import clip_tour


def test_every_part_is_drawn_and_what_was_hidden_is_not_shown(tmp_path: Path, monkeypatch) -> None:
    tour = clip_tour(tiny_mae())
    figure = clip_picture.picture(tour.section())
    images = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    assert len(images) == 3 * clip_picture.FRAMES
    filmed, shown = images[: clip_picture.FRAMES], images[clip_picture.FRAMES : 2 * clip_picture.FRAMES]
    hidden = [np.ma.getmaskarray(np.ma.masked_invalid(image)) for image in shown]
    assert np.mean(hidden) > 0.8
    assert all((image[~mask] == film[~mask]).all() for film, image, mask in zip(filmed, shown, hidden, strict=True))
    assert [axis.get_ylabel() for axis in figure.axes if axis.lines] == ["acc", "gyro", "skeleton"]
    monkeypatch.setattr(clip_picture, "clip_tour", lambda _: tour)
    assert clip_picture.main(["--out", str(tmp_path / "clip.png")]) == 0
    assert (tmp_path / "clip.png").read_bytes().startswith(b"\x89PNG")
