"""What every text tower promises, on the small examples of the built-in ones."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch

from sslts import registry
from sslts.config import ComponentRef
from sslts.errors import ConfigError, MissingDependencyError, TextError, TowerError
from sslts.interfaces import TextEncoder, build
from sslts.text.minilm import MiniLM
from sslts.text.static import StaticText

TEXTS = ["walking", "a person is running.", "sitting", "sittings", "walking a running person is is is", "日本"]


@pytest.fixture(params=[StaticText, MiniLM], ids=["static", "minilm"])
def tower(request) -> TextEncoder:
    return request.param.example()


def test_vectors_have_the_announced_width_and_unit_length(tower):
    vectors = tower(TEXTS)
    assert vectors.shape == (len(TEXTS), tower.embed_dim)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(TEXTS)))


def test_a_text_has_the_same_vector_alone_and_in_any_company(tower):
    together = tower(TEXTS)
    alone = torch.cat([tower([text]) for text in TEXTS])
    shuffled = tower(TEXTS[::-1]).flip(0)
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)
    torch.testing.assert_close(together, shuffled, rtol=0, atol=1e-6)


def test_case_and_accents_do_not_matter(tower):
    torch.testing.assert_close(tower(["WALKING"]), tower(["wàlking"]), rtol=0, atol=0)


def test_no_text_gives_no_row(tower):
    assert tower([]).shape == (0, tower.embed_dim)


@pytest.mark.parametrize("bad", [[""], ["  \n"], ["walking", 3], ["walking", None], [b"walking"], "walking", ["\u200b"], ["\ufffd"]])
def test_what_is_no_text_is_refused_with_advice(tower, bad):
    with pytest.raises(TextError, match="Text|Write|holds no letter"):
        tower(bad)


def test_a_special_token_in_a_text_is_only_characters(tower):
    """[SEP] would end the text, [PAD] would be hidden: no text may do that."""
    assert not torch.equal(tower(["walking [SEP] running"]), tower(["walking running"]))


def test_nothing_can_be_trained(tower):
    assert not list(tower.parameters())
    assert not tower(TEXTS).requires_grad


def test_the_vectors_may_take_part_in_a_loss(tower):
    scale = torch.ones(tower.embed_dim, requires_grad=True)
    (tower(TEXTS) * scale).sum().backward()
    assert scale.grad is not None


def test_global_random_state_is_untouched(tower):
    before = torch.get_rng_state()
    type(tower).example()(TEXTS)
    assert torch.equal(before, torch.get_rng_state())


def test_a_copy_reads_as_the_original(tower):
    torch.testing.assert_close(copy.deepcopy(tower)(TEXTS), tower(TEXTS), rtol=0, atol=0)


def test_another_process_gives_the_same_bytes(tower):
    code = f"from {type(tower).__module__} import {type(tower).__name__} as T; print(T.example()({TEXTS!r}).numpy().tobytes().hex())"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1]


def test_unknown_words_are_named_once_and_in_order(tower):
    assert tower.unknown_words("A person, walking: blorfing 日 blorfing sittings 3!") == ("blorfing", "日")


def test_an_empty_tower_says_how_to_fill_it(tower):
    empty = type(tower)(tower.config)
    assert tower.ready
    assert not empty.ready
    with pytest.raises(TowerError, match="fill"):
        empty(["walking"])
    with pytest.raises(TowerError, match="fill"):
        empty.unknown_words("walking")


@pytest.mark.parametrize("name", ["static", "minilm", "sentence-transformers"])
def test_a_config_must_name_revision_and_hash(name):
    with pytest.raises(ConfigError, match=r"revision.*sha256"):
        build("text-encoder", ComponentRef(name=name), "text_encoder")


def test_the_adapter_names_the_line_that_installs_it(monkeypatch):
    adapter = registry.get("text-encoder", "sentence-transformers")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    options = {"repo": "a/b", "revision": "0" * 40, "sha256": "0" * 64, "files": {"modules.json": "0" * 64}, "embed_dim": 8}
    with pytest.raises(MissingDependencyError, match=r"pip install 'sslts\[text\]'"):
        adapter.create(**options)


def test_names_and_references_need_neither_torch_nor_tokenizers():
    code = (
        "import sys; from sslts import registry; from sslts.text import minilm_ref, static_ref; registry.names('text-encoder'); "
        "minilm_ref(); static_ref(); heavy = {'torch', 'tokenizers', 'safetensors', 'sentence_transformers'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
