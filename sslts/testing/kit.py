"""What the kit knows of one kind of component: how to feed it, how to run it, and what it promises."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sslts.errors import ConformanceError
from sslts.interfaces import Method

#: Rows of the batches that components are fed.
ROWS = 6


@dataclass(frozen=True, slots=True)
class Promise:
    """A named check of a Subject; it raises `case.broken(...)`, or returns."""

    name: str
    says: str
    check: Callable[[Subject], None]
    #: Whether it says anything about a subject; where it does not, there is no case.
    applies: Callable[[Subject], bool] = lambda subject: True


class Kit(ABC):
    """One kind. `given` is an opaque value that `example` makes and `run` takes."""

    @property
    @abstractmethod
    def base(self) -> type:
        """The abstract base class of the kind."""

    @property
    @abstractmethod
    def promises(self) -> tuple[Promise, ...]:
        """What only this kind promises."""

    def make(self, cls: Any) -> Any:
        """A small instance of a class."""
        return cls.example()

    @abstractmethod
    def example(self, component: Any, rows: int = ROWS) -> Any:
        """An input that this component accepts."""

    @abstractmethod
    def run(self, component: Any, given: Any) -> Tensor:
        """Numbers that stand for everything the component computes of an input, rows first."""

    def settle(self, component: Any) -> None:
        """Let a component fit what it fits before training, so that its state is not that of a new one. Default: nothing."""

    def cast(self, given: Any, dtype: torch.dtype) -> Any:
        """The same input in another precision; None if this kind reads no numbers."""
        return None

    def trains(self, component: Any, given: Any) -> Tensor:
        """What training would minimise or send gradients through; the squares of what `run` gives by default."""
        return self.run(component, given).square().mean()


@dataclass(frozen=True)
class Subject:
    """A class under test. root: a folder that a reader reads, if there is one."""

    cls: Any
    kit: Kit
    root: Path | None = None
    example: Any = None
    _made: list[Any] = field(default_factory=list)

    def fresh(self) -> Any:
        """An example of its own in eval mode; what a check does to it touches no other check."""
        if not self._made:
            self._made.append(self.example if self.example is not None else self._first())
        component = copy.deepcopy(self._made[0])
        return component.eval() if isinstance(component, torch.nn.Module) else component

    def _first(self) -> Any:
        """The first instance, without which there is nothing to check (ConformanceError says why there is none)."""
        name = f"{self.cls.__module__}.{self.cls.__qualname__}"
        try:
            made = self.build()
        except Exception as error:  # whatever the class under test raises
            raise ConformanceError(
                f"{name} cannot be built: example() raises {type(error).__name__} ({error}). It should return a small instance; its Config "
                "is a subclass of sslts.config.ComponentConfig, and its __init__ passes the config to super().__init__ first."
            ) from error
        if not isinstance(made, self.cls):
            raise ConformanceError(f"{name}.example() returns {type(made).__name__}, expected a small instance of the class.")
        return made

    def build(self, seed: int = 0) -> Any:
        """A new instance of the same config as the example, built at a seed of torch's."""
        with seeded(seed):
            if self.example is not None and not isinstance(self.example, Method):
                return self.cls(self.example.config)
            return self.kit.make(self.cls)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's global generator at a seed, and back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers that depend on the seed alone."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
