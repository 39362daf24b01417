"""Trained few-shot heads as folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import sslts
from sslts.config import ComponentRef
from sslts.errors import ArtefactError, UnknownComponentError, WeightsMismatchError
from sslts.head_files import load_head, remove_head, save_head
from sslts.heads.relation import RelationHead

REF = ComponentRef(name="relation", options={"hidden": 8})


@pytest.fixture
def head() -> RelationHead:
    torch.manual_seed(0)
    return RelationHead.create(embed_dim=4, hidden=8)


def test_a_head_comes_back_with_its_weights(head, tmp_path):
    loaded = sslts.load_head(save_head(head, REF, tmp_path / "head"))
    support, labels, queries = torch.randn(6, 4), torch.arange(3).repeat(2), torch.randn(5, 4)
    torch.testing.assert_close(loaded(support, labels, queries), head(support, labels, queries), atol=0, rtol=0)
    assert not loaded.training


def test_nothing_is_written_over_unless_asked(head, tmp_path):
    save_head(head, REF, tmp_path / "head")
    with pytest.raises(ArtefactError, match="not empty"):
        save_head(head, REF, tmp_path / "head")
    assert save_head(head, REF, tmp_path / "head", overwrite=True)


def test_what_is_no_head_is_refused(head, tmp_path):
    with pytest.raises(ArtefactError, match=r"head.json is missing: expected the folder of a few-shot head"):
        load_head(tmp_path)
    folder = save_head(head, REF, tmp_path / "head")
    told = json.loads((folder / "head.json").read_text())
    (folder / "head.json").write_text(json.dumps(told | {"name": "relations"}))
    with pytest.raises(UnknownComponentError, match="relation"):
        load_head(folder)
    (folder / "head.json").write_text(json.dumps(told | {"options": told["options"] | {"hidden": 16}}))
    with pytest.raises(WeightsMismatchError):
        load_head(folder)
    (folder / "head.json").write_text(json.dumps(told))
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-7])
    with pytest.raises(ArtefactError):
        load_head(folder)


def test_removing_a_head_takes_its_own_files_alone(head, tmp_path):
    folder = save_head(head, REF, tmp_path / "head")
    (folder / "notes.txt").write_text("mine")
    assert remove_head(folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert not remove_head(folder)
    assert not remove_head(tmp_path / "nothing")


def test_a_head_that_cannot_be_removed_is_a_typed_error(head, tmp_path, monkeypatch):
    folder = save_head(head, REF, tmp_path / "head")

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ArtefactError, match="holds the head of an earlier run and cannot be removed"):
        remove_head(folder)
