"""The static tower: its formula, its identity, and the one that travels with sslts."""

from __future__ import annotations

import json
import math
import re

import pytest
import safetensors.torch
import torch

from sslts.errors import TowerError
from sslts.text import load_static, static_ref
from sslts.text.static import FILE, Hidden, StaticText, fingerprint

NONE = Hidden(torch.zeros(1, 2), torch.zeros(1), torch.zeros(2, 1))


@pytest.fixture(scope="module")
def shipped() -> StaticText:
    return load_static()


def tower(vectors: list[list[float]], hidden: Hidden = NONE) -> StaticText:
    return StaticText.of(["[UNK]", "up", "down", "##s"], torch.tensor(vectors), hidden, revision="test")


def test_without_a_hidden_layer_a_text_is_the_direction_of_its_pieces_sum():
    plain = tower([[1.0, 1], [127, 0], [0, 63.5], [0, 31.75]])
    # up + down + s = (127, 95.25): 4 : 3.
    torch.testing.assert_close(plain(["Up downs"]), torch.tensor([[0.8, 0.6]]), rtol=0, atol=2e-3)


def test_the_hidden_layer_is_added_to_the_direction():
    hidden = Hidden(torch.tensor([[2.0, 0.0]]), torch.tensor([1.0]), torch.tensor([[0.0], [1.0]]))
    bent = tower([[1.0, 1], [127, 0], [0, 127], [0, 1]], hidden)
    inner = 3 * 0.5 * (1 + math.erf(3 / math.sqrt(2)))  # gelu(2 * 1 + 1)
    expected = torch.tensor([[1, inner]]) / math.hypot(1, inner)
    torch.testing.assert_close(bent(["up"]), expected, rtol=0, atol=1e-3)


def test_rounding_to_int8_moves_no_vector_by_more_than_half_a_step():
    vectors = torch.randn(4, 16, generator=torch.Generator().manual_seed(1))
    stored = StaticText.of(["[UNK]", "a", "b", "c"], vectors, Hidden(torch.zeros(1, 16), torch.zeros(1), torch.zeros(16, 1)), revision="x")
    restored = stored.vectors.float() * stored.scales.float()[:, None]
    step = vectors.abs().amax(1, keepdim=True) / 127
    assert ((restored - vectors).abs() <= 0.51 * step + 127 * step * 2**-11).all()


def test_a_state_dict_carries_the_whole_tower():
    original = StaticText.example()
    again = StaticText(original.config)
    again.load_state_dict(original.state_dict())
    torch.testing.assert_close(again(["a person is running"]), original(["a person is running"]), rtol=0, atol=0)


def test_storing_floats_as_float16_keeps_vectors_and_hash():
    original = StaticText.example()
    state = {name: tensor.half().float() if tensor.is_floating_point() else tensor for name, tensor in original.state_dict().items()}
    again = StaticText(original.config).float()
    again.load_state_dict(state)
    torch.testing.assert_close(again(["running"]), original(["running"]), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["vocabulary", "vectors", "scales", "hidden_weight", "hidden_bias", "output_weight"])
def test_a_change_anywhere_is_another_tower(name):
    original = StaticText.example()
    state = {key: tensor.clone() for key, tensor in original.state_dict().items()}
    state[name].flatten()[0] += 1
    assert fingerprint(state) != original.config.sha256
    with pytest.raises(TowerError, match=r"names static text tower 'example' with sha256 .* these vectors have"):
        StaticText(original.config).load_state_dict(state)


def test_a_vocabulary_with_a_doubled_piece_is_refused():
    with pytest.raises(TowerError, match="different pieces"):
        StaticText.of(["[UNK]", "up", "up"], torch.ones(3, 2), NONE, revision="x")


@pytest.mark.parametrize("content", [None, b"", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_missing_or_foreign_file_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(TowerError, match="cannot be read|does not hold static tower"):
        StaticText(StaticText.example().config).fill(tmp_path)


def test_a_folder_fills_only_the_tower_that_it_holds(tmp_path):
    example = StaticText.example()
    (tmp_path / FILE).write_bytes(safetensors.torch.save(example.state_dict()))
    same, other = (StaticText(example.config.model_copy(update={"sha256": hash})) for hash in (example.config.sha256, "0" * 64))
    same.fill(tmp_path)
    assert same.ready
    with pytest.raises(TowerError, match="0000"):
        other.fill(tmp_path)
    assert not other.ready


def test_the_shipped_tower_is_the_named_one_and_small(shipped):
    assert fingerprint(shipped.state_dict()) == static_ref().options["sha256"] == shipped.config.sha256
    assert sum(tensor.nbytes for tensor in shipped.state_dict().values()) < 8e6
    assert shipped.config.model_dump(mode="json") == static_ref().options


@pytest.mark.parametrize(
    ("text", "nearer", "farther"),
    [
        ("jogging", "running", "sitting"),
        ("climbing stairs", "walking upstairs", "lying on the back"),
        ("a person sprinting", "someone running fast", "somebody asleep in bed"),
        ("riding a bicycle", "cycling", "rowing"),
        ("paddling a kayak", "rowing", "ironing"),
        ("anxious", "stressed", "relaxed"),
        ("laughing at a funny film", "amused", "stressed"),
        ("taking a nap", "sleeping", "jumping"),
        ("accelerometer on the left wrist", "acceleration of the left arm", "skin temperature at the ankle"),
        ("heart rate", "pulse", "magnetic field"),
    ],
)
def test_what_means_the_same_is_nearer(shipped, text, nearer, farther):
    query, near, far = shipped([text, nearer, farther])
    assert query @ near > query @ far + 0.05


def test_left_and_right_and_the_axes_stay_apart(shipped):
    first, second = shipped(["left wrist", "right wrist"])
    assert first @ second < 0.98
    x, y, z = shipped([f"acceleration along the {axis} axis" for axis in "xyz"])
    assert max(x @ y, x @ z, y @ z) < 0.98


@pytest.mark.parametrize(
    "text",
    [
        "a person is walking quickly up the stairs, then sits down",
        "someone jogging on a treadmill at 15 degrees",
        "accelerometer x axis, right wrist, m/s^2",
        "electrodermal activity at rest; mean 3.2, unhurried",
        "smartwatch on the wristband of a runner",
    ],
)
def test_plain_english_is_known(shipped, text):
    assert shipped.unknown_words(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "ein Mann läuft schnell die Treppe hinauf",
        "une personne qui court dans le parc",
        "una persona corriendo por la calle",
        "een man die fietst op straat",
        "человек бежит",
        "走路",
        "xqzvbn",
    ],
)
def test_other_languages_and_gibberish_are_noticed(shipped, text):
    assert shipped.unknown_words(text)


def test_the_published_reference_is_plain_json():
    ref = static_ref()
    assert json.loads(json.dumps(ref.model_dump(mode="json")))["name"] == "static"
    assert re.fullmatch("[0-9a-f]{64}", ref.options["sha256"])
