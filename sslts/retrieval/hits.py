"""What a search finds: moments, best first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, overload

from sslts.retrieval.tables import aligned, write_csv


@dataclass(frozen=True, slots=True)
class Hit:
    """One moment. `rank` counts from 1, `score` is a cosine similarity, `recording` counts from 0 in the order searched.

    start_s, end_s: on the recording's own clock; start_unix: UNIX time of `start_s`, where the recording knows it.
    """

    rank: int
    score: float
    recording: int
    subject: str | None
    session: str | None
    start_s: float
    end_s: float
    start_unix: float | None

    @property
    def name(self) -> str:
        """The session, else the subject, else the recording's number."""
        return self.session or self.subject or f"recording {self.recording}"

    @property
    def clock(self) -> str:
        """When it was, in UTC: "2024-05-01T08:30:00+00:00"; empty where the recording does not know."""
        if self.start_unix is None:
            return ""
        return datetime.fromtimestamp(self.start_unix, UTC).isoformat(timespec="seconds")


class Hits(Sequence[Hit]):
    """Hits, best first. Prints as a table. `query` is what was asked, `model` who answered."""

    def __init__(self, hits: Iterable[Hit], *, query: str, model: str) -> None:
        self._hits = tuple(hits)
        self.query = query
        self.model = model

    def __len__(self) -> int:
        return len(self._hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...

    @overload
    def __getitem__(self, index: slice) -> Hits: ...

    def __getitem__(self, index: int | slice) -> Hit | Hits:
        return self._hits[index] if isinstance(index, int) else Hits(self._hits[index], query=self.query, model=self.model)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"model": self.model, "query": self.query, "hits": [asdict(hit) for hit in self]}

    def to_csv(self, path: str | Path) -> Path:
        """A row a hit."""
        header = ("rank", "score", "recording", "subject", "session", "start_s", "end_s", "start_unix")
        return write_csv(Path(path), header, ([getattr(hit, name) for name in header] for hit in self))

    def __repr__(self) -> str:
        if not self:
            return f"no hits for {self.query}"
        timed = any(hit.clock for hit in self)
        rows = [
            (str(h.rank), f"{h.score:.3f}", h.name, f"{h.start_s:.1f}", f"{h.end_s:.1f}", *((h.clock or "-",) if timed else ()))
            for h in self
        ]
        return aligned(("rank", "score", "recording", "start_s", "end_s", *(("utc",) if timed else ())), rows)
