"""The model folder: what is written comes back, and nothing damaged or foreign is accepted."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
import torch

from sslts.errors import ArtefactError, ConfigError, RequirementError, WeightsMismatchError
from sslts.hub import artefact
from sslts.hub.header import read_header


def edit(folder: Path, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_is_written_comes_back_bit_by_bit(folder, config, state):
    read = artefact.read_config(folder)
    artefact.check_files(folder, read)
    assert read.model_copy(update={"files": {}}) == config
    loaded = artefact.load_weights(folder, state)
    assert loaded.keys() == state.keys()
    for name, tensor in state.items():
        assert loaded[name].dtype == tensor.dtype
        torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0)


def test_the_same_content_gives_the_same_bytes(folder, tmp_path, config, state, metrics):
    again = artefact.write(tmp_path / "again", config, dict(reversed(state.items())), "# tiny\n", metrics)
    for name in ("config.json", "model.safetensors", "README.md", "metrics.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_the_manifest_holds_the_hash_of_every_other_file(folder):
    listed = artefact.read_config(folder).files
    assert listed == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != "config.json"}


def test_views_of_one_tensor_can_be_stored(tmp_path, config, metrics):
    whole = torch.arange(6.0)
    shared = {"aggregator.first": whole[:3], "aggregator.last": whole[3:].flip(0), "aggregator.column": whole.reshape(2, 3)[:, 0]}
    loaded = artefact.load_weights(artefact.write(tmp_path / "m", config, shared, "", metrics), shared)
    assert loaded["aggregator.last"].tolist() == [5, 4, 3]
    assert loaded["aggregator.column"].tolist() == [0, 3]


def test_half_storage_comes_back_as_float32_rounded_to_float16(tmp_path, config, metrics):
    state = {"aggregator.weight": torch.tensor([1.0, 1 / 3])}
    written = artefact.write(tmp_path / "m", config, state, "", metrics, half=True)
    loaded = artefact.load_weights(written, state)["aggregator.weight"]
    assert loaded.dtype == torch.float32
    assert loaded.tolist() == [1.0, 0.333251953125]  # 1/3 with 11 significant bits: 1365 / 4096
    assert read_header(written / "model.safetensors").tensors["aggregator.weight"].dtype == "F16"
    assert artefact.is_half(written / "model.safetensors")


def test_float16_is_not_upcast_unless_the_file_says_so(tmp_path, config, metrics):
    written = artefact.write(tmp_path / "m", config, {"aggregator.weight": torch.ones(2, dtype=torch.float16)}, "", metrics)
    with pytest.raises(WeightsMismatchError, match=r"float16 \[2\], the model has float32 \[2\]"):
        artefact.load_weights(written, {"aggregator.weight": torch.ones(2)})


@pytest.mark.parametrize(("value", "half"), [(float("nan"), False), (float("inf"), False), (1e6, True)])
def test_unusable_weights_are_not_written(tmp_path, config, metrics, value, half):
    with pytest.raises(ArtefactError, match=r"Tensor 'aggregator\.weight'"):
        artefact.write(tmp_path / "m", config, {"aggregator.weight": torch.tensor([value])}, "", metrics, half=half)
    assert list(tmp_path.iterdir()) == []


def test_a_full_folder_is_kept_unless_overwriting_is_asked_for(folder, config, metrics):
    other = {"aggregator.bias": torch.zeros(1)}
    before = (folder / "model.safetensors").read_bytes()
    with pytest.raises(ArtefactError, match="overwrite=True"):
        artefact.write(folder, config, other, "", metrics)
    assert (folder / "model.safetensors").read_bytes() == before
    artefact.write(folder, config, other, "", metrics, overwrite=True)
    assert artefact.load_weights(folder, other)["aggregator.bias"].tolist() == [0]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_overwriting_never_removes_files_that_are_not_a_models(folder, config, state, metrics):
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(ArtefactError, match=r"thesis\.tex"):
        artefact.write(folder, config, state, "", metrics, overwrite=True)
    assert (folder / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_failing_rename_leaves_the_old_model(folder, config, metrics, monkeypatch, failing):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rename, calls = Path.rename, []

    def flaky(self, target):
        calls.append(self)
        if len(calls) == failing:
            raise OSError("disk")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", flaky)
    if failing <= 2:
        with pytest.raises(ArtefactError, match="cannot be written"):
            artefact.write(folder, config, {"aggregator.bias": torch.zeros(1)}, "", metrics, overwrite=True)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    else:  # two renames are enough
        artefact.write(folder, config, {"aggregator.bias": torch.zeros(1)}, "", metrics, overwrite=True)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_an_empty_folder_is_filled_and_a_file_is_refused(tmp_path, config, state, metrics):
    (tmp_path / "empty").mkdir()
    assert artefact.read_config(artefact.write(tmp_path / "empty", config, state, "", metrics)).name == "tiny"
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="is a file or a link"):
        artefact.write(tmp_path / "file", config, state, "", metrics)


def test_differences_between_weights_and_model_are_listed(folder, state):
    expected = {name: tensor for name, tensor in state.items() if name != "aggregator.scale"}
    expected["aggregator.bias"] = torch.zeros(3)
    expected["aggregator.order"] = torch.zeros(3)
    expected["aggregator.new"] = torch.zeros(1)
    with pytest.raises(WeightsMismatchError) as caught:
        artefact.load_weights(folder, expected)
    message = str(caught.value)
    assert "'aggregator.new' is not in the file" in message
    assert "'aggregator.scale' is not in the model" in message
    assert "'aggregator.bias' is float32 [2], the model has float32 [3]" in message
    assert "'aggregator.order' is int64 [3], the model has float32 [3]" in message


def test_only_the_first_differences_are_listed(folder):
    with pytest.raises(WeightsMismatchError, match="and 19 more"):
        artefact.load_weights(folder, {f"encoders.{index}": torch.zeros(1) for index in range(20)})


@pytest.mark.parametrize("name", ["model.safetensors", "README.md", "metrics.json"])
def test_a_changed_or_missing_file_is_named(folder, name):
    config = artefact.read_config(folder)
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(ArtefactError, match=f"{name} has sha256"):
        artefact.check_files(folder, config)
    (folder / name).unlink()
    with pytest.raises(ArtefactError, match=f"{name} is missing"):
        artefact.check_files(folder, config)


def test_weights_and_tokenizer_must_be_listed(folder):
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtefactError, match=r"tokenizer\.json is not listed"):
        artefact.check_files(folder, artefact.read_config(folder))
    edit(folder, files={})
    with pytest.raises(ArtefactError, match=r"does not list model\.safetensors"):
        artefact.check_files(folder, artefact.read_config(folder))


def test_a_tokenizer_is_stored_and_listed(tmp_path, config, state, metrics):
    written = artefact.write(tmp_path / "m", config, state, "", metrics, tokenizer=b'{"model": {}}')
    artefact.check_files(written, artefact.read_config(written))
    assert (written / "tokenizer.json").read_bytes() == b'{"model": {}}'


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "config.json", "evil.py", "sub/model.safetensors", "a\x1b[2Jb"])
def test_the_manifest_can_name_only_known_files(folder, name):
    edit(folder, files={name: "0" * 64})
    with pytest.raises(ArtefactError, match="expected only model.safetensors") as caught:
        artefact.read_config(folder)
    assert str(caught.value).isprintable()


def test_a_folder_without_config_is_refused(tmp_path):
    with pytest.raises(ArtefactError, match=r"has no config\.json"):
        artefact.read_config(tmp_path)
    os.mkfifo(tmp_path / "config.json")  # reading one would wait for ever
    with pytest.raises(ArtefactError, match=r"has no config\.json"):
        artefact.read_config(tmp_path)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"trust_remote_code": True}, "trust_remote_code: unknown key"),
        ({"name": "../x"}, "name"),
        ({"schema_version": "1"}, "schema_version"),
        ({"components": {"encoders.acc": {"name": "os.system('x')"}}}, "components.encoders.acc.name"),
        ({"files": {"model.safetensors": "abc"}}, "files.model.safetensors"),
    ],
)
def test_a_bad_config_is_refused_with_the_fields_name(folder, changes, field):
    edit(folder, **changes)
    with pytest.raises(ConfigError) as caught:
        artefact.read_config(folder)
    assert field in str(caught.value)
    assert str(folder / "config.json") in str(caught.value)


def test_a_config_over_256_kb_is_refused_unread(folder):
    (folder / "config.json").write_text(" " * (256 * 1024 + 1))
    with pytest.raises(ConfigError, match="expected at most 262144"):
        artefact.read_config(folder)


def test_requirements_name_what_to_install(folder):
    edit(folder, requires={"sslts": ">=900", "acme-sslts": ">=1.0"})
    with pytest.raises(RequirementError) as caught:
        artefact.read_config(folder)
    assert "acme-sslts >=1.0 (not installed)" in str(caught.value)
    assert "pip install 'sslts>=900' 'acme-sslts>=1.0'" in str(caught.value)


def test_weights_that_go_away_while_they_are_read_are_a_typed_error(folder, state, monkeypatch):
    def gone(path):
        raise OSError("the disk went away")

    monkeypatch.setattr("safetensors.torch.load_file", gone)
    with pytest.raises(ArtefactError, match=r"model\.safetensors cannot be read \(the disk went away\)"):
        artefact.load_weights(folder, state)
