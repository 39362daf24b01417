"""One promise of a component, as something that runs: a `Case`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sslts.errors import ConformanceError


@dataclass(frozen=True, slots=True)
class Case:
    """A promise about one class. Calling it raises ConformanceError if the class breaks the promise.

    name: short and stable ("junk-in-absent"); promise: what is promised, as a sentence; subject: the class's name.
    """

    name: str
    promise: str
    subject: str
    run: Callable[[], None]

    def __call__(self) -> None:
        """Run it. Whatever a foreign class raises becomes a ConformanceError that says which promise was looked at."""
        try:
            self.run()
        except ConformanceError as error:
            raise ConformanceError(f"{self.subject} breaks '{self.name}' ({self.promise}): {error}") from error
        except Exception as error:  # a plugin may fail in any way
            raise ConformanceError(
                f"{self.subject} breaks '{self.name}' ({self.promise}): it raised {type(error).__name__}: {error}"
            ) from error

    def __str__(self) -> str:
        return self.name


def broken(message: str) -> ConformanceError:
    """What a check raises: what was found and what to do. `Case` adds the class and its promise."""
    return ConformanceError(message)
