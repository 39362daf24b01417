"""Ranking: against a sort of everything, and against a greedy choice written out."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from sslts.errors import ConfigError, MissingDependencyError
from sslts.retrieval.nearest import Exact, Faiss, spread


def vectors(count: int = 500, width: int = 6, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((count, width), dtype=np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.mark.parametrize("count", [1, 7, 499, 500, 9999])
def test_exact_ranking_is_a_sort_of_all_products(count):
    stored, query = vectors(), vectors(1, seed=1)[0]
    ranked = Exact(stored).to(query).best(count)
    expected = sorted(range(500), key=lambda row: -float(stored[row] @ query))[:count]
    assert ranked.rows.tolist() == expected
    np.testing.assert_allclose(ranked.scores, stored[expected] @ query, rtol=1e-5, atol=1e-6)


def test_equal_scores_come_in_the_order_of_rows():
    ranked = Exact(np.ones((9, 2), np.float32)).to(np.float32([1, 0])).best(3)
    assert ranked.rows.tolist()[:3] == [0, 1, 2]


def greedy(scores, recording, time_s, top_k, apart_s):
    kept: list[int] = []
    for row in sorted(range(len(scores)), key=lambda row: (-scores[row], row)):
        near = any(recording[row] == recording[other] and abs(time_s[row] - time_s[other]) < apart_s - 1e-6 for other in kept)
        if not near and len(kept) < top_k:
            kept.append(row)
    return kept


@pytest.mark.parametrize("apart_s", [0.0, 1.0, 2.0, 40.0, 1e6])
@pytest.mark.parametrize("top_k", [1, 3, 40, 1000])
def test_spread_keeps_what_a_greedy_choice_over_everything_keeps(apart_s, top_k):
    stored, query = vectors(800), vectors(1, seed=1)[0]
    recording = np.repeat(np.arange(8, dtype=np.int32), 100)
    time_s = np.tile(np.arange(100) * 1.0, 8)
    answer = Exact(stored).to(query)
    found = spread(answer, recording, time_s, top_k=top_k, apart_s=apart_s)
    assert found.rows.tolist() == greedy(answer.best(800).scores[np.argsort(answer.best(800).rows)], recording, time_s, top_k, apart_s)


def test_faiss_finds_what_the_exact_search_finds():
    pytest.importorskip("faiss")
    stored, query = vectors(2000), vectors(1, seed=1)[0]
    recording, time_s = np.repeat(np.arange(4, dtype=np.int32), 500), np.tile(np.arange(500) * 1.0, 4)
    for top_k, apart_s in ((5, 0.0), (10, 30.0), (300, 3.0)):
        exact, through = (
            spread(nearest.to(query), recording, time_s, top_k=top_k, apart_s=apart_s) for nearest in (Exact(stored), Faiss(stored))
        )
        assert exact.rows.tolist() == through.rows.tolist()
        np.testing.assert_allclose(exact.scores, through.scores, rtol=1e-5, atol=1e-6)


def test_an_inexact_kind_of_faiss_finds_most_and_an_unknown_one_is_refused():
    pytest.importorskip("faiss")
    stored, query = vectors(2000), vectors(1, seed=1)[0]
    near = set(Exact(stored).to(query).best(10).rows.tolist()[:10])
    assert len(near & set(Faiss(stored, "HNSW16").to(query).best(10).rows.tolist())) >= 7
    with pytest.raises(ConfigError, match="FAISS cannot make an index 'Nonsense'"):
        Faiss(stored, "Nonsense")


def test_without_faiss_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'sslts\[faiss\]'"):
        Faiss(vectors())
