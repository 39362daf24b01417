"""The training loop: read, loss, step, watch, save. A run that is killed goes on bit-identically where its last checkpoint stands.

Everything random is a function of (seed, step), so a resumed run repeats the lost steps exactly: same windows, same masks, same dropout.
Torch must have as many threads as before: how many share a sum decides its last bit.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from tqdm import tqdm

from sslts.errors import CheckpointError, NonFiniteLossError, TrainingError, TrainingInterrupted
from sslts.interfaces import Method
from sslts.training import checkpoint, monitor, source, tensorfile
from sslts.training.checkpoint import DISK, Disk, EpochRecord, State
from sslts.training.engine import Engine, start
from sslts.training.loggers import MetricLogger, open_loggers
from sslts.training.order import SampleOrder
from sslts.training.recipe import Recipe
from sslts.training.schedule import learning_rate, parameter_groups
from sslts.training.seeding import derive_seed, deterministic, generator_for, seeded
from sslts.training.signals import StopRequest, stop_signals
from sslts.training.source import Step, WindowSource, name_windows
from sslts.types import LossParts, SensorBatch

logger = logging.getLogger(__name__)

_FINE, _NOT_FINITE = 0, 1


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened, for `on_event`. `step` counts finished optimiser steps."""

    kind: Literal["resumed", "step", "epoch", "collapse", "checkpoint", "finished"]
    step: int
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A finished run. history: one record an epoch. resumed_from: the step it went on from, None if it began at zero."""

    steps: int
    history: tuple[EpochRecord, ...]
    resumed_from: int | None
    checkpoint: Path
    log: Path


def train(
    method: Method,
    windows: WindowSource,
    recipe: Recipe,
    *,
    out: Path,
    held_out: WindowSource | None = None,
    resume: bool = True,
    progress: bool = True,
    device: str | None = None,
    on_event: Callable[[Event], None] | None = None,
    disk: Disk = DISK,
) -> TrainingResult:
    """Train `method` in place on `windows`; checkpoints and the log go to `out`.

    method: freshly built by `seeding.initialise`. held_out: windows of validation subjects, for the monitors only.
    device: None takes the GPU where there is one.

    Raises:
        TrainingInterrupted: Ctrl-C or SIGTERM; the state was saved first.
        NonFiniteLossError: a loss or gradient became NaN or infinite; the last checkpoint is kept.
        CheckpointError: `out` cannot be written, or holds checkpoints that are another run's, all damaged, or not to be resumed.
        TrainingError: no windows, a window that cannot be read, a batch with nothing observed (each names the windows).
        MissingDependencyError: an engine or logger that is not installed.
    """
    order = SampleOrder.of(recipe, len(windows))
    method.start_training()  # before the engine and the checkpoints see the method: both must know all of its tensors
    engine = start(method, precision=recipe.precision, device=device)
    order.check_world(engine.world)
    with ExitStack() as stack:
        stack.enter_context(deterministic(engine.device))
        stop = stack.enter_context(stop_signals())
        run = _Run(method, windows, recipe, order, engine, Path(out), held_out, on_event, disk)
        run.begin(resume=resume)
        for log in run.loggers:
            stack.callback(log.close)
        bar = stack.enter_context(
            tqdm(total=order.total_steps, initial=run.step, desc=recipe.name, unit="step", disable=not (progress and engine.leads))
        )
        feed = source.steps(windows, order, first=run.step, rank=engine.rank, world=engine.world, workers=recipe.workers)
        stack.enter_context(closing(feed))
        run.stop_if_asked(stop)
        for step in feed:
            values = run.advance(step)
            bar.set_postfix({name: f"{value:.3g}" for name, value in values.items() if name in _SHOWN}, refresh=False)
            bar.update()
            if run.step < order.total_steps:
                run.stop_if_asked(stop)
        return run.finish()


_SHOWN = {"loss", "rankme", "knn"}


def prepare(method: Method, windows: WindowSource, recipe: Recipe, *, device: torch.device | str = "cpu") -> None:
    """Let the method fit its label-free statistics on `recipe.prepare_windows` windows, drawn as a function of the seed."""
    count = min(recipe.prepare_windows, len(windows))
    drawn = torch.randperm(len(windows), generator=generator_for(recipe.seed, "prepare"))[:count]
    batch = source.read(windows, sorted(drawn.tolist()), generator_for(recipe.seed, "prepare-source"))
    with seeded(derive_seed(recipe.seed, "prepare")):
        method.prepare(batch.to(device))


def conclude(method: Method, windows: WindowSource, recipe: Recipe) -> None:
    """Let the method fit what has a closed form, on windows as recorded and as augmented (each as often as it takes), by the seed."""
    method.eval()
    device = next((tensor.device for tensor in method.state_dict().values()), torch.device("cpu"))

    def read(of: WindowSource, count: int, what: str) -> Iterator[SensorBatch]:
        batches = 0
        while count > 0:
            order = torch.randperm(len(of), generator=generator_for(recipe.seed, f"conclude-{what}-order", batches))[:count]
            for part in order.split(recipe.batch_size):
                yield source.read(of, part.tolist(), generator_for(recipe.seed, f"conclude-{what}", batches)).to(device)
                count, batches = count - len(part), batches + 1

    if recipe.conclude_windows or recipe.conclude_changed:
        recorded = read(getattr(windows, "recorded", windows), recipe.conclude_windows, "recorded")
        changed = read(windows, recipe.conclude_changed, "changed")
        method.conclude(recorded, changed, generator=generator_for(recipe.seed, "conclude"))


class _Run:
    """The state of one run between its first and last step."""

    def __init__(
        self,
        method: Method,
        windows: WindowSource,
        recipe: Recipe,
        order: SampleOrder,
        engine: Engine,
        out: Path,
        held_out: WindowSource | None,
        on_event: Callable[[Event], None] | None,
        disk: Disk,
    ) -> None:
        self.method, self.windows, self.recipe, self.order, self.engine = method, windows, recipe, order, engine
        self.out, self.held_out, self.on_event, self.disk = out, held_out, on_event, disk
        self.folder = out / "checkpoints"
        self.fingerprint = source.fingerprint(windows)
        settings = recipe.optimiser
        groups = parameter_groups(method, settings.weight_decay)
        self.trained = [parameter for group in groups for parameter in group["params"]]
        if not groups:
            raise TrainingError(f"{type(method).__name__} has no parameter to train: all are frozen.")
        self.optimiser = torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas, eps=settings.eps)
        self.step = 0
        self.saved_at = -1
        self.resumed_from: int | None = None
        self.history: list[EpochRecord] = []
        self.loss_sum, self.loss_count = 0.0, 0
        self.loggers: list[MetricLogger] = []

    def begin(self, *, resume: bool) -> None:
        """Restore the last checkpoint, or prepare the method before step 0; then open the logs."""
        if not resume and checkpoint.complete(self.folder):
            raise CheckpointError(f"{self.folder} already holds checkpoints. Resume them, or choose another output folder.")
        found = checkpoint.latest(
            self.folder, recipe=self.recipe.digest, source=self.fingerprint, expected=tensorfile.layout(self.method, self.optimiser)
        )
        if found is None:
            prepare(self.method, self.windows, self.recipe, device=self.engine.device)
        else:
            tensorfile.restore(found.tensors, self.method, self.optimiser)
            state = found.state
            self.step, self.history = state.step, list(state.history)
            self.loss_sum, self.loss_count = state.loss_sum, state.loss_count
            self.resumed_from = self.saved_at = state.step
            logger.info("Resuming %s after step %d of %d.", found.folder, state.step, self.order.total_steps)
            self._tell("resumed", {})
        self.method.train()
        self.engine.wait()  # nobody may write before everybody has read
        if self.engine.leads:
            self.out.mkdir(parents=True, exist_ok=True)
            checkpoint.clean(self.folder, disk=self.disk)
            self.loggers = open_loggers(self.out, self.recipe, resume_step=self.step)

    def advance(self, step: Step) -> dict[str, float]:
        """One optimiser step and whatever is due after it. Returns what was measured."""
        values = self._optimise(step)
        self.step = step.number + 1
        epoch_ends = self.step % self.order.steps_per_epoch == 0
        self._tell("step", values)
        if epoch_ends:
            values |= self._end_epoch()
        if epoch_ends or self.step % self.recipe.log_every == 0:
            for log in self.loggers:
                log.log(self.step, values)
        if self.step % self.recipe.checkpoint_every == 0 or self.step == self.order.total_steps:
            self.save()
        return values

    def save(self) -> None:
        """Write a checkpoint, unless this very state is already on disk."""
        if self.saved_at == self.step:
            return
        if self.engine.leads:
            for log in self.loggers:
                log.flush()  # the log is never behind the checkpoint
            state = State(
                step=self.step,
                epoch=self.order.epoch_of(self.step),
                recipe=self.recipe.digest,
                source=self.fingerprint,
                sslts_version=checkpoint.installed_version(),
                history=tuple(self.history),
                loss_sum=self.loss_sum,
                loss_count=self.loss_count,
            )
            tensors = tensorfile.collect(self.method, self.optimiser)
            checkpoint.save(self.folder, state, tensors, keep=self.recipe.keep_checkpoints, disk=self.disk)
        self.saved_at = self.step
        self.engine.wait()
        self._tell("checkpoint", {})

    def stop_if_asked(self, stop: StopRequest) -> None:
        """Save and raise TrainingInterrupted if any rank was asked to stop."""
        if not self.engine.agree(int(stop.by is not None)):
            return
        self.save()
        raise TrainingInterrupted(
            f"Stopped by {stop.by or 'another process'} after step {self.step} of {self.order.total_steps}; the state is saved in "
            f"{self.folder}. Run the same command again to go on."
        )

    def finish(self) -> TrainingResult:
        """The result; every step is done and saved."""
        self.method.finish_training()
        self.method.eval()
        self._tell("finished", {})
        last = self.folder / f"step-{self.step:09d}"
        return TrainingResult(self.step, tuple(self.history), self.resumed_from, last, self.out / "log.csv")

    def _optimise(self, step: Step) -> dict[str, float]:
        settings, number = self.recipe.optimiser, step.number
        lr = learning_rate(number, settings, steps_per_epoch=self.order.steps_per_epoch, total_steps=self.order.total_steps)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        # The ranks' generators differ, so that two ranks do not hide the same places; the global seed serves dropout.
        with seeded(derive_seed(self.recipe.seed, "global", number, self.engine.rank)):
            generator = generator_for(self.recipe.seed, "step", number, self.engine.rank)
            loss = self.engine.loss(step.batch.to(self.engine.device), generator)
            self._check_finite("loss", float(loss.total.detach()), step, loss)
            self.engine.backward(loss.total)
        norm = torch.nn.utils.clip_grad_norm_(self.trained, settings.grad_clip or math.inf)
        self._check_finite("gradient norm", float(norm), step, loss)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.method.after_step(number + 1, self.order.total_steps)
        total = float(loss.total.detach())
        self.loss_sum, self.loss_count = self.loss_sum + total, self.loss_count + 1
        parts = {f"loss/{name}": float(value) for name, value in loss.parts.items()}
        return {"epoch": number / self.order.steps_per_epoch, "loss": total, **parts, "lr": lr, "grad_norm": float(norm)}

    def _check_finite(self, what: str, value: float, step: Step, loss: LossParts) -> None:
        fine = math.isfinite(value)
        if self.engine.agree(_FINE if fine else _NOT_FINITE) == _FINE:
            return
        kept = f"step {self.saved_at} in {self.folder}" if self.saved_at >= 0 else "none yet"
        terms = ", ".join(f"{name} {float(term):.4g}" for name, term in loss.parts.items())
        whose = name_windows(self.windows, step.indices) if not fine else "of another process"
        raise NonFiniteLossError(
            f"The {what} is {value} at step {step.number} (epoch {self.order.epoch_of(step.number) + 1}; {terms}). Windows: {whose}. "
            f"Last good checkpoint: {kept}. Look at these windows, or lower optimiser.lr or set optimiser.grad_clip, and start a new run."
        )

    def _end_epoch(self) -> dict[str, float]:
        epoch, settings = self.order.epoch_of(self.step - 1) + 1, self.recipe.monitor
        values: dict[str, float] = {"epoch_loss": self.loss_sum / self.loss_count}
        self.loss_sum, self.loss_count = 0.0, 0
        if settings.every and self.engine.leads and (epoch % settings.every == 0 or self.step == self.order.total_steps):
            health = monitor.check(
                self.method, self.windows, self.held_out, windows=settings.windows, knn_k=settings.knn_k, seed=self.recipe.seed
            )
            values |= {"rankme": health.rankme, "std": health.std} | ({} if health.knn is None else {"knn": health.knn})
            monitor.warn(health, self.step)
            if health.problem is not None:
                self._tell("collapse", values)
        self.history.append(
            EpochRecord(
                epoch=epoch,
                step=self.step,
                loss=values["epoch_loss"],
                rankme=values.get("rankme"),
                std=values.get("std"),
                knn=values.get("knn"),
            )
        )
        self._tell("epoch", values)
        return values

    def _tell(self, kind: Literal["resumed", "step", "epoch", "collapse", "checkpoint", "finished"], values: Mapping[str, float]) -> None:
        if self.on_event is not None and self.engine.leads:
            self.on_event(Event(kind, self.step, dict(values)))
