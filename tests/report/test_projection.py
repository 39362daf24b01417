"""The two axes of the map."""

from __future__ import annotations

import numpy as np

from sslts.report.projection import fit_projection, unit_square


def cloud(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(40, 6)) * [5, 3, 1, 0.5, 0.1, 0.1]


def test_axes_are_the_leading_eigenvectors_of_the_covariance() -> None:
    rows = cloud()
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    projection = fit_projection(rows)
    np.testing.assert_allclose(np.abs(projection.axes @ vectors[:, [-1, -2]]), np.eye(2), atol=1e-9)
    np.testing.assert_allclose(projection.share, values[-2:].sum() / values.sum(), rtol=1e-9)


def test_the_picture_does_not_depend_on_the_sign_that_svd_returns() -> None:
    rows = cloud()
    axes = fit_projection(rows).axes
    np.testing.assert_allclose(fit_projection(rows[::-1]).axes, axes, atol=1e-9)
    assert (np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1) > 0).all()


def test_too_few_or_equal_vectors_project_to_zero() -> None:
    for rows in (np.ones((1, 5)), np.ones((4, 5)), np.ones((4, 1))):
        projection = fit_projection(rows)
        assert not projection(rows).any()
        assert projection.share == 0
    assert not fit_projection(np.asarray([[0.0, 0], [1, 1]]))(np.asarray([[3.0, 3]]))[:, 1].any()


def test_all_sets_are_scaled_by_one_factor() -> None:
    first, second = np.asarray([[0.0, 0], [4, 0]]), np.asarray([[0.0, 2], [2, 2]])
    a, b = unit_square([first, second])
    np.testing.assert_allclose(a, [[0, 0.25], [1, 0.25]])
    np.testing.assert_allclose(b, [[0, 0.75], [0.5, 0.75]])
