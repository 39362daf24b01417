"""The conformance kit: what every component promises, as checks that anyone can run on a class of their own.

    import pytest
    from sslts.testing import conformance_cases

    @pytest.mark.parametrize("case", conformance_cases(Wavelet), ids=str)
    def test_conformance(case):
        case()

Built-in components pass it, plugins should: one file of this package per kind says what the kind promises.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from sslts.errors import ConformanceError, PluginError
from sslts.testing.case import Case
from sslts.testing.common import ALWAYS, MODULES
from sslts.testing.kinds import KITS
from sslts.testing.kit import Subject

__all__ = ["Case", "check_component", "conformance_cases"]


def conformance_cases(cls: type, *, example: Any = None, root: str | Path | None = None) -> list[Case]:
    """The promises of a component class, each as a case to call.

    Args:
        cls: a concrete subclass of one of `sslts.interfaces`' base classes, or of `sslts.data.Reader`.
        example: an instance to look at; `cls.example()` if None.
        root: for a reader, a small folder in its layout. Without one, there is no case of what reading promises.

    Raises:
        PluginError: the class belongs to no kind.
    """
    from torch import nn

    kit = next((kit for kit in KITS if isinstance(cls, type) and issubclass(cls, kit.base)), None)
    if kit is None:
        known = ", ".join(kit.base.__name__ for kit in KITS)
        raise PluginError(f"{cls!r} belongs to no kind: expected a subclass of {known}.")
    subject = Subject(cls, kit, root=None if root is None else Path(root), example=example)
    promises = (*ALWAYS, *(MODULES if issubclass(cls, nn.Module) else ()), *kit.promises)
    name = f"{cls.__module__}.{cls.__qualname__}"
    return [
        Case(promise.name, promise.says, name, functools.partial(promise.check, subject))
        for promise in promises
        if promise.applies(subject)
    ]


def check_component(cls: type, *, example: Any = None, root: str | Path | None = None) -> None:
    """Run all cases of a class.

    Raises:
        ConformanceError: one or more promises are broken; the message lists them all.
    """
    problems = []
    for case in conformance_cases(cls, example=example, root=root):
        try:
            case()
        except ConformanceError as error:
            problems.append(str(error))
    if problems:
        raise ConformanceError("\n".join(problems))
