"""The demo's third part: actions that the model never saw, each known from one example, and a clip hidden and filled in."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sslts import registry
from sslts.cli.words import CLIP_MODEL
from sslts.data import samples
from sslts.data.collate import to_batch
from sslts.data.prepare import prepare
from sslts.data.recording import Recording
from sslts.data.samples import Sample
from sslts.data.windows import cut, window_starts
from sslts.errors import UnsupportedError
from sslts.methods.mu_mae import MuMAE
from sslts.model import Model, load
from sslts.report import ClipSection, Fact
from sslts.report.clip import Film, Guess, Sensor
from sslts.retrieval.tables import aligned
from sslts.types import Inpainted

SAMPLE = "utd_mhad_ten_clips"
#: What is hidden of the clip that is shown is drawn from this seed.
_SEED = 0


@dataclass(frozen=True)
class ClipTour:
    """support: one example an action, by one person; asked: clips of the same actions by another; scores [n, W]: of each clip for each of
    `classes`; without: the same scores when a modality is absent; filled: what hiding and filling in the first asked clip gives."""

    sample: Sample
    model: Model
    support: tuple[Recording, ...]
    asked: tuple[Recording, ...]
    classes: tuple[str, ...]
    scores: NDArray[np.float32]
    without: Mapping[str, NDArray[np.float32]]
    filled: Mapping[str, Inpainted]
    seconds: float

    @property
    def truth(self) -> tuple[str, ...]:
        """What the asked clips show."""
        return tuple(label_of(recording) for recording in self.asked)

    def right(self, scores: NDArray[np.float32] | None = None) -> int:
        """How many clips are recognised."""
        found = (self.scores if scores is None else scores).argmax(1)
        return sum(self.classes[index] == truth for index, truth in zip(found, self.truth, strict=True))

    @property
    def people_met(self) -> bool:
        """Whether training has read the people of these clips, doing whatever."""
        return bool({clip.subject for clip in (*self.support, *self.asked)} & set(self.model.config.provenance.subjects))

    def table(self) -> str:
        """What each clip was recognised as, and how many are when a modality is absent."""
        best = self.scores.argmax(1)
        rows = [(truth, self.classes[index], f"{row[index]:.2f}") for truth, index, row in zip(self.truth, best, self.scores, strict=True)]
        of = len(self.asked)
        without = ", ".join(f"without {name} {self.right(scores)} of {of}" for name, scores in self.without.items())
        return "\n\n".join(
            (
                f"{self.sample.title}\nrecognised by {self.model.name} from one example each, {self.right()} of {of} rightly; {without}",
                aligned(("true action", "recognised", "score"), rows),
            )
        )

    def section(self) -> ClipSection:
        """The report's section, of the first asked clip."""
        recording, spec = self.asked[0], self.model.config.spec
        films, sensors = [], []
        for modality in spec.named:
            made = self.filled[modality.name]
            seen, guess, hidden = (part[0].numpy() for part in (made.seen, made.made, made.hidden))
            if modality.frame is not None:
                films.append(Film(modality.name, seen[0], guess[0], hidden[0]))
            else:
                units = ", ".join(dict.fromkeys(channel.unit for channel in modality.channels))
                sensors.append(
                    Sensor(modality.name, f"{len(modality.channels)} channels in {units}, {seen.shape[1]} moments", seen, guess, hidden)
                )
        return ClipSection(
            films=films,
            sensors=sensors,
            guesses=[Guess(name, float(score), name == self.truth[0]) for name, score in zip(self.classes, self.scores[0], strict=True)],
            lead=f"{self.sample.title}. {self._met()}: one example each, by person {self.support[0].subject}, is what it is given here, "
            f"and the clips that it names are by person {recording.subject}. Below, {self._hidden():.0f} % of one clip is hidden, as in "
            "training, and filled in from the rest.",
        )

    def _met(self) -> str:
        """What the model's own config says of these actions."""
        unread = set(self.classes) <= set(self.model.config.provenance.excluded_labels)
        return f"{self.model.name} {'saw none' if unread else 'may have seen some'} of these actions in training"

    def _hidden(self) -> float:
        """How much of the clip that is shown was hidden, in percent, each modality counting alike."""
        return 100 * float(np.mean([made.hidden.float().mean() for made in self.filled.values()]))

    def figures(self) -> tuple[Fact, ...]:
        """What the head of the page shows of it."""
        return (
            Fact("actions recognised from one example", f"{self.right()} of {len(self.asked)}"),
            Fact("to recognise them and fill one in", f"{self.seconds:.2g} s"),
        )


def clip_tour(model: str | Model = CLIP_MODEL) -> ClipTour:
    """Recognise the bundled clips of one person from one example each by the other, with all modalities and without each in turn.

    Raises:
        UnknownModelError: no such model.
        UnsupportedError: it does not fill in what is hidden.
    """
    sample = samples.get(SAMPLE)
    loaded = load(model) if isinstance(model, str) else model
    method = loaded.method
    if not isinstance(method, MuMAE):
        raise UnsupportedError(f"{loaded.name} ({loaded.config.method.name}) does not fill in clips: name a model of 'mu-mae'.")
    reader = registry.get("reader", sample.reader).create()
    clips = [reader.read(sample.path, session=session) for session in reader.sessions(sample.path)]
    people = list(dict.fromkeys(clip.subject for clip in clips))
    support, asked = (tuple(clip for clip in clips if clip.subject == person) for person in people[:2])
    started = time.perf_counter()
    recogniser = loaded.few_shot(support, [label_of(clip) for clip in support])
    scores = _all(recogniser.scores(clip) for clip in asked)
    names = [name for name in loaded.config.spec.names if len(loaded.config.spec.names) > 1]
    without = {name: _all(recogniser.scores(clip.without(name)) for clip in asked) for name in names}
    filled = fill_in(loaded, method, asked[0])
    return ClipTour(sample, loaded, support, asked, recogniser.classes, scores, without, filled, time.perf_counter() - started)


def fill_in(model: Model, method: MuMAE, recording: Recording) -> dict[str, Inpainted]:
    """Hide parts of a clip as in training and let the model fill them in."""
    spec = model.config.spec
    prepared = prepare(recording, spec)
    starts = window_starts(prepared, window_s=spec.window_s, stride_s=spec.stride_s)
    batch = to_batch(cut(prepared, spec, starts[:1]), spec)
    return method.inpainted(batch.to(model.device), generator=torch.Generator().manual_seed(_SEED))


def label_of(recording: Recording) -> str:
    """What a clip shows."""
    (label,) = recording.labels.names if recording.labels else ("",)
    return label


def _all(rows: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(list(rows))
