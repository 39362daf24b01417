"""Every built-in component keeps every promise that plugins are asked to keep."""

from __future__ import annotations

import pytest

from sslts import registry
from sslts.errors import PluginError
from sslts.testing import conformance_cases
from sslts.testing.case import Case

#: Needs a package and weights that are not here; its own tests stand in for it.
_ELSEWHERE = {("text-encoder", "sentence-transformers")}

#: Of readers whose options have no defaults.
_OPTIONS = {"csv": {"rate_hz": 32.0, "units": {"acc": "g"}}}


def cases() -> list[pytest.ParameterSet]:
    found = []
    for kind in registry.kinds():
        for name in registry.names(kind):
            if (kind, name) not in _ELSEWHERE:
                cls = registry.get(kind, name)
                example = cls.create(**_OPTIONS[name]) if name in _OPTIONS else None
                found += [pytest.param(case, id=f"{kind}-{name}-{case}") for case in conformance_cases(cls, example=example)]
    return found


@pytest.mark.parametrize("case", cases())
def test_a_built_in_keeps_its_promises(case: Case):
    case()


def test_what_belongs_to_no_kind_is_refused():
    with pytest.raises(PluginError, match="belongs to no kind: expected a subclass of DescribedEncoder, Encoder"):
        conformance_cases(int)
