"""The safetensors header: what it may say, and that nothing it says can hurt."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from sslts.errors import SslTsError
from sslts.hub import artefact
from sslts.hub.header import MAX_HEADER_BYTES, TensorInfo, read_header


def file_with(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_the_reference_writer_is_understood(tmp_path):
    path = tmp_path / "m.safetensors"
    tensors = {"a": torch.zeros(2, 3, dtype=torch.float16), "b": torch.tensor(1.0), "c": torch.zeros(0, 4), "d": torch.tensor([True])}
    path.write_bytes(save(tensors, metadata={"format": "pt"}))
    header = read_header(path)
    assert header.tensors == {
        "a": TensorInfo("F16", (2, 3)),
        "b": TensorInfo("F32", ()),
        "c": TensorInfo("F32", (0, 4)),
        "d": TensorInfo("BOOL", (1,)),
    }
    assert {name: info.items for name, info in header.tensors.items()} == {"a": 6, "b": 1, "c": 0, "d": 1}
    assert header.metadata == {"format": "pt"}


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        ([], b"", "not a JSON object"),
        (b"{", b"", "not valid JSON"),
        (b"\xff\xfe", b"", "cannot be read"),
        (b'{"a": {}, "a": {}}', b"", "appears twice"),
        (b"[" * 100_000, b"", "not valid JSON"),
        ({"__metadata__": {"x": 1}}, b"", "__metadata__"),
        ({"a": {"dtype": "F32"}}, b"", "exactly dtype, shape and data_offsets"),
        ({"a": {**entry(), "code": "x"}}, b"\0" * 8, "exactly dtype, shape and data_offsets"),
        ({"a": entry(dtype="F4")}, b"\0" * 8, "dtype 'F4'"),
        ({"a": entry(dtype=["F32"])}, b"\0" * 8, "dtype"),
        ({"a": entry(shape=(-2,))}, b"\0" * 8, "whole numbers"),
        ({"a": entry(shape=(True, 2))}, b"\0" * 8, "whole numbers"),
        ({"a": entry(shape=(2.0,))}, b"\0" * 8, "whole numbers"),
        ({"a": entry(shape=(1,) * 9)}, b"\0" * 4, "whole numbers"),
        ({"a": entry(shape=(1 << 60,))}, b"\0" * 8, "whole numbers"),
        ({"a": entry(shape=(1 << 40, 1 << 40))}, b"\0" * 8, "do not hold"),
        ({"a": entry(offsets=(0, 4))}, b"\0" * 4, "do not hold"),
        ({"a": entry(offsets=(8, 0))}, b"\0" * 8, "do not hold"),
        ({"a": entry(offsets=(0,))}, b"\0" * 8, "do not hold"),
        ({"a": entry(offsets=(8, 16))}, b"\0" * 16, "gap at byte 0"),
        ({"a": entry(), "b": entry()}, b"\0" * 8, "overlap"),
        ({"a": entry(), "b": entry(offsets=(12, 20))}, b"\0" * 20, "gap at byte 8"),
        ({"a": entry()}, b"\0" * 12, "describes 8 bytes of data, the file holds 12"),
        ({"a": entry()}, b"\0" * 4, "describes 8 bytes of data, the file holds 4"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(tmp_path, header, data, message):
    with pytest.raises(SslTsError, match=message) as caught:
        read_header(file_with(tmp_path / "m.safetensors", header, data))
    assert "m.safetensors" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\0\0\0", struct.pack("<Q", 2**63), struct.pack("<Q", 10) + b"{}"])
def test_a_length_beyond_the_file_is_refused(tmp_path, content):
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(SslTsError, match="truncated or not safetensors"):
        read_header(tmp_path / "m")


def test_a_header_over_1_mb_is_refused_unread(tmp_path):
    many_empty = {f"{index:010}": entry(shape=(0,), offsets=(0, 0)) for index in range(20_000)}
    with pytest.raises(SslTsError, match=f"expected at most {MAX_HEADER_BYTES}"):
        read_header(file_with(tmp_path / "m", many_empty))


def test_control_characters_in_a_name_are_not_repeated(tmp_path):
    with pytest.raises(SslTsError) as caught:
        read_header(file_with(tmp_path / "m", {"a\x1b[2J\n": entry(dtype="?")}, b"\0" * 8))
    assert str(caught.value).isprintable()


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(SslTsError, match="missing or not a file"):
            read_header(path)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to four small damages, most of them in the first bytes, where length and header are."""
    result = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not result:
            break
        at = rng.randrange(min(len(result), rng.choice((16, 400, len(data)))))
        kind = rng.randrange(5)
        if kind == 0:
            result[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            result[at : at + 1] = rng.choice((b"9", b"-", b"0", b'"', b"}", b"[", b"1e9", b"\\u0000", b"F64"))
        elif kind == 2:
            del result[at : at + rng.randint(1, 9)]
        elif kind == 3:
            result[at:at] = rng.randbytes(rng.randint(1, 9))
        else:
            del result[max(at, 1) :]
    return bytes(result)


def survive(rounds: int, folder: Path, state: dict[str, torch.Tensor], seed: int) -> tuple[int, int]:
    """Damage weights and config in turn. Either a typed error, or tensors of the expected names, shapes and dtypes."""
    rng = random.Random(seed)
    originals = {name: (folder / name).read_bytes() for name in ("model.safetensors", "config.json")}
    expected = {key: (tensor.shape, tensor.dtype) for key, tensor in state.items()}
    refused = accepted = 0
    for index in range(rounds):
        name = ("model.safetensors", "config.json")[index % 2]
        damaged = mutated(originals[name], rng)
        (folder / name).write_bytes(damaged)
        try:
            artefact.read_config(folder)
            loaded = artefact.load_weights(folder, state)
            harmless = {key: (tensor.shape, tensor.dtype) for key, tensor in loaded.items()} == expected
            accepted += 1
        except SslTsError as error:
            harmless = str(error).isprintable()
            refused += 1
        (folder / name).write_bytes(originals[name])
        assert harmless, damaged
    return refused, accepted


def test_damaged_files_give_typed_errors_or_tensors_of_the_right_shape(folder, state):
    refused, accepted = survive(400, folder, state, seed=0)
    assert refused > accepted > 0


@pytest.mark.slow
def test_ten_thousand_damaged_files(folder, state):
    refused, accepted = survive(10_000, folder, state, seed=1)
    assert refused + accepted == 10_000


def test_damaged_weights_never_pass_the_manifest(folder):
    rng = random.Random(2)
    config = artefact.read_config(folder)
    original = (folder / "model.safetensors").read_bytes()
    for _ in range(100):
        damaged = mutated(original, rng)
        (folder / "model.safetensors").write_bytes(damaged)
        if damaged != original:
            with pytest.raises(SslTsError, match="sha256"):
                artefact.check_files(folder, config)
