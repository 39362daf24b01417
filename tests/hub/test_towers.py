"""Text towers by reference, from the real client against a server on loopback."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
import safetensors.torch
import torch
from hub_server import Hub, Repo, running
from torch import nn

from sslts.errors import HubIntegrityError, HubOfflineError, TowerError
from sslts.hub import towers
from sslts.text.by_reference import WEIGHTS
from sslts.text.minilm import VOCABULARY, MiniLM
from sslts.text.static import StaticText

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def example() -> MiniLM:
    return MiniLM.example()


@pytest.fixture
def hub(example, monkeypatch) -> Iterator[Hub]:
    """A server with the example tower as org/tower, and a file that nobody named."""
    generator = torch.Generator().manual_seed(0)
    weights = {name: 0.3 * torch.randn(shape, generator=generator) for name, shape in example.shapes().items()}
    files = {WEIGHTS: safetensors.torch.save(weights), VOCABULARY: "\n".join(example.pieces).encode(), "code.py": b"1/0"}
    with running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        hub.repos["org/tower"] = Repo(COMMIT, files)
        yield hub


def unfilled(example: MiniLM, hub: Hub, **changes) -> MiniLM:
    sha256 = {name: hashlib.sha256(data).hexdigest() for name, data in hub.repos["org/tower"].files.items()}
    named = {"repo": "org/tower", "revision": COMMIT, "sha256": sha256[WEIGHTS], "vocabulary_sha256": sha256[VOCABULARY], **changes}
    return MiniLM.create(**{**example.config.model_dump(), **named})


def test_a_tower_is_fetched_at_its_commit_and_filled(hub, example, tmp_path):
    tower = unfilled(example, hub)
    towers.fill(tower, cache_dir=tmp_path, offline=False)
    torch.testing.assert_close(tower(["walking"]), example(["walking"]), rtol=0, atol=0)
    fetched = [line for line in hub.log if "/resolve/" in line]  # the Hub's client may ask for other things of its own accord
    assert fetched
    assert not [line for line in fetched if "code.py" in line or f"/resolve/{COMMIT}/" not in line]


def test_once_fetched_it_needs_no_connection(hub, example, tmp_path):
    with pytest.raises(HubOfflineError, match="not in the cache"):
        towers.fill(unfilled(example, hub), cache_dir=tmp_path, offline=True)
    towers.fill(unfilled(example, hub), cache_dir=tmp_path, offline=False)
    asked = len(hub.log)
    again = unfilled(example, hub)
    towers.fill(again, cache_dir=tmp_path, offline=True)
    assert again.ready
    assert len(hub.log) == asked


def test_other_weights_than_the_named_ones_are_refused(hub, example, tmp_path):
    with pytest.raises(HubIntegrityError, match="differs from its hash"):
        towers.fill(unfilled(example, hub, sha256="0" * 64), cache_dir=tmp_path, offline=False)


def test_every_empty_tower_of_a_method_is_filled_and_full_ones_are_left_alone(hub, example, tmp_path):
    own = StaticText.example()
    method = nn.ModuleDict({"full": own, "inner": nn.ModuleDict({"empty": unfilled(example, hub)})})
    towers.fill_all(method, cache_dir=tmp_path, offline=False)
    assert all(part.ready for part in method.modules() if isinstance(part, MiniLM | StaticText))
    torch.testing.assert_close(own(["running"]), StaticText.example()(["running"]), rtol=0, atol=0)


def test_a_folder_is_taken_instead_of_the_hub(hub, example, tmp_path):
    with pytest.raises(TowerError, match="cannot be read"):
        towers.fill(unfilled(example, hub), folder=tmp_path)
    assert hub.log == []
