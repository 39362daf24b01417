"""The demo's second half: a bundled phone recording named and searched in words, as short tables and as a section of the report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sslts import registry
from sslts.data import samples
from sslts.data.recording import Recording
from sslts.data.samples import Sample
from sslts.model import Model, load
from sslts.report import Fact, WordsSection
from sslts.report.end_to_end import EndToEnd, end_to_end
from sslts.report.tracks import clock
from sslts.report.words import Found, Stretch, TextRow
from sslts.retrieval.classification import Classification
from sslts.retrieval.hits import Hit, Hits
from sslts.retrieval.index import Index
from sslts.retrieval.tables import aligned

SAMPLE = "motionsense_sub_24"
#: One second from window to window: short recordings, fine borders.
STRIDE_S = 1.0
#: Moments a text may find: as many as fit into the shortest of the six recordings.
TOP_K = 3
_GAP_S = 2.0


@dataclass(frozen=True)
class Query:
    """A text to look for, and the activity that it means."""

    text: str
    means: str


#: Each in words of which one at least is in no text of the training recipe; examples, not a measure.
QUERIES = (
    Query("someone climbing up a staircase", "walking upstairs"),
    Query("resting on a chair", "sitting"),
    Query("hurrying along", "jogging"),
    Query("strolling about", "walking"),
    Query("motionless, on both feet", "standing"),
)


@dataclass(frozen=True)
class WordsTour:
    """named: one a recording; hits: one a query; cosine: of each label and query with each window of `index`; seconds: for all of it."""

    sample: Sample
    model: Model
    recordings: tuple[Recording, ...]
    named: tuple[Classification, ...]
    index: Index
    queries: tuple[Query, ...]
    hits: tuple[Hits, ...]
    cosine: dict[str, NDArray[np.float32]]
    seconds: float

    @property
    def labels(self) -> tuple[str, ...]:
        """What was chosen between."""
        return self.named[0].labels

    def right(self) -> tuple[int, int]:
        """Windows that got their true name, of all that were named."""
        pairs = [
            (name, truth_at(recording, time_s, found.window_s))
            for recording, found in zip(self.recordings, self.named, strict=True)
            for name, time_s in zip(found.predicted, found.time_s, strict=True)
            if name is not None
        ]
        return sum(name == truth for name, truth in pairs), len(pairs)

    def truth(self, hit: Hit) -> str | None:
        """What was done at a hit."""
        return truth_at(self.recordings[hit.recording], hit.start_s, hit.end_s - hit.start_s)

    def table(self) -> str:
        """What each recording was named, and the best moment of each text."""
        named = []
        for recording, found in zip(self.recordings, self.named, strict=True):
            shares = Counter(name for name in found.predicted if name is not None).most_common()
            told = ", ".join(f"{label} {100 * count / len(found):.0f} %" for label, count in shares)
            named.append((_label(recording), f"{recording.duration_s:.0f} s", told))
        searched = [
            (
                query.text,
                hits[0].name,
                f"{clock(hits[0].start_s)} to {clock(hits[0].end_s)}",
                f"{hits[0].score:.2f}",
                f"{self.truth(hits[0])}",
            )
            for query, hits in zip(self.queries, self.hits, strict=True)
        ]
        right, of = self.right()
        return "\n\n".join(
            (
                f"{self.sample.title}\nnamed by {self.model.name}, {right} of {of} windows rightly",
                aligned(("true activity", "lasts", "recognised"), named),
                aligned(("looked for", "best moment in", "at", "score", "true activity"), searched),
            )
        )

    def section(self) -> WordsSection:
        """The report's section."""
        line = end_to_end(self.recordings, gap_s=_GAP_S)
        return WordsSection(
            recording=line.recording,
            stretches=tuple(
                Stretch(s.label, s.start_s + shift, s.end_s + shift, s.score)
                for found, shift in zip(self.named, line.shift_s, strict=True)
                for s in found.segments()
            ),
            spans=spans(self.index, line),
            rows=(
                *(TextRow(label, self.cosine[label]) for label in self.labels),
                *(
                    TextRow(query.text, self.cosine[query.text], tuple(self._found(hit, line) for hit in hits))
                    for query, hits in zip(self.queries, self.hits, strict=True)
                ),
            ),
            lead=f"{self.sample.title}. {self.model.name} puts windows of {self.index.window_s:g} s and sentences into one space. The six "
            "recordings lie end to end; each window is named by the nearest of six names, and each sentence finds the windows nearest to "
            "it. Each sentence holds a word that no text of the training recipe uses.",
        )

    def figures(self) -> tuple[Fact, ...]:
        """What the head of the page shows of it."""
        right, of = self.right()
        return (
            Fact("of a phone's windows named rightly", f"{100 * right / of:.0f} %"),
            Fact("to name and search them", f"{self.seconds:.2g} s"),
        )

    def _found(self, hit: Hit, line: EndToEnd) -> Found:
        shift = line.shift_s[hit.recording]
        return Found(hit.start_s + shift, hit.end_s + shift, hit.score, self.truth(hit))


def words_tour(model: str | Model, *, queries: Sequence[Query] = QUERIES, progress: bool = False) -> WordsTour:
    """Name every window of the bundled phone recording by its six activities, and search it for each query.

    Raises:
        UnknownModelError: no such model.
        UnsupportedError: it knows no text.
    """
    sample = samples.get(SAMPLE)
    loaded = load(model) if isinstance(model, str) else model
    reader = registry.get("reader", sample.reader).create()
    recordings = tuple(reader.read(sample.path, session=session) for session in reader.sessions(sample.path))
    labels = list(dict.fromkeys(_label(recording) for recording in recordings))
    started = time.perf_counter()
    named = tuple(loaded.classify(recording, labels, stride_s=STRIDE_S) for recording in recordings)
    index = loaded.index(recordings, stride_s=STRIDE_S, progress=progress)
    hits = tuple(loaded.search(index, query.text, top_k=TOP_K) for query in queries)
    cosine = {text: _every_window(loaded, index, text) for text in [*labels, *(query.text for query in queries)]}
    return WordsTour(sample, loaded, recordings, named, index, tuple(queries), hits, cosine, time.perf_counter() - started)


def truth_at(recording: Recording, start_s: float, window_s: float) -> str | None:
    """The label at the middle of a window; None where there is none."""
    middle = start_s + window_s / 2
    intervals = recording.labels.intervals if recording.labels else ()
    return next((interval.label for interval in intervals if interval.start_s <= middle < interval.end_s), None)


def spans(index: Index, line: EndToEnd) -> NDArray[np.float64]:
    """The time on the joint clock that each window of an index owns: half way to its neighbours in the same recording. -> [n, 2]."""
    found = np.empty((len(index), 2))
    for number, shift in enumerate(line.shift_s):
        rows = np.flatnonzero(index.recording == number)
        starts = index.time_s[rows] + shift
        borders = (starts[1:] + starts[:-1] + index.window_s) / 2
        found[rows] = np.stack([np.append(starts[:1], borders), np.append(borders, starts[-1:] + index.window_s)], axis=1)
    return found


def _every_window(model: Model, index: Index, text: str) -> NDArray[np.float32]:
    """The cosine of a text with each window of an index, in the index's order."""
    score = {(hit.recording, hit.start_s): hit.score for hit in model.search(index, text, top_k=len(index), apart_s=0.0)}
    keys = zip(index.recording.tolist(), index.time_s.tolist(), strict=True)
    return np.asarray([score[key] for key in keys], dtype=np.float32)


def _label(recording: Recording) -> str:
    (label,) = recording.labels.names if recording.labels else ("",)
    return label
