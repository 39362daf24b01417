"""Embeddings: shapes are checked, pieces join, and scaling in pieces equals scaling at once."""

from __future__ import annotations

import numpy as np
import pytest

from sslts.embeddings import Embeddings, RunningScale, cosine_similarity
from sslts.errors import ConfigError, LengthError


def embeddings(rows: int = 4, *, model: str = "tiny", normalise: str = "artefact", first_s: float = 0.0) -> Embeddings:
    made = np.random.default_rng(rows)
    present = np.ones((rows, 2), dtype=bool)
    present[0] = False
    return Embeddings(
        values=made.normal(size=(rows, 3)).astype(np.float32),
        time_s=first_s + 2.0 * np.arange(rows),
        present=present,
        modalities=("acc", "eda"),
        window_s=4.0,
        normalise=normalise,
        model=model,
    )


def test_joined_pieces_stand_one_after_another():
    first, second = embeddings(4), embeddings(2, first_s=8.0)
    joined = Embeddings.join([first, second])
    assert len(joined) == 6
    assert joined.time_s.tolist() == [0, 2, 4, 6, 8, 10]
    assert np.array_equal(joined.select(slice(4, 6)).values, second.values)
    assert joined.usable.tolist() == [False, True, True, True, False, True]


@pytest.mark.parametrize("other", [{"model": "another"}, {"normalise": "recording"}])
def test_pieces_of_another_model_or_normalisation_do_not_join(other):
    with pytest.raises(ConfigError, match="cannot be joined"):
        Embeddings.join([embeddings(), embeddings(**other)])


def test_joining_nothing_says_so():
    with pytest.raises(LengthError, match="Nothing to join"):
        Embeddings.join([])


def test_lengths_that_do_not_match_are_refused():
    right = embeddings()
    with pytest.raises(LengthError, match=r"present \[n, 2\]"):
        Embeddings(right.values, right.time_s[:3], right.present, right.modalities, 4.0, "artefact", "tiny")


def test_numpy_takes_embeddings_as_they_are():
    found = embeddings()
    assert np.asarray(found) is found.values
    assert np.asarray(found, dtype=np.float64).dtype == np.float64
    copied = np.array(found)
    copied[:] = 0
    assert found.values.any()


def test_selected_rows_keep_their_time_and_presence():
    found = embeddings().select(np.array([2, 0]))
    assert found.time_s.tolist() == [4, 0]
    assert found.present.tolist() == [[True, True], [False, False]]


@pytest.mark.parametrize("pieces", [[40], [1, 39], [13, 0, 20, 7]])
def test_scaling_in_pieces_equals_the_textbook_z_score_of_all_rows(pieces):
    rows = np.random.default_rng(0).normal(1000, 3, (40, 5)).astype(np.float32)
    rows[:, 2] = 7
    scale = RunningScale(5)
    for part in np.split(rows, np.cumsum(pieces)[:-1]):
        scale.add(part)
    exact = rows.astype(np.float64)
    deviation = exact.std(0)
    deviation[2] = 1  # a dimension that never varies is 0, not NaN
    np.testing.assert_allclose(scale.standardise(rows), (exact - exact.mean(0)) / deviation, atol=1e-5)


def test_cosine_similarity_by_hand():
    found = cosine_similarity(np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[4.0, 3.0], [-3.0, -4.0], [6.0, 8.0]]))
    np.testing.assert_allclose(found, [[24 / 25, -1, 1], [0, 0, 0]], atol=1e-6)


def test_vectors_of_different_width_are_not_compared():
    with pytest.raises(LengthError, match="one model"):
        cosine_similarity(np.zeros((2, 3)), np.zeros((2, 4)))
