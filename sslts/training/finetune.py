"""Stage 2: from a pretrained model to one that recognises classes from a few examples, by what base classes teach.

The encoders stand still: what they make of every clip is computed once. The metric is fitted in closed form, how much each view counts is
chosen on validation classes; then the fusion (and a head with weights of its own) is trained on base classes by

    L = CE(all base classes) + weight * CE(an episode of base classes)                  (Mu-MAE, Liu and Liu 2024, arXiv:2408.04243)

and the state that recognised validation classes best is kept, be it the closed form alone. Novel classes are never read.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from sslts.config import ComponentRef
from sslts.errors import ConfigError, LeakageError, TrainingError
from sslts.evaluate.episodes import Episodes, accuracies, draw_episodes
from sslts.head_files import remove_head, save_head
from sslts.interfaces import FewShotHead, FusedMethod, build
from sslts.model import Model, from_folder
from sslts.training.recipe import FineTuning, Recipe, load_recipe
from sslts.training.run import base_and_validation, find_recipe
from sslts.training.seeding import derive_seed, generator_for, seeded
from sslts.training.store_source import KnownSource
from sslts.training.view_weights import Chosen, choose
from sslts.types import Views

logger = logging.getLogger(__name__)

_BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Clips:
    """Clips as the encoders see them. labels: names, one a clip; subjects: people, one a clip."""

    views: Views
    labels: tuple[str, ...]
    subjects: tuple[str, ...]

    def only(self, labels: Sequence[str]) -> Clips:
        """The clips of these classes."""
        rows = [row for row, label in enumerate(self.labels) if label in set(labels)]
        return Clips(self.views.select(torch.tensor(rows)), tuple(self.labels[r] for r in rows), tuple(self.subjects[r] for r in rows))

    def numbered(self, labels: Sequence[str]) -> Tensor:
        """Each clip's place in `labels`. int [n]."""
        return torch.tensor([list(labels).index(label) for label in self.labels])


@dataclass(frozen=True, slots=True)
class Step:
    """How a check of validation classes went: after so many steps (0: the closed form alone), and the share that was recognised."""

    step: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """The checks, the step whose state was kept, the head as it was then, and how views were weighed."""

    history: tuple[Step, ...]
    kept: int
    head: FewShotHead
    chosen: Chosen


@dataclass(frozen=True, slots=True)
class FineTuned:
    """The model, its artefact folder, and how it was fitted. head: the folder of a head with weights of its own (`sslts.load_head`)."""

    model: Model
    folder: Path
    fitted: Fitted
    head: Path | None = None


def finetune(
    recipe: str | Path | Recipe,
    *,
    root: str | Path | None = None,
    start: str | Path | None = None,
    out: str | Path | None = None,
    store: str | Path | None = None,
    progress: bool = True,
) -> FineTuned:
    """Fine-tune the model that `run_recipe` made of a recipe with a `finetune` section, and write the artefact to `out/artefact`.

    A head with weights of its own goes to `out/head`, since an artefact holds none; one that an earlier run left there is removed.

    Args:
        recipe: a bundled name, a YAML file, or a Recipe.
        root: the data set; the recipe's own if None.
        start: the pretrained artefact; `runs/NAME/artefact` if None.
        out: where the artefact goes; `runs/NAME-finetuned` if None.
        store: the window store; beside the pretraining's if None.

    Raises:
        ConfigError: the recipe says nothing of fine-tuning, or the model cannot be fine-tuned.
        LeakageError: a validation class is among the base classes, or was pretrained on; the artefact has read what the recipe excludes.
        TrainingError: there is no clip of the base or of the validation classes.
    """
    made = recipe if isinstance(recipe, Recipe) else load_recipe(find_recipe(recipe))
    settings = made.finetune
    if settings is None:
        raise ConfigError(f"Recipe '{made.name}' has no 'finetune' section: name the validation classes in one.")
    home = Path(made.out or Path("runs") / made.name)
    model = from_folder(Path(start) if start is not None else home / "artefact")
    if not isinstance(model.method, FusedMethod) or model.method.fusion is None:
        raise ConfigError(f"{model.name} ({model.config.method.name}) fuses no views: only a method with a fusion can be fine-tuned.")
    _refuse_seen(model, made)
    windows = Path(store) if store is not None else home / "windows"
    sources, names = base_and_validation(made, root, windows, validation=settings.validation_labels)
    base, validation = (clips_of(model.method, source, names, progress=progress) for source in sources)
    check_classes(base, validation)
    fitted = fit(model.method, base, validation, settings, seed=made.seed, progress=progress)
    target = Path(out or Path("runs") / f"{made.name}-finetuned")
    folder = target / "artefact"
    parts = tuple(dict.fromkeys((*model.config.trained_parts, "fusion", "metric")))
    tuned = Model(model.config.model_copy(update={"trained_parts": parts}), model.method.eval())
    tuned.save(folder, half=settings.half, overwrite=True)
    told = [(each.step, round(each.accuracy, 3)) for each in fitted.history]
    logger.info("Views count %s; kept step %d of %s; wrote %s.", fitted.chosen.weights, fitted.kept, told, folder)
    if next(fitted.head.parameters(), None) is not None:
        return FineTuned(tuned, folder, fitted, save_head(fitted.head, settings.head, target / "head", overwrite=True))
    if remove_head(target / "head"):
        logger.info("Removed the head of an earlier run: %s.", target / "head")
    return FineTuned(tuned, folder, fitted)


def _refuse_seen(model: Model, recipe: Recipe) -> None:
    """The artefact says itself what its pretraining did not read: the recipe may have changed since."""
    seen = sorted(set(recipe.data.exclude_labels) - set(model.config.provenance.excluded_labels))
    if seen:
        raise LeakageError(
            f"The pretrained artefact of {model.name} may have read clips of {', '.join(seen)}, which recipe '{recipe.name}' excludes. "
            "Pretrain with this recipe."
        )


@torch.no_grad()
def clips_of(method: FusedMethod, source: KnownSource, names: Sequence[str], *, progress: bool = False) -> Clips:
    """Every clip of a source as the method's encoders see it. names: what the source's class numbers stand for."""
    if not len(source):
        raise TrainingError("There is no clip to fine-tune on. Check data.root, data.exclude_labels and finetune.validation_labels.")
    method.eval()
    parts = []
    starts = range(0, len(source), _BATCH)
    for first in tqdm(starts, desc="views", unit="batch", disable=not progress):
        rows = list(range(first, min(first + _BATCH, len(source))))
        parts.append(method.views(source.batch(rows, generator=torch.Generator())))
    labels = tuple(names[label] for label in source.labels(range(len(source))))
    return Clips(Views.join(parts), labels, tuple(source.subjects()))


def check_classes(base: Clips, validation: Clips) -> None:
    """Refuse classes that are on both sides (LeakageError)."""
    both = sorted(set(base.labels) & set(validation.labels))
    if both:
        raise LeakageError(f"{', '.join(both)} would be validation classes, but are among the base classes. Exclude them from the base.")


def fit(method: FusedMethod, base: Clips, validation: Clips, settings: FineTuning, *, seed: int, progress: bool = False) -> Fitted:
    """Choose how views count and fit the metric, then train the fusion and the head; leaves the method in the state that recognised
    validation classes best. A function of its arguments and the seed alone."""
    with seeded(derive_seed(seed, "finetune")):
        return _fit(method, base, validation, settings, seed=seed, progress=progress)


def _fit(method: FusedMethod, base: Clips, validation: Clips, settings: FineTuning, *, seed: int, progress: bool) -> Fitted:
    names = sorted(set(base.labels))
    labels = base.numbered(names)
    checks = episodes_of(validation, settings, count=settings.check_episodes, seed=seed)
    chosen = choose(base.views, labels, validation.views, checks, joint=settings.joint, whitening=settings.whitening)
    if settings.whitening:
        method.fit_metric(base.views, labels, shrink=chosen.shrink)
    method.weigh(chosen.weights, chosen.fitted)
    width = method.fused(base.views.select(torch.arange(2))).shape[1]
    head = _head(settings.head, width)
    # Before its first step, a head that must be trained answers at random.
    history = [] if head.needs_training else [Step(0, _accuracy(method, head, validation, checks))]
    trained = [parameter for part in (method.fusion, head) if part is not None for parameter in part.parameters()]
    if not settings.steps and head.needs_training:
        raise ConfigError(f"finetune.head '{settings.head.name}' must be trained: give finetune.steps, or name another head.")
    if not settings.steps or not trained:
        return Fitted(tuple(history), 0, head, chosen)
    classifier = nn.Linear(width, len(names), bias=False)
    optimiser = torch.optim.AdamW([*trained, *classifier.parameters()], lr=settings.lr, weight_decay=settings.weight_decay)
    best, kept, since = _state(method, head), 0, 0
    drawn = draw_episodes(
        labels.numpy(),
        base.subjects,
        among=range(len(names)),
        ways=settings.ways,
        shots=settings.shots,
        count=settings.steps,
        seed=seed,
        names=names,
    )
    order = generator_for(seed, "finetune-order")
    for step in tqdm(range(1, settings.steps + 1), desc="finetune", unit="step", disable=not progress):
        rows = torch.randperm(len(labels), generator=order)[: settings.batch_size]
        logits = classifier(functional.normalize(method.fused(base.views.select(rows)), dim=1)) * settings.scale
        episode = _episode_loss(method, head, base, drawn, step - 1, settings)
        loss = functional.cross_entropy(logits, labels[rows]) + settings.episode_weight * episode
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % settings.check_every and step != settings.steps:
            continue
        history.append(Step(step, _accuracy(method, head, validation, checks)))
        if history[-1].accuracy > max((each.accuracy for each in history[:-1]), default=-1.0):
            best, kept, since = _state(method, head), step, 0
        else:
            since += 1
        if since >= settings.patience:
            break
    method.load_state_dict(best[0])
    head.load_state_dict(best[1])
    return Fitted(tuple(history), kept, head, chosen)


def _state(method: FusedMethod, head: FewShotHead) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return copy.deepcopy(method.state_dict()), copy.deepcopy(head.state_dict())


def _episode_loss(method: FusedMethod, head: FewShotHead, base: Clips, drawn: Episodes, number: int, settings: FineTuning) -> Tensor:
    ways, shots = drawn.support.shape[1:]
    support, query = torch.from_numpy(drawn.support[number]).flatten(), torch.from_numpy(drawn.query[number])
    rows = torch.cat([support, query])
    made = method.fused(base.views.select(rows), torch.zeros(len(rows), dtype=torch.long))
    fitted = head.fit(made[: len(support)], torch.arange(ways).repeat_interleave(shots))
    scores = fitted.scores(made[len(support) :])
    return functional.cross_entropy(settings.scale * scores if head.bounded else scores, torch.arange(ways))


@torch.no_grad()
def _accuracy(method: FusedMethod, head: FewShotHead, clips: Clips, episodes: Episodes) -> float:
    return float(accuracies(head, method.fused(clips.views), episodes).mean())


def episodes_of(clips: Clips, settings: FineTuning, *, count: int, seed: int) -> Episodes:
    """Episodes of these clips, with as many ways as they have classes if these are fewer."""
    names = sorted(set(clips.labels))
    classes = clips.numbered(names).numpy()
    ways = min(settings.ways, len(names))
    return draw_episodes(
        classes, clips.subjects, among=range(len(names)), ways=ways, shots=settings.shots, count=count, seed=seed, names=names
    )


def _head(ref: ComponentRef, embed_dim: int) -> FewShotHead:
    head: FewShotHead = build("head", ref, "finetune.head", {"embed_dim": embed_dim})
    if head.transductive:
        raise ConfigError(f"finetune.head is '{ref.name}', which judges queries by each other. Choose one that does not: 'prototypes'.")
    return head
