"""Clips as a model expects them: so many frames and samples a clip, whatever it lasted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_clips import clip, pixels, spec, video

from sslts.data.prepare import prepare


@pytest.mark.parametrize("channels", [1, 3])
def test_a_lost_frame_stays_lost_with_all_of_its_channels(channels):
    prepared = prepare(clip(video(6, channels=channels, lost=(2,))), spec(channels=channels)).streams["video"]
    assert prepared.observed[:, 0].tolist() == [True, True, False, True, True, True]
    assert np.array_equal(prepared.values[3], pixels(6, channels=channels)[3])


def test_channels_of_a_video_are_reordered_by_name_and_a_lost_frame_stays_where_it_was():
    given = video(6, channels=3, lost=(1,))
    turned = replace(given, channels=tuple(given.channels[index] for index in (2, 0, 1)), values=given.values[:, [2, 0, 1]])
    prepared = prepare(clip(turned), spec(channels=3)).streams["video"]
    assert np.array_equal(prepared.values, given.values)
    assert np.array_equal(prepared.observed, given.observed)
