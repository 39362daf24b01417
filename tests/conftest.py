"""Fixtures that several folders share. Nothing here needs a data set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fake_plugins import Installer
from hypothesis import settings
from scorecard import (
    pytest_configure,
    pytest_runtest_logreport,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_terminal_summary,
)

from sslts import registry
from sslts.config import Channel, Modality, SensorSpec

#: Hooks of the scorecard; pytest finds them here.
__all__ = ["pytest_configure", "pytest_runtest_logreport", "pytest_runtest_setup", "pytest_sessionfinish", "pytest_terminal_summary"]

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("sslts", deadline=None)
settings.load_profile("sslts")


@pytest.fixture
def generator() -> torch.Generator:
    """A seeded generator."""
    return torch.Generator().manual_seed(0)


@pytest.fixture
def small_spec() -> SensorSpec:
    """Two modalities at different rates, windows of 4 s."""
    axes = tuple(Channel(name=axis, kind="accelerometer", unit="g", valid=(-2, 2)) for axis in "xyz")
    return SensorSpec(
        modalities=(
            Modality(name="acc", rate_hz=8, channels=axes),
            Modality(name="eda", rate_hz=4, channels=(Channel(name="eda", kind="electrodermal-activity", unit="uS"),)),
        ),
        window_s=4,
        stride_s=2,
    )


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    """`plugins.install(...)` puts a fake distribution on sys.path until the test ends."""
    monkeypatch.delenv("SSLTS_BLOCK_PLUGINS", raising=False)
    root = tmp_path / "site"
    root.mkdir()
    yield Installer(root, monkeypatch)
    monkeypatch.undo()
    registry.refresh()
