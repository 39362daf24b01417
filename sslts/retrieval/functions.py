"""What a model does with words and moments, as methods of `sslts.model.Model`.

The options of `encode` are spelled out in every signature, not passed on as **options: help() and editors should show them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sslts.data.recording import Recording
from sslts.embeddings import Embeddings
from sslts.few_shot import Normalise
from sslts.retrieval.classification import Classification, classify
from sslts.retrieval.encodes import Encodes, Given
from sslts.retrieval.hits import Hits
from sslts.retrieval.index import Index, build_index
from sslts.retrieval.search import search
from sslts.retrieval.words import Labels


class Retrieval:
    """A base of `Model`: classify, search and index."""

    def classify(
        self: Encodes,
        recording: Given,
        labels: Labels,
        *,
        prompts: Sequence[str] | None = None,
        rate_hz: float | Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        normalise: Normalise | None = None,
        stride_s: float | None = None,
        batch_size: int = 64,
        progress: bool = False,
    ) -> Classification:
        """Name each window by the text that describes it best (zero-shot: no label was needed for training).

        Args:
            recording, rate_hz, units, normalise, stride_s, batch_size, progress: as for `encode`.
            labels: what to choose between, such as ["walking", "sitting"], or phrases for each: {"walking": ["walking", "strolling"]}.
            prompts: sentences that each label is put into, such as ["a person is {}"]; their directions are averaged.

        Returns:
            Scores [n, L]: the softmax of cosine similarity / temperature, which was fitted after training.

        Raises:
            UnsupportedError: this model knows no text; the message lists those that do.
            TextError: labels that are empty, doubled, alone or no texts; a prompt without {}.
            SignalError: as for `encode`.

        Words that the text tower does not know are a VocabularyWarning.
        """
        return classify(
            self,
            recording,
            labels,
            prompts=prompts,
            rate_hz=rate_hz,
            units=units,
            normalise=normalise,
            stride_s=stride_s,
            batch_size=batch_size,
            progress=progress,
            stacklevel=2,
        )

    def search(
        self: Encodes,
        where: Given | Iterable[Given] | Index,
        query: str | Recording | Embeddings,
        *,
        top_k: int = 10,
        apart_s: float | None = None,
        rate_hz: float | Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        normalise: Normalise | None = None,
        stride_s: float | None = None,
        batch_size: int = 64,
        progress: bool = False,
    ) -> Hits:
        """Find the moments that a text describes, or that resemble a window.

        Args:
            where: a recording, several, or an index of them.
            query: words; or a Recording, whose first window is the query; or one row of Embeddings. A window of other sensors or another
                body position works as well: `model.search(recordings, recording.only("arm").window(start_s=120))`.
            top_k: how many moments at most.
            apart_s: of moments of one recording that start nearer than this, only the best is a hit; one window if None.
            rate_hz, units, normalise, stride_s, batch_size, progress: as for `encode`; an index has its own.

        Raises:
            UnsupportedError: words, but this model knows no text.
            TextError: the query is empty.
            IndexMismatchError: another model or text tower made the index.
            LengthError: no recordings, or a query shorter than a window.
            ConfigError: top_k below 1; a query that was encoded in another way than what is searched.
            SignalError: as for `encode`.
        """
        return search(
            self,
            where,
            query,
            top_k=top_k,
            apart_s=apart_s,
            rate_hz=rate_hz,
            units=units,
            normalise=normalise,
            stride_s=stride_s,
            batch_size=batch_size,
            progress=progress,
            stacklevel=2,
        )

    def index(
        self: Encodes,
        recordings: Given | Iterable[Given],
        *,
        rate_hz: float | Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        normalise: Normalise | None = None,
        stride_s: float | None = None,
        batch_size: int = 64,
        progress: bool = False,
    ) -> Index:
        """Embed recordings once, to search them many times and to keep them: `index.save(folder)`.

        Args:
            recordings: one or several; of an iterable one is in memory at a time.
            rate_hz, units, normalise, stride_s, batch_size, progress: as for `encode`.

        Raises:
            LengthError: no recordings.
            SignalError: as for `encode`.
        """
        return build_index(
            self,
            recordings,
            rate_hz=rate_hz,
            units=units,
            normalise=normalise,
            stride_s=stride_s,
            batch_size=batch_size,
            progress=progress,
        )

    def load_index(self: Encodes, folder: str | Path) -> Index:
        """Read an index that this model made.

        Raises:
            IndexCorruptedError: it is no index, or damaged.
            IndexMismatchError: another model or text tower made it.
        """
        index = Index.load(folder)
        index.check_made_by(self)
        return index
