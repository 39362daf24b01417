"""metrics.json: what the benchmarks measured for a model, as checked values. The card and the catalogue quote it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from sslts.config import Finite, Frozen, Name, Text, parse
from sslts.hub.layout import METRICS
from sslts.strict_json import read_json


class Result(Frozen):
    """One figure: a metric of a task under a protocol, with its 95 % interval where there is one.

    `setting` tells figures of one protocol apart ("subject-normalised", "10 % of labels"). `date` is when it was measured (ISO).
    """

    protocol: Name
    task: Name
    dataset: Name
    metric: Name
    value: Finite
    low: Finite | None = None
    high: Finite | None = None
    setting: Text = ""
    date: Text = ""

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> Result:
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high come together or not at all")
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise ValueError(f"the interval {self.low:g} to {self.high:g} is not ordered")
        return self

    @property
    def label(self) -> str:
        """`wesad-loso 4-class (subject-normalised)`."""
        return f"{self.protocol} {self.task}" + (f" ({self.setting})" if self.setting else "")


class Metrics(Frozen):
    """All of metrics.json. The first result is the headline. `source` names the file or command that gives these figures."""

    results: Annotated[tuple[Result, ...], Field(max_length=1000)] = ()
    source: Text = ""

    @property
    def headline(self) -> Result | None:
        """The figure to show where there is room for one."""
        return self.results[0] if self.results else None

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that were measured, in order, each once."""
        return tuple(dict.fromkeys(result.task for result in self.results))


def read_metrics(folder: Path) -> Metrics:
    """metrics.json of a model's folder; empty where there is none (ConfigError if it is not valid)."""
    path = folder / METRICS
    if not path.is_file():
        return Metrics()
    found: Metrics = parse(Metrics, read_json(path), str(path))
    return found
