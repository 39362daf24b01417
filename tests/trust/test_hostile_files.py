"""F1 to F5: files that lie. Weights, configs, cards and paths from anywhere are data, never more."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import small_model
import torch
from fuzz import damaged, refused, survives

import sslts
from sslts.config import ModelConfig, parse
from sslts.errors import SslTsError
from sslts.hub import artefact
from sslts.hub.card import parse_card
from sslts.hub.header import read_header
from sslts.hub.resolve import resolve
from sslts.model import build_method, from_folder
from sslts.strict_json import parse_json


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model.write(tmp_path_factory.mktemp("trust") / "tiny")


@pytest.fixture(scope="module")
def state(folder: Path) -> dict[str, torch.Tensor]:
    return dict(build_method(artefact.read_config(folder)).state_dict())


def many(data: bytes, rounds: int, seed: int) -> list[bytes]:
    made = random.Random(seed)
    return [damaged(data, made) for _ in range(rounds)]


@pytest.mark.trust("F1", "10,000 damaged weight files: a typed error, or tensors of the expected names, shapes and dtypes")
def test_damaged_weights(folder, state, tmp_path, rounds, corpus, limits):
    path = tmp_path / "model.safetensors"
    expected = {name: (tensor.shape, tensor.dtype) for name, tensor in state.items()}

    def read(data: bytes) -> None:
        path.write_bytes(data)
        loaded = artefact.load_weights(tmp_path, state)
        assert {name: (tensor.shape, tensor.dtype) for name, tensor in loaded.items()} == expected

    turned_down, accepted = survives("weights", many((folder / "model.safetensors").read_bytes(), rounds, 1), read, corpus, limits)
    # Damage to numbers alone looks like other weights: the manifest's hash tells it, before this is asked.
    assert turned_down > accepted
    assert accepted > 0 or rounds < 1000


def _entry(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape) if isinstance(shape, tuple) else shape, "data_offsets": offsets}


def _hand_made() -> dict[str, bytes]:
    """Forty files that are wrong on purpose."""

    def file(header: Any, data: bytes = b"\0" * 8, length: int | None = None) -> bytes:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(text) if length is None else length) + text + data

    return {
        "empty": b"",
        "three bytes": b"\0\0\0",
        "length beyond the file": file({}, length=10**6),
        "length of 2^63": struct.pack("<Q", 2**63) + b"{}",
        "length of 2^64 - 1": b"\xff" * 8,
        "length zero": file(b"", b""),
        "a pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        "a zip": b"PK\x03\x04" + b"\0" * 40,
        "html": b"<!DOCTYPE html><html>not found</html>",
        "an LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n",
        "a list": file([]),
        "a number": file(b"3"),
        "not JSON": file(b"{"),
        "not UTF-8": file(b"\xff\xfe{}"),
        "a byte-order mark": file(b"\xef\xbb\xbf{}"),
        "NaN": file(b'{"a": NaN}'),
        "a key twice": file(b'{"a": {}, "a": {}}'),
        "nested 100,000 deep": file(b"[" * 100_000),
        "a number of 5,000 digits": file(b'{"a": {"dtype": "F32", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 8]}}'),
        "a million empty tensors": file({f"{index:06}": _entry(shape=(0,), offsets=(0, 0)) for index in range(20_000)}),
        "metadata that is no mapping": file({"__metadata__": []}),
        "metadata with numbers": file({"__metadata__": {"a": 1}}),
        "no dtype": file({"a": {"shape": [2], "data_offsets": [0, 8]}}),
        "another key": file({"a": {**_entry(), "code": "import os"}}),
        "an unknown dtype": file({"a": _entry("F4")}),
        "a dtype that is a list": file({"a": _entry(["F32"])}),
        "a negative length": file({"a": _entry(shape=(-2,))}),
        "a true length": file({"a": _entry(shape=(True, 2))}),
        "a length of 2.0": file({"a": _entry(shape=(2.0,))}),
        "a shape that is a string": file({"a": _entry(shape="22")}),
        "a shape of 2^60": file({"a": _entry(shape=(2**60,))}),
        "a product beyond 2^64": file({"a": _entry(shape=(2**40, 2**40))}),
        "a hundred axes": file({"a": _entry(shape=(1,) * 100, offsets=(0, 4))}, b"\0" * 4),
        "offsets reversed": file({"a": _entry(offsets=(8, 0))}),
        "offsets negative": file({"a": _entry(offsets=(-8, 0))}),
        "offsets beyond the file": file({"a": _entry(shape=(200,), offsets=(0, 800))}),
        "one offset": file({"a": _entry(offsets=[0])}),
        "a gap": file({"a": _entry(offsets=(8, 16))}, b"\0" * 16),
        "an overlap": file({"a": _entry(), "b": _entry()}),
        "bytes that belong to nothing": file({"a": _entry()}, b"\0" * 4096),
        "a name with control characters": file({"\x1b]0;owned\x07": _entry("?")}),
        "a name that is a path": file({"../../etc/passwd": _entry()}, b"\0" * 4),
    }


@pytest.mark.trust("F2", "hand-made hostile weight files: refused, typed, in under a second each")
@pytest.mark.parametrize("name", _hand_made())
def test_hand_made_weights(name, tmp_path, state, limits):
    path = tmp_path / "model.safetensors"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        artefact.load_weights(tmp_path, state)

    assert refused(_hand_made()[name], read, limits)
    with pytest.raises(SslTsError, match="model.safetensors"):
        read_header(path) if name != "a name that is a path" else artefact.load_weights(tmp_path, state)


@pytest.mark.trust("F3", "10,000 damaged and 60 hand-made configs: refused with the field, or a config; nothing is imported or run")
def test_damaged_configs(folder, rounds, corpus, limits):
    def read(data: bytes) -> None:
        parse(ModelConfig, parse_json(data.decode("utf-8", "surrogateescape"), "config.json"), "config.json")

    turned_down, accepted = survives("config", many((folder / "config.json").read_bytes(), rounds, 3), read, corpus, limits)
    assert turned_down > accepted > 0


def _changes() -> list[tuple[str, Any]]:
    """Sixty values that a config must not have, by the path that they stand at."""
    found: list[tuple[str, Any]] = []
    code = "__import__('os').system('touch owned')"
    for path in ("name", "method.name", "components.masker.name"):
        found += [
            (path, value) for value in ("", "A" * 65, "../../x", "os:system", "torch.nn.Linear", "a b", "\x1b[2J", code, None, 3, ["x"])
        ]
    for path in ("spec.window_s", "spec.stride_s", "spec.modalities.0.rate_hz"):
        found += [(path, value) for value in (0, -1, 1e300, "ten", None, [])]
    found += [("schema_version", value) for value in (0, -1, 10**6, "1", 1.5, None)]
    found += [("spec.modalities", value) for value in ([], "all", {}, [{}], 3)]
    found += [("files", {name: "0" * 64}) for name in ("../secret", "/etc/passwd", "evil.py")]
    found += [("trust_remote_code", True), ("auto_map", {"AutoModel": "evil.Model"}), ("_target_", "os.system"), ("requires", {"x": 3})]
    return found


def test_the_hand_made_configs_are_sixty():
    assert len(_changes()) >= 60


@pytest.mark.trust("F3", "10,000 damaged and 60 hand-made configs: refused with the field, or a config; nothing is imported or run")
def test_hand_made_configs_are_refused_with_the_fields_name(folder, tmp_path, limits):
    original = json.loads((folder / "config.json").read_text())
    loaded_before = set(sys.modules)
    for path, value in _changes():
        told = json.loads(json.dumps(original))
        target, steps = told, path.split(".")
        for step in steps[:-1]:
            target = target[int(step) if step.isdigit() else step]
        target[int(steps[-1]) if steps[-1].isdigit() else steps[-1]] = value
        text = json.dumps(told).encode()

        def read(data: bytes) -> None:
            (tmp_path / "config.json").write_bytes(data)
            artefact.read_config(tmp_path)

        assert refused(text, read, limits), f"{path} = {value!r} was accepted"
        with pytest.raises(SslTsError, match=steps[-1] if not steps[-1].isdigit() else steps[-2]):
            read(text)
    assert not {name for name in set(sys.modules) - loaded_before if name.split(".")[0] in ("evil", "os.system")}
    assert not Path("owned").exists()


@pytest.mark.trust("F3", "10,000 damaged and 60 hand-made configs: refused with the field, or a config; nothing is imported or run")
def test_a_config_that_asks_for_more_than_its_weights_hold_allocates_nothing(folder, tmp_path):
    """Hundreds of millions of numbers described, a few thousand stored: refused before they are allocated."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    told = json.loads((folder / "config.json").read_text())
    for role in [name for name in told["components"] if name.startswith("encoders.")]:
        told["components"][role]["options"]["filters"] = [4096]
        told["components"][role]["options"]["kernels"] = [4096]
    (tmp_path / "config.json").write_text(json.dumps(told))
    with pytest.raises(SslTsError, match=r"describes a network of more than [0-9,]+ numbers"):
        from_folder(tmp_path)


@pytest.mark.trust("F4", "1,000 damaged cards and hand-made ones: read as plain values, or refused; nothing is executed")
def test_damaged_cards(folder, rounds, corpus, limits):
    inputs = many((folder / "README.md").read_bytes(), max(rounds // 10, 100), 4)
    turned_down, accepted = survives("card", inputs, lambda data: parse_card(data.decode("utf-8", "replace")), corpus, limits)
    assert turned_down > 0
    assert accepted > 0


@pytest.mark.trust("F4", "1,000 damaged cards and hand-made ones: read as plain values, or refused; nothing is executed")
@pytest.mark.parametrize(
    "front",
    [
        "!!python/object/apply:os.system ['touch owned']",
        "a: !!python/name:os.system",
        "a: &a [*a, *a]\nb: *a",
        "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" if n else "a0: &a0 [x]" for n in range(9)),
        "a: 1\na: 2",
        "[" * 10_000,
        "a: " + "x" * 70_000,
        "- a\n- b",
        "? [a]\n: b",
        "<<: {a: 1}\n<<: {a: 2}",
    ],
)
def test_hand_made_cards(front, limits):
    text = f"---\n{front}\n---\nbody\n"
    if refused(text.encode(), lambda data: parse_card(data.decode()), limits):
        return
    card = parse_card(text)
    assert all(isinstance(value, str | int | float | bool | list | dict | type(None)) for value in card.front_matter.values())


EVIL = [
    "../x",
    "..\\x",
    "/etc/passwd",
    "~root/x",
    "a/../../b",
    "hf:../x",
    "hf:a/b/c",
    "hf:a/b@../c",
    "hf:a--b/c",
    "dir:",
    "a\x00b",
    "a\nb",
    "file:///x",
]


@pytest.mark.trust("F5", "paths and names that lead outside: refused, and nothing is written anywhere else")
@pytest.mark.parametrize("name", EVIL)
def test_evil_names_reach_nothing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for read in (lambda: resolve(name, offline=True).folder(), lambda: sslts.load(name, offline=True)):
        with pytest.raises(SslTsError) as caught:
            read()
        assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.trust("F5", "paths and names that lead outside: refused, and nothing is written anywhere else")
@pytest.mark.skipif(os.name != "posix", reason="links need POSIX")
def test_a_folder_that_is_a_link_or_holds_links_writes_nowhere_else(folder, tmp_path):
    model = from_folder(folder)
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "link").symlink_to(outside)
    with pytest.raises(SslTsError, match="file or a link"):
        model.save(tmp_path / "link")
    inside = tmp_path / "inside"
    inside.mkdir()
    (outside / "precious").write_text("kept")
    (inside / "README.md").symlink_to(outside / "precious")
    model.save(inside, overwrite=True)
    assert (outside / "precious").read_text() == "kept"


@pytest.mark.trust("N7", "bundled and local models load with the network blocked, and open no socket")
def test_bundled_and_local_models_open_no_socket(folder):
    script = (
        "import socket, torch, sslts\n"
        "def refuse(*args, **kwargs): raise SystemExit('a socket was opened')\n"
        "socket.socket.__init__ = socket.create_connection = socket.getaddrinfo = refuse\n"
        "names = [entry.name for entry in sslts.list_models()]\n"
        "assert names, 'no model is bundled'\n"
        f"for name in [*names, {str(folder)!r}]: print(sslts.load(name).name)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tiny" in done.stdout
