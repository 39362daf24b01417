"""Every built-in component keeps every promise that plugins are asked to keep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_e4
import tiny_har

from sslts import registry
from sslts.errors import PluginError
from sslts.testing import conformance_cases
from sslts.testing.case import Case

#: Needs a package and weights that are not here; its own tests stand in for it.
_ELSEWHERE = {("text-encoder", "sentence-transformers")}

#: Of readers whose options have no defaults.
_OPTIONS = {"csv": {"rate_hz": 32.0, "units": {"acc": "g"}}}


def csv(root: Path) -> Path:
    (root / "walk.csv").write_text("acc\n" + "0.9\n" * 64)
    return root / "walk.csv"


def e4(root: Path) -> Path:
    return tiny_e4.write_e4(root / "S01", seconds=20)


#: Small folders in the layouts of readers; the other readers' own tests stand in for what is not here.
_ROOTS: dict[str, Callable[[Path], Path]] = {
    "csv": csv,
    "dsads": tiny_har.dsads,
    "empatica-e4": e4,
    "motionsense": tiny_har.motionsense,
    "utd-mhad-inertial": tiny_har.utd,
    "synthetic": lambda root: root,
}


def cases() -> list[pytest.ParameterSet]:
    found = []
    for kind in registry.kinds():
        for name in registry.names(kind):
            if (kind, name) not in _ELSEWHERE:
                cls = registry.get(kind, name)
                example = cls.create(**_OPTIONS[name]) if name in _OPTIONS else None
                found += [pytest.param(case, id=f"{kind}-{name}-{case}") for case in conformance_cases(cls, example=example)]
    return found


@pytest.mark.parametrize("name", _ROOTS)
def test_a_reader_keeps_its_promises_on_files(name: str, tmp_path: Path):
    cls = registry.get("reader", name)
    example = cls.create(**_OPTIONS[name]) if name in _OPTIONS else None
    cases = {case.name: case for case in conformance_cases(cls, example=example, root=_ROOTS[name](tmp_path))}
    assert {"sessions", "unknown-session", "recordings"} <= set(cases)
    for case in cases.values():
        case()


@pytest.mark.parametrize("case", cases())
def test_a_built_in_keeps_its_promises(case: Case):
    case()


def test_what_belongs_to_no_kind_is_refused():
    with pytest.raises(PluginError, match="belongs to no kind: expected a subclass of DescribedEncoder, Encoder"):
        conformance_cases(int)
