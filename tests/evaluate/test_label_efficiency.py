"""Draws are a pure function of their key, stratified and nested."""

import numpy as np
import pytest

from sslts.errors import ConfigError
from sslts.evaluate.label_efficiency import FRACTIONS, draw_windows

LABELS = np.repeat([0, 1, 2, 3], [400, 200, 100, 30])
KEY = {"protocol": "wesad-loso", "fold": "S2"}


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_each_class_gives_its_share_and_at_least_one(fraction):
    drawn = draw_windows(LABELS, fraction=fraction, draw=0, **KEY)
    expected = [max(1, round(fraction * count)) for count in (400, 200, 100, 30)]
    assert np.bincount(LABELS[drawn]).tolist() == expected
    assert len(set(drawn.tolist())) == len(drawn)


def test_the_same_key_gives_the_same_windows_and_another_gives_others():
    first = draw_windows(LABELS, fraction=0.1, draw=0, **KEY)
    np.testing.assert_array_equal(first, draw_windows(LABELS, fraction=0.1, draw=0, **KEY))
    assert set(first) != set(draw_windows(LABELS, fraction=0.1, draw=1, **KEY))
    assert set(first) != set(draw_windows(LABELS, fraction=0.1, draw=0, protocol="wesad-loso", fold="S3"))


def test_draws_never_change_between_versions_and_machines():
    assert draw_windows(np.repeat([0, 1], 10), fraction=0.2, draw=3, **KEY).tolist() == PINNED


def test_smaller_fractions_lie_inside_larger_ones():
    drawn = [set(draw_windows(LABELS, fraction=fraction, draw=2, **KEY).tolist()) for fraction in FRACTIONS]
    for smaller, larger in zip(drawn, drawn[1:], strict=False):
        assert smaller < larger


def test_windows_that_the_task_leaves_out_are_never_drawn():
    labels = np.where(np.arange(60) % 3 == 0, -1, np.arange(60) % 3)
    assert (labels[draw_windows(labels, fraction=1.0, draw=0, **KEY)] >= 0).all()


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.5])
def test_impossible_fractions_are_refused(fraction):
    with pytest.raises(ConfigError, match="fraction"):
        draw_windows(LABELS, fraction=fraction, draw=0, **KEY)


PINNED = [3, 8, 13, 16]
