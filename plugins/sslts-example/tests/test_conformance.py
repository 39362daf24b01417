"""The components keep every promise of their interfaces."""

from __future__ import annotations

import pytest

from sslts.testing import conformance_cases
from sslts_example.spectrum import Spectrum
from sslts_example.stretch import StretchMasker

CASES = [*conformance_cases(Spectrum), *conformance_cases(StretchMasker)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.subject}-{case}")
def test_conformance(case):
    case()
