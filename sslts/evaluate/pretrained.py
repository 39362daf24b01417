"""Judge pretrained models under a leave-one-subject-out protocol: embed the grid, probe each subject with a model that never saw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from sslts import registry
from sslts.data.collate import to_batch
from sslts.data.normalise import standardise_windows
from sslts.data.prepare import prepare
from sslts.data.recording import Recording
from sslts.data.windows import cut
from sslts.errors import ConfigError, LeakageError
from sslts.evaluate.loso import FeatureTable, Outcome, evaluate_fold
from sslts.evaluate.metrics import balanced_accuracy, interval, macro_f1
from sslts.evaluate.probe import Classifier, Values, fit_linear_probe
from sslts.evaluate.protocol import Protocol
from sslts.evaluate.recordings import protocol_windows, read_recordings
from sslts.model import Model

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Judged:
    """Outcomes by test subject, and which model judged whom."""

    protocol: Protocol
    outcomes: Mapping[str, Sequence[Outcome]]
    judges: Mapping[str, str]

    def table(self) -> str:
        """One line a task and setting: mean over subjects with half of the 95 % t-interval, in points."""
        rows = [("task", "setting", "macro-F1", "balanced accuracy", "subjects")]
        for task in self.protocol.tasks:
            for setting in self.protocol.settings:
                matrices = [o.confusion for several in self.outcomes.values() for o in several if (o.task, o.setting) == (task, setting)]
                f1, accuracy = (interval([score(matrix) for matrix in matrices]) for score in (macro_f1, balanced_accuracy))
                rows.append((task, setting, str(f1), str(accuracy), str(len(matrices))))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([f"{self.protocol.id} version {self.protocol.version}", *lines])

    def as_json(self) -> dict[str, Any]:
        """Confusion matrices by subject, enough to recompute every figure."""
        return {
            "protocol": {"id": self.protocol.id, "version": self.protocol.version},
            "subjects": {
                subject: {
                    "model": self.judges[subject],
                    "tasks": [
                        {"task": outcome.task, "setting": outcome.setting, "confusion": outcome.confusion.tolist()} for outcome in outcomes
                    ],
                }
                for subject, outcomes in self.outcomes.items()
            },
        }


def evaluate_models(
    protocol: Protocol,
    models: Sequence[Model],
    root: str | Path,
    *,
    classifier: Classifier = fit_linear_probe,
    partial: bool = False,
    progress: bool = False,
) -> Judged:
    """Judge each subject of a protocol with the first of `models` that has not seen it. A model says whom it saw in its provenance.

    Args:
        root: folder of the data set.
        classifier: what is fitted on the frozen embeddings of the other subjects.
        partial: leave out subjects that all models have seen, instead of raising.

    Raises:
        LeakageError: every model has seen a subject (with `partial`: every subject), or one does not say whom it saw.
        ConfigError: no model, or the data are not the protocol's.
        ReaderError: the data set is not at `root`.
    """
    if not models:
        raise ConfigError("evaluate_models needs at least one model, got none.")
    judges = {subject: next((model for model in models if subject not in seen_by(model, protocol)), None) for subject in protocol.subjects}
    refused = [subject for subject, model in judges.items() if model is None]
    if refused and (not partial or len(refused) == len(judges)):
        raise LeakageError(
            f"{', '.join(refused[:5])}{' and others' * (len(refused) > 5)} of {protocol.id}: every given model was trained on them. "
            "Train one model for each group of the protocol, without its test subjects, and give them all."
        )
    recordings = read_recordings(protocol, root, progress=progress)
    outcomes: dict[str, Sequence[Outcome]] = {}
    for model in models:
        mine = [subject for subject, judge in judges.items() if judge is model]
        if not mine:
            continue
        table = feature_table(protocol, model, recordings)
        for subject in tqdm(mine, desc=f"probe ({model.name})", unit="subject", disable=not progress):
            outcomes[subject] = evaluate_fold(protocol, protocol.fold(subject), table, classifier=classifier)
    named = {subject: model.name for subject, model in judges.items() if model is not None}
    return Judged(protocol, {subject: outcomes[subject] for subject in protocol.subjects if subject in outcomes}, named)


def seen_by(model: Model, protocol: Protocol) -> frozenset[str]:
    """Whom a model saw: the subjects of its training and of its statistics.

    A model of several data sets names them with the set ("dsads:p1"). Those of another reader are not the protocol's people, whatever
    their names. A set whose name is no reader's may be the protocol's, and counts as such.

    Raises:
        LeakageError: it names nobody, so nothing shows that it did not see the test subjects.
    """
    config = model.config
    seen = frozenset(config.provenance.subjects) | frozenset(config.preprocessing.fitted_on)
    if not seen:
        raise LeakageError(
            f"{model.name} does not say on whom it was trained, so it may have seen anybody. Train it with `sslts train`, which records "
            "that, or set provenance.subjects in its config."
        )
    others = set(registry.names("reader")) - {protocol.reader}
    told = (name.rpartition(":") for name in seen)
    return protocol.with_twins(name for data_set, _, name in told if data_set not in others)


def feature_table(protocol: Protocol, model: Model, recordings: Mapping[str, Recording]) -> FeatureTable:
    """A model's embeddings of every window of the protocol's grid. `recordings`: by session, subject by subject.

    Raises:
        ConfigError: the windows are not the protocol's, or the model reads windows of another length.
    """
    if model.config.spec.window_s != protocol.window_s:
        raise ConfigError(
            f"{protocol.id} judges windows of {protocol.window_s:g} s, but {model.name} reads {model.config.spec.window_s:g} s. "
            "A window's embedding may see that window only: give a model for this length."
        )
    values: list[Values] = []
    subjects: list[str] = []
    labels: list[str] = []
    for session, recording in recordings.items():
        windows = protocol_windows(protocol, recording)
        values.append(_embedded(model, recording, windows.starts_s))
        labels += windows.labels
        subjects += [recording.subject or session] * len(windows)
    classes = protocol.class_index(labels)
    protocol.check_windows(subjects, classes)
    return FeatureTable(np.concatenate(values), tuple(subjects), classes, seen=seen_by(model, protocol))


def _embedded(model: Model, recording: Recording, starts_s: Values) -> Values:
    spec, preprocessing = model.config.spec, model.config.preprocessing
    prepared = prepare(recording, spec)
    parts = [np.empty((0, model.embed_dim), dtype=np.float32)]
    for first in range(0, len(starts_s), _BATCH):
        cuts = cut(prepared, spec, starts_s[first : first + _BATCH])
        if preprocessing.statistics:
            cuts = standardise_windows(cuts, preprocessing.statistics, preprocessing.clip)
        parts.append(model.embed(to_batch(cuts, spec)).cpu().numpy())
    return np.concatenate(parts)
