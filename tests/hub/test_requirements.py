"""Version ranges of `requires`."""

from __future__ import annotations

import pytest

from sslts.errors import RequirementError
from sslts.hub.requirements import check_requires, installed_version

INSTALLED = {"sslts": "0.3.1", "acme": "2.0rc1", "odd": "not a version"}


@pytest.mark.parametrize("requires", [{}, {"sslts": ""}, {"sslts": ">=0.3,<0.4"}, {"acme": ">=2.0rc1"}, {"sslts": "~=0.3", "acme": ""}])
def test_a_fitting_version_passes(requires):
    check_requires(requires, "config", version_of=INSTALLED.get)


@pytest.mark.parametrize(
    ("requires", "message"),
    [
        ({"sslts": ">=0.4"}, r"sslts >=0\.4 \(installed: 0\.3\.1\)"),
        ({"acme": "<2.0"}, r"acme <2\.0 \(installed: 2\.0rc1\)"),  # PEP 440: a pre-release of 2.0 is not below 2.0 in this sense
        ({"other": ""}, r"needs other \(not installed\)\. Install: pip install 'other'"),
        ({"odd": ">=1"}, r"odd >=1 \(installed: not a version\)"),
        ({"sslts": "newest"}, r"requires\.sslts is 'newest', expected a range"),
    ],
)
def test_anything_else_names_what_is_wrong(requires, message):
    with pytest.raises(RequirementError, match=message):
        check_requires(requires, "config", version_of=INSTALLED.get)


def test_installed_versions_are_read():
    assert installed_version("no-such-distribution") is None
    assert installed_version("sslts") is not None
