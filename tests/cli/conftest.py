"""A tiny model that reads the Empatica E4, and a short recording of one, both as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_e4 import CARD, tiny_model, write_e4

from sslts.data import specs


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's artefact: 10 s windows every 5 s."""
    return tiny_model(specs.empatica_e4(window_s=10, stride_s=5)).save(tmp_path_factory.mktemp("models") / "tiny", card=CARD)


@pytest.fixture(scope="session")
def e4_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 s in the official E4 layout: seven windows of 10 s every 5 s."""
    return write_e4(tmp_path_factory.mktemp("e4") / "S01", seconds=40)
