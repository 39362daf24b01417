"""Nearest vectors: exactly, by one product with all of them; or through FAISS, if it is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sslts.errors import ConfigError, missing_dependency


@dataclass(frozen=True, slots=True)
class Ranked:
    """rows: int64 [k], best first, and among equals the lower row first; scores: float32 [k]."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]


class Nearest(Protocol):
    """Ranks stored vectors by their product with a query."""

    def to(self, query: NDArray[np.float32]) -> Answer:
        """Query [E] -> its answer, to be read as far as needed."""
        ...


class Answer(Protocol):
    """The ranking for one query."""

    def best(self, count: int) -> Ranked:
        """The first `count` rows, or more where several score alike; all rows if there are fewer."""
        ...


class Exact:
    """All products at once. A million vectors of 192 numbers take about a tenth of a second on two cores."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors

    def to(self, query: NDArray[np.float32]) -> Answer:
        """One pass over the vectors; reading further costs a sort."""
        return _Scored(self._vectors @ query)


class _Scored:
    def __init__(self, scores: NDArray[np.float32]) -> None:
        self._scores = scores

    def best(self, count: int) -> Ranked:
        scores = self._scores
        if count >= len(scores):
            return _sorted(np.arange(len(scores)), scores)
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        rows = np.flatnonzero(scores >= least)
        return _sorted(rows, scores[rows])


class Faiss:
    """An index of FAISS (github.com/facebookresearch/faiss), made by its factory: "Flat" is exact, "HNSW32" and "IVF1024,Flat" are not."""

    def __init__(self, vectors: NDArray[np.float32], factory: str = "Flat") -> None:
        try:
            import faiss
        except ImportError:
            raise missing_dependency("faiss-cpu", "faiss", "Searching through FAISS") from None
        try:
            self._index: Any = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
            if not self._index.is_trained:
                self._index.train(vectors)
            self._index.add(vectors)
        except RuntimeError as error:
            raise ConfigError(f"FAISS cannot make an index '{factory}' of {len(vectors)} vectors: {error}") from None

    def to(self, query: NDArray[np.float32]) -> Answer:
        """Asks FAISS again whenever more rows are needed."""
        return _Asked(self._index, query)


class _Asked:
    def __init__(self, index: Any, query: NDArray[np.float32]) -> None:
        self._index, self._query = index, query[None]

    def best(self, count: int) -> Ranked:
        scores, rows = self._index.search(self._query, min(count, max(self._index.ntotal, 1)))
        found = rows[0] >= 0  # an inexact index may know fewer
        return _sorted(rows[0][found], scores[0][found])


def spread(answer: Answer, recording: NDArray[np.int32], time_s: NDArray[np.float64], *, top_k: int, apart_s: float) -> Ranked:
    """The best `top_k` rows of which no two of one recording start nearer than `apart_s`: a better one stands for its neighbours."""
    count = 8 * top_k + 64
    while True:
        ranked = answer.best(count)
        kept = _apart(ranked, recording, time_s, top_k=top_k, apart_s=apart_s)
        if len(kept.rows) == top_k or count >= len(time_s):
            return kept
        count *= 8


def _apart(ranked: Ranked, recording: NDArray[np.int32], time_s: NDArray[np.float64], *, top_k: int, apart_s: float) -> Ranked:
    whose, when = recording[ranked.rows], time_s[ranked.rows]
    free = np.ones(len(ranked.rows), dtype=bool)
    kept: list[int] = []
    at = 0
    while len(kept) < top_k:
        rest = free[at:]
        ahead = int(rest.argmax()) if len(rest) else 0
        if not len(rest) or not rest[ahead]:
            break
        at += ahead
        kept.append(at)
        free[at] = False
        free[at:] &= (whose[at:] != whose[at]) | (np.abs(when[at:] - when[at]) >= apart_s - 1e-6)
    return Ranked(ranked.rows[kept], ranked.scores[kept])


def _sorted(rows: NDArray[Any], scores: NDArray[np.float32]) -> Ranked:
    order = np.lexsort((rows, -scores))
    return Ranked(rows[order].astype(np.int64), scores[order])
