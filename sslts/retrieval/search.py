"""From a query, in words or as a window, to the moments that resemble it most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sslts.data.prepare import TOLERANCE_S
from sslts.data.recording import Recording
from sslts.embeddings import Embeddings
from sslts.errors import ConfigError, LengthError, MissingModalityError, TextError
from sslts.few_shot import Normalise
from sslts.retrieval.encodes import Encodes, Given
from sslts.retrieval.hits import Hits
from sslts.retrieval.index import Index, Space, build_index, in_space
from sslts.retrieval.words import query_vector, text_method


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """A unit vector in one of an index's spaces; `normalise` says how it was encoded, None for a text."""

    vector: NDArray[np.float32]
    space: Space
    said: str
    normalise: str | None


def search(
    model: Encodes,
    where: Given | Iterable[Given] | Index,
    query: str | Recording | Embeddings,
    *,
    top_k: int,
    apart_s: float | None,
    rate_hz: float | Mapping[str, float] | None,
    units: Mapping[str, str] | None,
    normalise: Normalise | None,
    stride_s: float | None,
    batch_size: int,
    progress: bool,
    stacklevel: int = 1,
) -> Hits:
    """See `Model.search`."""
    if type(top_k) is not int or top_k < 1:
        raise ConfigError(f"top_k must be a whole number of at least 1, got {top_k!r}.")
    if apart_s is not None and not (math.isfinite(apart_s) and apart_s >= 0):
        raise ConfigError(f"apart_s must be a number of seconds, 0 or more, got {apart_s!r}.")
    if isinstance(where, Index):
        given = {"rate_hz": rate_hz, "units": units, "normalise": normalise, "stride_s": stride_s}
        named = [name for name, value in given.items() if value is not None]
        if named:
            raise ConfigError(f"An index already holds windows: leave out {', '.join(named)}, or give recordings instead of an index.")
        where.check_made_by(model)
    used = where.normalise if isinstance(where, Index) else normalise or model.config.preprocessing.default
    # The question first: it is cheap, and what is wrong with it should not show after an hour of encoding.
    question = _question(model, query, used, stacklevel=stacklevel + 1)
    index = (
        where
        if isinstance(where, Index)
        else build_index(
            model,
            where,
            rate_hz=rate_hz,
            units=units,
            normalise=normalise,
            stride_s=stride_s,
            batch_size=batch_size,
            progress=progress,
        )
    )
    if question.normalise not in (None, index.normalise):
        raise ConfigError(
            f"The query was encoded with normalise='{question.normalise}', what is searched with '{index.normalise}': they do not compare. "
            f"Encode the query with normalise='{index.normalise}'."
        )
    apart = index.window_s if apart_s is None else apart_s
    return Hits(index.best(question.vector, space=question.space, top_k=top_k, apart_s=apart), query=question.said, model=model.name)


def _question(model: Encodes, query: Any, normalise: str, *, stacklevel: int) -> _Question:
    if isinstance(query, str):
        method = text_method(model.method, model.name, "search by words")
        return _Question(query_vector(method, query, stacklevel=stacklevel + 1).numpy(), "words", repr(query), None)
    if isinstance(query, Recording):
        row, said = _first_window(model, query, normalise), f"the window at {query.start_s:g} s of {query!r}"
    elif isinstance(query, Embeddings):
        row, said = query, f"an embedding at {query.time_s[0]:g} s" if len(query) else ""
    else:
        raise TextError(f"A query is a text, a Recording or a row of Embeddings, got {type(query).__name__}.")
    if len(row) != 1:
        raise LengthError(f"A query is one window, got {len(row)}. Choose one: embeddings.select([10]).")
    if row.model != model.name:
        raise ConfigError(f"The query was embedded by '{row.model}', this model is '{model.name}': encode it with {model.name}.")
    if not row.usable[0]:
        raise MissingModalityError(f"No sensor is present in the query ({said}): there is nothing to compare. Choose another moment.")
    return _Question(in_space(model, row.values, "sensors")[0], "sensors", said, row.normalise)


def _first_window(model: Encodes, query: Recording, normalise: str) -> Embeddings:
    """The window that begins where the query begins, so that `recording.window(start_s=120)` means the moment at 120 s."""
    window_s = model.config.spec.window_s
    if normalise == "recording":
        raise ConfigError(
            "With normalise='recording' a window depends on its whole recording, which a query cut out of it no longer has. "
            "Encode the recording and give the row: z = model.encode(recording, normalise='recording'); z.select([10])."
        )
    if query.duration_s < window_s - TOLERANCE_S:
        raise LengthError(
            f"The query lasts {query.duration_s:.4g} s, one window needs {window_s:g} s: recording.window(start_s=..., "
            f"duration_s={window_s:g}), or leave duration_s out."
        )
    # A little more than the window, so that resampling knows what comes after it; the stride leaves one window.
    some = query.window(start_s=query.start_s, duration_s=2 * window_s) if query.duration_s > 2 * window_s else query
    (row,) = model.iter_encode(some, normalise="artefact", stride_s=3 * window_s)
    return row
