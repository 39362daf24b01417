"""PatchTST inside sslts, on a small random model: the promises of an encoder, and the same numbers as transformers."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import PatchTSTConfig, PatchTSTForPretraining, PatchTSTModel

from sslts import registry
from sslts.errors import ArtefactError, ConfigError, HubError, LengthError, WeightsMismatchError
from sslts.testing import conformance_cases
from sslts_patchtst.encoder import PatchTST

HASHES = {"config.json": "0" * 64, "model.safetensors": "0" * 64}
SIZES = {"num_input_channels": 2, "context_length": 36, "patch_length": 8, "patch_stride": 4}
WIDTHS = {"d_model": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 16}


@pytest.fixture
def checkpoint(tmp_path):
    """A published model, with batch statistics that are not those of a new one."""
    torch.manual_seed(0)
    model = PatchTSTForPretraining(PatchTSTConfig(**SIZES, **WIDTHS, do_mask_input=False))
    with torch.no_grad():
        for buffer in model.buffers():
            if buffer.is_floating_point():
                buffer.add_(0.1 * torch.rand_like(buffer))
    model.save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("case", conformance_cases(PatchTST), ids=str)
def test_conformance(case):
    case()


def test_sslts_finds_it():
    assert registry.get("encoder", "patchtst.encoder") is PatchTST


def test_tokens_are_what_transformers_computes(checkpoint):
    encoder = PatchTST.from_folder(checkpoint)
    theirs = PatchTSTModel.from_pretrained(checkpoint, do_mask_input=False).eval()
    windows = encoder.example_signal(3)
    with torch.no_grad():
        made = encoder.encode(encoder.tokenize(windows)).values
        expected = theirs(past_values=windows.values.transpose(1, 2)).last_hidden_state.flatten(1, 2)
    torch.testing.assert_close(made, expected, rtol=1e-3, atol=1e-4)


def test_patches_end_with_the_window_and_know_when_they_are():
    encoder = PatchTST.create(channels=2, points=10, patch=4, stride=4, embed_dim=8, heads=2)
    tokens = encoder.tokenize(encoder.example_signal(1))
    assert tokens.values.shape == (1, 4, 4)
    assert tokens.time_s[0].tolist() == pytest.approx([0.4, 0.8, 0.4, 0.8])
    assert tokens.channel[0].tolist() == [0, 0, 1, 1]


def test_what_is_no_checkpoint_is_refused_by_name(checkpoint, tmp_path_factory):
    with pytest.raises(ArtefactError, match="config.json is missing"):
        PatchTST.from_folder(tmp_path_factory.mktemp("empty"))
    told = json.loads((checkpoint / "config.json").read_text())
    for change, error, says in (
        ({"model_type": "bert"}, ConfigError, "expected 'patchtst'"),
        ({"channel_attention": True}, ConfigError, "reads no checkpoint with channel_attention = True"),
        ({"activation_function": "relu"}, ConfigError, "reads no checkpoint with activation_function = relu"),
        ({"scaling": "mean"}, ConfigError, "reads no checkpoint with scaling = mean"),
        ({"num_hidden_layers": 3}, WeightsMismatchError, "does not fit"),
        ({"ffn_dim": 10**18}, ConfigError, "hidden"),
    ):
        (checkpoint / "config.json").write_text(json.dumps({**told, **change}))
        with pytest.raises(error, match=says):
            PatchTST.from_folder(checkpoint)


def test_damaged_weights_are_a_typed_error(checkpoint):
    (checkpoint / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ArtefactError, match="not safetensors"):
        PatchTST.from_folder(checkpoint)
    (checkpoint / "model.safetensors").write_bytes(b"\x02" + bytes(7) + b"{}!")
    with pytest.raises(ArtefactError, match="model.safetensors"):
        PatchTST.from_folder(checkpoint)


def test_what_the_hub_cannot_give_is_a_typed_error(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="org/none"):
        PatchTST.from_hub("org/none", revision="0" * 40, sha256=HASHES)


def test_a_branch_is_no_revision():
    with pytest.raises(ConfigError, match="pin what is meant"):
        PatchTST.from_hub("org/repo", revision="main", sha256=HASHES)


def test_both_files_are_known_by_their_hash():
    with pytest.raises(ConfigError, match="must name config.json and model.safetensors, got config.json"):
        PatchTST.from_hub("org/repo", revision="0" * 40, sha256={"config.json": "0" * 64})


def test_a_window_shorter_than_a_patch_is_refused():
    with pytest.raises(LengthError, match="holds no patch"):
        PatchTST.create(channels=1, points=8, patch=16)
