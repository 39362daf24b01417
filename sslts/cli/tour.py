"""What `sslts demo` shows first: a sample under a model, whole and without each modality, as a short table; and the report."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import sslts
from sslts import registry
from sslts.cli.clip_tour import ClipTour
from sslts.cli.words_tour import WordsTour
from sslts.config import AnyChannels, SensorSpec
from sslts.data import samples
from sslts.data.recording import Recording
from sslts.data.samples import Sample
from sslts.embeddings import Embeddings, cosine_similarity
from sslts.model import Model, load
from sslts.report import Fact, MomentsSection, Page, ProvenanceSection, Section, write
from sslts.report.tracks import clock

#: Windows overlap by three quarters: the map shows how the embedding moves, not only where it lands.
_WINDOWS_IN_STRIDES = 4


@dataclass(frozen=True)
class Tour:
    """full: embeddings of the whole recording; without: {modality: the same windows without it}; seconds: what encoding took."""

    sample: Sample
    recording: Recording
    model: Model
    full: Embeddings
    without: Mapping[str, Embeddings]
    seconds: float

    def table(self) -> str:
        """All signals and each modality removed: likeness to the full embedding, and the moment nearest to the middle."""
        middle = len(self.full) // 2
        rows = [("the model sees", "like the full embedding", "least at", f"nearest to {self._at(middle)}")]
        for label, part in {"all signals": self.full, **{f"no {name}": part for name, part in self.without.items()}}.items():
            like = np.diag(cosine_similarity(part.values, self.full.values))
            mean, least = (f"{like.mean():.2f}", self._at(int(like.argmin()))) if part is not self.full else ("", "")
            rows.append((label, mean, least, self._nearest(part, middle)))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)

    def page(self, words: WordsTour | None = None, clips: ClipTour | None = None) -> Page:
        """The report, with sections about naming and searching in words and about clips if there are any to show."""
        minutes = self.recording.duration_s / 60
        spec = self.model.config.spec
        people = len(self.model.config.provenance.subjects)
        here = (
            MomentsSection(self.recording, self.full, self.without),
            provenance(
                self.model,
                self.sample,
                of_statistics="of the training subjects" if self.full.normalise == "artefact" else "of this recording",
                limits=(
                    "Near means that the signals are alike, not that the person felt the same.",
                    "The two axes of the map are a projection: windows that overlap there can be far apart in the embedding.",
                    f"The model learnt from {people} people. Another device, another place on the body or another "
                    "way of life may look unlike anything it knows.",
                ),
            ),
        )
        return Page(
            title=f"{minutes:.0f} minutes of signals, as {self.model.name} sees them"
            + (f", a phone searched in words by {words.model.name}" if words else "")
            + (f", clips recognised by {clips.model.name}" if clips else ""),
            lead=f"{self.sample.title}: {', '.join(self.full.modalities)}. No label was given to the model, here or in training; "
            "what lies close together below is what it found alike." + (" Further down, a phone in a pocket." if words else ""),
            figures=(
                Fact("recorded", f"{minutes:.1f} min"),
                Fact(f"windows of {spec.window_s:g} s", str(len(self.full))),
                Fact("numbers a window", str(self.model.embed_dim)),
                Fact("to encode it all", f"{self.seconds:.2g} s"),
                *(words.figures() if words else ()),
                *(clips.figures() if clips else ()),
            ),
            sections=(*here, *(_sections_in_words(words) if words else ()), *(_sections_of_clips(clips) if clips else ())),
            footer=f"Written by sslts {sslts.__version__}. This file holds everything it shows and loads nothing.",
        )

    def write(self, path: Path, words: WordsTour | None = None, clips: ClipTour | None = None) -> Path:
        """Write the report; returns its path."""
        return write(self.page(words, clips), path)

    def _at(self, index: int) -> str:
        return clock(self.full.time_s[index] - self.recording.start_s)

    def _nearest(self, part: Embeddings, index: int) -> str:
        similar = cosine_similarity(part.values[index : index + 1], part.values)[0]
        apart = np.abs(part.time_s - part.time_s[index]) >= part.window_s
        if not (apart & part.usable).any():
            return "-"
        best = int(np.where(apart & part.usable, similar, -np.inf).argmax())
        return f"{self._at(best)} ({similar[best]:.2f})"


def tour(sample: str, model: str, *, progress: bool) -> Tour:
    """Read a bundled sample and encode it, whole and without each of its modalities in turn.

    Raises:
        UnknownNameError, UnknownModelError: no such sample or model.
        MissingModalityError: the sample has nothing that the model reads.
    """
    chosen = samples.get(sample)
    loaded = load(model)
    recording: Recording = registry.get("reader", chosen.reader).create().read(chosen.path)
    stride_s = loaded.config.spec.window_s / _WINDOWS_IN_STRIDES
    started = time.perf_counter()
    full = loaded.encode(recording, stride_s=stride_s, progress=progress)
    seconds = time.perf_counter() - started
    read = [name for name in recording.names if name in full.modalities]
    parts = {name: loaded.encode(recording.without(name), stride_s=stride_s, progress=progress) for name in read if len(read) > 1}
    # A stream that begins first or ends last takes its windows along: compare those that all have.
    common = [time_s for time_s in full.time_s if all(np.isclose(part.time_s, time_s).any() for part in parts.values())]
    same = {name: part.select(_positions(part, common)) for name, part in parts.items()}
    return Tour(chosen, recording, loaded, full.select(_positions(full, common)), same, seconds)


def _positions(part: Embeddings, times_s: list[float]) -> list[int]:
    return [int(np.abs(part.time_s - time_s).argmin()) for time_s in times_s]


def provenance(model: Model, sample: Sample, *, limits: tuple[str, ...], of_statistics: str = "") -> ProvenanceSection:
    """What a model is, what it cannot do, and whose recording was shown."""
    config = model.config
    people = len(config.provenance.subjects)
    return ProvenanceSection(
        facts=(
            Fact("Model", f"{config.name} ({config.method.name})"),
            *_reads(config.spec),
            Fact("Parameters", f"{sum(parameter.numel() for parameter in model.method.parameters()):,}"),
            Fact("Trained on", f"{', '.join(config.provenance.datasets) or 'not said'} ({people} people)"),
            *((Fact("Statistics", of_statistics),) if of_statistics else ()),
            Fact("Computed with", f"sslts {sslts.__version__}, Python {platform.python_version()}, {model.device}"),
        ),
        limits=(*limits, "Neither the model nor this page is a medical device."),
        notices=(f"Recording: {sample.citation}. Licence: {sample.licence}.",),
        title=f"{config.name}, and its limits",
    )


def _reads(spec: SensorSpec) -> tuple[Fact, ...]:
    if isinstance(spec.modalities, AnyChannels):
        units = ", ".join(f"{kind} [{unit}]" for kind, unit in spec.modalities.units.items())
        return (Fact("Reads", f"any described channel of these kinds: {units}, at {spec.modalities.rate_hz:g} Hz"),)
    return tuple(
        Fact(f"Reads {modality.name}", f"{', '.join(f'{c.name} [{c.unit}]' for c in modality.channels)} at {spec.rate_text(modality)}")
        for modality in spec.named
    )


def _sections_in_words(words: WordsTour) -> tuple[Section, ...]:
    met = words.sample.reader in words.model.config.provenance.datasets
    limits = (
        *(("It learnt from other people of the same data set, with texts about the same six activities.",) if met else ()),
        "It chooses between the names that it is given and cannot say that none of them fits.",
        "It knows everyday movements: a sentence about anything else gets an answer too, and the answer means nothing.",
        "A score is a cosine: compare scores of one sentence, not between sentences.",
        "What is shown is one person, of whom nothing was trained on; how it fares with many is on the model's card.",
    )
    return words.section(), provenance(words.model, words.sample, limits=limits)


def _sections_of_clips(clips: ClipTour) -> tuple[Section, ...]:
    limits = (
        "It chooses between the actions that it has an example of and cannot say that none of them fits.",
        "Five clips are an illustration: how it fares over ten thousand draws is on the model's card.",
        *(("People of these clips were seen in training.",) if clips.people_met else ()),
        "What is filled in is drawn at the level and spread of what was hidden; only the pattern is predicted.",
    )
    return clips.section(), provenance(clips.model, clips.sample, limits=limits)
