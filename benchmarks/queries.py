"""Write docs/queries.md: five texts, what they find in the bundled phone recording, and a drawing of each in docs/queries/.

    python benchmarks/queries.py            write
    python benchmarks/queries.py --check    exit code 1 if a file is not what would be written

The page says so while the model is not published; the test of this file then asks for the real page as soon as it is.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a script: make `benchmarks` importable

from sslts.cli.words import DEFAULT_MODEL  # noqa: E402
from sslts.cli.words_tour import TOP_K, Query, WordsTour, words_tour  # noqa: E402
from sslts.data.recording import Recording  # noqa: E402
from sslts.hub.catalogue import list_models  # noqa: E402
from sslts.report.end_to_end import end_to_end  # noqa: E402
from sslts.report.envelope import HEIGHT, WIDTH, envelope, svg_path, vertical_range  # noqa: E402
from sslts.report.tracks import clock  # noqa: E402
from sslts.retrieval.hits import Hits  # noqa: E402

DOCS = ROOT / "docs"
PAGE = Path("queries.md")
WORDINGS = ROOT / "sslts" / "recipes" / "wordings" / "activities.json"
_HEAD = "<!-- Written by benchmarks/queries.py. -->\n\n# Five queries\n\n"
_GAP_S = 4.0
_BINS = 500
#: Readable on light and on dark ground: the drawings do not know which theme shows them.
_INK, _AXES, _HIT = "#7a7f8c", ("#2f8f96", "#c8704a", "#7d6bc9"), "#3f74e8"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 if `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="another model, to look at")
    parser.add_argument("--out", type=Path, default=DOCS, help="another folder than docs/")
    given = parser.parse_args(arguments)
    stale = False
    for name, text in files(given.model).items():
        path = given.out / name
        if given.check:
            same = path.is_file() and path.read_text(encoding="utf-8") == text
            if not same:
                print(f"{name} is not what the model finds. Run: python benchmarks/queries.py", file=sys.stderr)
            stale |= not same
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return int(stale)


def published() -> bool:
    """Whether the model that the page is about is among those of this copy."""
    return bool(list_models(DEFAULT_MODEL))


def files(model: str = DEFAULT_MODEL) -> dict[Path, str]:
    """What the page and its drawings hold, by path under docs/."""
    if model == DEFAULT_MODEL and not published():
        return {PAGE: f"{_HEAD}`{DEFAULT_MODEL}` is not published yet; this page shows what it finds as soon as it is.\n"}
    return files_of(words_tour(model))


def files_of(tour: WordsTour) -> dict[Path, str]:
    """The same, from a tour."""
    asked = list(zip(tour.queries, tour.hits, strict=True))
    drawn = {Path("queries") / f"{slug(query.text)}.svg": drawing(tour, query, hits) for query, hits in asked}
    return {PAGE: page(tour), **drawn}


def page(tour: WordsTour) -> str:
    """The page as Markdown."""
    known = training_words()
    asked = list(zip(tour.queries, tour.hits, strict=True))
    right = sum(tour.truth(hit) == query.means for query, hits in asked for hit in hits)
    of = sum(len(hits) for _, hits in asked)
    lasts = sum(recording.duration_s for recording in tour.recordings)
    parts = [
        f"{_HEAD}`{tour.model.name}` searches six recordings of one person, a phone in the trouser pocket, who took part in no training: "
        f"{lasts:.0f} s in all, {len(tour.index)} windows of {tour.index.window_s:g} s, one every second. {right} of the {of} moments "
        "below are what was meant. The texts were picked by hand from a few that were tried, so that is an illustration; "
        "[Results](results.md) has the measures.\n"
    ]
    parts += [_about(tour, query, hits, known) for query, hits in asked]
    parts.append(
        "## How to read it\n\n"
        f"Each text finds its {TOP_K} best windows; one that overlaps a better one of the same recording is left out. A score is a cosine: "
        "compare scores under one text, not between texts. In a drawing, the three axes of the accelerometer, the six recordings one after "
        "the other, with the true activity below and the moments that were found, numbered.\n\n"
        "The same in Python, see [Search and name in words](search.md):\n\n"
        "```python\n"
        "import sslts\n"
        "from sslts.data import readers, samples\n\n"
        f'model = sslts.load("{DEFAULT_MODEL}")\n'
        f'phone = samples.path("{tour.sample.name}")\n'
        'recordings = [readers.motionsense(phone, name) for name in readers.sessions("motionsense", phone)]\n'
        "index = model.index(recordings, stride_s=1.0)\n"
        f'print(model.search(index, "{tour.queries[0].text}", top_k={TOP_K}))\n'
        "```\n\n"
        f"Recording: {tour.sample.citation}. Licence: {tour.sample.licence}.\n"
    )
    return "\n".join(parts)


def _about(tour: WordsTour, query: Query, hits: Hits, known: frozenset[str]) -> str:
    new = [word for word in words(query.text) if word not in known]
    told = f"In no text of the training recipe: {', '.join(f'*{word}*' for word in new)}. " if new else ""
    lines = [
        f"## {query.text[0].upper()}{query.text[1:]}\n",
        f"{told}Meant: {query.means}.\n",
        f"![The signals, with the moments found for “{query.text}”](queries/{slug(query.text)}.svg)\n",
        "| | score | recording | from | to | true activity |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for hit in hits:
        truth = tour.truth(hit) or "not known"
        done = truth if truth == query.means else f"**{truth}**, a miss"
        lines.append(f"| {hit.rank} | {hit.score:.2f} | {hit.name} | {clock(hit.start_s)} | {clock(hit.end_s)} | {done} |")
    return "\n".join([*lines, ""])


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return re.findall(r"[a-z]+", text.lower())


def training_words(path: Path = WORDINGS) -> frozenset[str]:
    """Every word of the texts that the recipe describes windows with."""
    wordings = json.loads(path.read_text(encoding="utf-8"))
    return frozenset(word for texts in wordings.values() for text in texts for word in words(text))


def slug(text: str) -> str:
    """A text as a file's name."""
    return "-".join(words(text))


def drawing(tour: WordsTour, query: Query, hits: Hits) -> str:
    """The accelerometer of all recordings in a row, their true activities, and the hits, as an SVG file."""
    line = end_to_end(tour.recordings, gap_s=_GAP_S)
    length = line.recording.duration_s

    def x(seconds: float) -> float:
        return WIDTH * seconds / length

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 152" role="img" font-family="sans-serif">',
        f"<title>{escape(query.text)}</title>",
        f'<g transform="translate(0 20)">{_waves(line.recording)}</g>',
    ]
    for recording, shift in zip(tour.recordings, line.shift_s, strict=True):
        for interval in recording.labels.intervals if recording.labels else ():
            left, wide = x(interval.start_s + shift), x(interval.duration_s)
            meant = interval.label == query.means
            parts.append(
                f'<rect x="{left:.1f}" y="126" width="{wide:.1f}" height="2" fill="{_HIT if meant else _INK}"/>'
                f'<text x="{left:.1f}" y="144" font-size="13" fill="{_HIT if meant else _INK}">{escape(_short(interval.label))}</text>'
            )
    for hit in reversed(hits):  # the best lies on top
        left, wide = x(hit.start_s + line.shift_s[hit.recording]), x(hit.end_s - hit.start_s)
        parts.append(
            f'<rect x="{left:.1f}" y="20" width="{wide:.1f}" height="100" fill="{_HIT}" fill-opacity=".25" stroke="{_HIT}"/>'
            f'<circle cx="{left + wide / 2:.1f}" cy="10" r="9" fill="{_HIT}"/>'
            f'<text x="{left + wide / 2:.1f}" y="14.5" font-size="13" fill="#fff" text-anchor="middle">{hit.rank}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _waves(recording: Recording) -> str:
    stream = recording.streams["acc"]
    bottom, top = vertical_range(stream)
    drawn = envelope(stream, start_s=recording.start_s, end_s=recording.end_s, bins=_BINS)
    paths = (svg_path(drawn.low[:, c], drawn.high[:, c], bottom=bottom, top=top) for c in range(len(stream.channels)))
    style = f'fill-opacity=".75" stroke-width="1" transform="scale(1 {100 / HEIGHT:g})"'
    return "".join(f'<path d="{path}" fill="{colour}" stroke="{colour}" {style}/>' for path, colour in zip(paths, _AXES, strict=False))


def _short(label: str) -> str:
    """ "walking upstairs" has little room."""
    return label.removeprefix("walking ")


if __name__ == "__main__":
    sys.exit(main())
