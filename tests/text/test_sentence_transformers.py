"""The adapter, on a tiny random model in sentence-transformers' own layout. Skipped where the library is not installed."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

import pytest
import torch

from sslts.errors import ConfigError, TextError, TowerError
from sslts.text.by_reference import WEIGHTS
from sslts.text.sentence_transformers import SentenceTransformers, hashes

library = pytest.importorskip("sentence_transformers")
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "walking", "running", "up", "##s", "."]


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """One layer of BERT and mean pooling, saved by the library itself."""
    import transformers

    root = tmp_path_factory.mktemp("tower")
    bert, folder = root / "bert", root / "model"
    bert.mkdir()
    (bert / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    transformers.BertTokenizerFast(str(bert / "vocab.txt")).save_pretrained(bert)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 12}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.BertModel(transformers.BertConfig(vocab_size=len(PIECES), **sizes)).save_pretrained(bert)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the newer place is unknown to older versions
        from sentence_transformers import models as parts
    words = parts.Transformer(str(bert), max_seq_length=10)
    library.SentenceTransformer(modules=[words, parts.Pooling(8)], device="cpu").save(str(folder))
    return folder


def options(folder: Path, **changes) -> dict:
    sha256 = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    return {"repo": "a/b", "revision": "0" * 40, "sha256": sha256, "files": hashes(folder), "embed_dim": 8, **changes}


@pytest.fixture(scope="module")
def tower(saved) -> SentenceTransformers:
    tower = SentenceTransformers.create(**options(saved))
    tower.fill(saved)
    return tower


def test_vectors_are_the_librarys_at_unit_length(tower, saved):
    texts = ["walking", "running ups."]
    expected = torch.from_numpy(library.SentenceTransformer(str(saved), device="cpu").encode(texts))
    torch.testing.assert_close(tower(texts), expected / expected.norm(dim=1, keepdim=True), rtol=0, atol=1e-6)
    assert tower([]).shape == (0, 8)


def test_it_is_frozen_and_outside_of_state_dicts(tower):
    assert list(tower.parameters()) == []
    assert tower.state_dict() == {}
    assert not tower(["walking"]).requires_grad
    assert not tower(["walking"]).is_inference()


def test_a_text_that_does_not_fit_is_refused_instead_of_cut(tower):
    tower(["up " * 8])
    with pytest.raises(TextError, match="Text 0 has 11 tokens, the tower reads at most 10"):
        tower(["up " * 9])
    with pytest.raises(TextError, match="empty"):
        tower([" "])


def test_every_file_that_decides_a_vector_is_checked(saved, tmp_path):
    assert "modules.json" in hashes(saved)
    assert WEIGHTS not in hashes(saved)
    changed = {**hashes(saved), "modules.json": "0" * 64}
    with pytest.raises(TowerError, match=r"modules.json has sha256"):
        SentenceTransformers.create(**options(saved, files=changed)).fill(saved)
    with pytest.raises(TowerError, match="vectors of 8 numbers, the config says embed_dim=9"):
        SentenceTransformers.create(**options(saved, embed_dim=9)).fill(saved)


@pytest.mark.parametrize("modules", [[{"type": "evil.Module", "path": ""}], {"type": 1}, [1], "x"])
def test_a_folders_own_code_is_never_run(saved, tmp_path, modules):
    (tmp_path / WEIGHTS).write_bytes((saved / WEIGHTS).read_bytes())
    (tmp_path / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(TowerError, match="never run|not a list of modules"):
        SentenceTransformers.create(**options(tmp_path)).fill(tmp_path)


@pytest.mark.parametrize("name", ["../x.json", "/x.json", "a/../x.json", "a/b/c.json", "pytorch_model.bin", "x.py", ".json", "a..json"])
def test_only_plain_files_of_the_folder_can_be_named(saved, name):
    with pytest.raises(ConfigError, match="files"):
        SentenceTransformers.create(**options(saved, files={name: "0" * 64}))
