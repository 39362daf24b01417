"""What the rows of the scorecard share."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz import Corpus, Limits
from scorecard import FULL


@pytest.fixture(scope="session")
def rounds() -> int:
    """How many damaged files of a kind: 10,000 for the scorecard, some of them in every run of the tests."""
    return 10_000 if FULL else 150


@pytest.fixture(scope="session")
def limits() -> Limits:
    """What one hostile file may cost: a second, 100 MB."""
    return Limits(seconds=1.0, megabytes=100.0)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Inputs that once failed; what fails is added here, to be committed with its cure."""
    return Corpus(Path(__file__).parent.parent / "corpus")
