"""Where a run's numbers go: a CSV file always, TensorBoard and Weights & Biases on request."""

from __future__ import annotations

import csv
import importlib
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sslts.errors import MissingDependencyError, missing_dependency
from sslts.training.recipe import Recipe


class MetricLogger(ABC):
    """Takes named numbers at a step."""

    @abstractmethod
    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One row."""

    def flush(self) -> None:
        """Hand everything to the operating system."""

    def close(self) -> None:
        """No more rows will come."""


class CsvLog(MetricLogger):
    """A CSV file with a column `step`, safe to continue: rows after `resume_step`, and a row torn by a kill, are dropped on opening.

    A name that was not there before becomes a new column; earlier rows stay empty there.
    """

    def __init__(self, path: Path, *, resume_step: int) -> None:
        self._path = path
        self._columns, rows = _read(path)
        kept = [row for row in rows if (step := _step(row)) is not None and step <= resume_step]
        self._rewrite(kept)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One row, handed to the operating system at once."""
        row = {"step": str(step)} | {name: f"{value:.9g}" for name, value in values.items()}
        if new := [name for name in row if name not in self._columns]:
            self.flush()
            _, rows = _read(self._path)
            self._file.close()
            self._columns += new
            self._rewrite(rows)
        self._file.write(_line([row.get(name, "") for name in self._columns]))
        self._file.flush()

    def flush(self) -> None:
        """Force the rows to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        aside = self._path.with_name(f".{self._path.name}.new")
        lines = [_line(self._columns)] + [_line([row.get(name, "") for name in self._columns]) for row in rows]
        aside.write_text("".join(lines), encoding="utf-8")
        os.replace(aside, self._path)
        self._file = self._path.open("a", encoding="utf-8", newline="")


class TensorBoardLogger(MetricLogger):
    """Scalars for TensorBoard; on resume, points after the checkpoint are purged."""

    def __init__(self, folder: Path, *, resume_step: int) -> None:
        try:
            module = importlib.import_module("torch.utils.tensorboard")
        except ImportError:
            raise missing_dependency("tensorboard", "tensorboard", "The TensorBoard logger") from None
        self._writer: Any = module.SummaryWriter(str(folder), purge_step=resume_step + 1)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One point a name."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Write what is pending."""
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


class WandbLogger(MetricLogger):
    """A Weights & Biases run; the same recipe in the same folder continues the same run."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        try:
            module: Any = importlib.import_module("wandb")
        except ImportError:
            raise missing_dependency("wandb", "wandb", "The Weights & Biases logger") from None
        self._run = module.init(
            dir=str(folder), project="sslts", name=recipe.name, id=recipe.digest[:16], resume="allow", config=recipe.model_dump(mode="json")
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One row."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """End the run."""
        self._run.finish()


def open_loggers(out: Path, recipe: Recipe, *, resume_step: int) -> list[MetricLogger]:
    """The CSV log and whatever the recipe asks for (MissingDependencyError before the first step)."""
    opened: list[MetricLogger] = []
    try:
        if "tensorboard" in recipe.loggers:
            opened.append(TensorBoardLogger(out / "tensorboard", resume_step=resume_step))
        if "wandb" in recipe.loggers:
            opened.append(WandbLogger(out, recipe))
    except MissingDependencyError:
        for logger in opened:
            logger.close()
        raise
    return [CsvLog(out / "log.csv", resume_step=resume_step), *opened]


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    if not path.exists():
        return ["step"], []
    text = path.read_text(encoding="utf-8", errors="replace")
    whole = text[: text.rfind("\n") + 1]  # a last line without its end was torn
    lines = list(csv.reader(io.StringIO(whole)))
    if not lines or "step" not in lines[0]:
        return ["step"], []
    header = lines[0]
    return header, [dict(zip(header, line, strict=True)) for line in lines[1:] if len(line) == len(header)]


def _step(row: Mapping[str, str]) -> int | None:
    return int(row["step"]) if row["step"].isdecimal() else None


def _line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
