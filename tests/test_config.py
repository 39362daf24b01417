"""Configs: bounded, strict, and errors that name the field."""

from __future__ import annotations

import json

import pytest

from sslts.config import (
    Channel,
    ChannelStatistics,
    ComponentRef,
    Golden,
    Modality,
    ModelConfig,
    SensorSpec,
    parse,
)
from sslts.errors import ConfigError
from sslts.strict_json import MAX_CONFIG_BYTES, parse_json, printable, read_json

X = {"name": "x", "kind": "accelerometer", "unit": "g"}
ACC = {"name": "acc", "rate_hz": 32, "channels": [X]}
SPEC = {"modalities": [ACC], "window_s": 10, "stride_s": 5}
CLIP = {"modalities": [ACC], "window_s": 1, "stride_s": 1, "clock": "clip"}
MODEL = {"name": "tiny", "method": {"name": "crossl"}, "spec": SPEC, "components": {}}


@pytest.mark.parametrize(
    ("model", "data", "expected"),
    [
        (Channel, {**X, "describtion": "x"}, "describtion: unknown key. Did you mean 'description'?"),
        (Channel, {**X, "colour": "red"}, "x.json: colour: unknown key (known: name, kind, unit, "),
        (Channel, {"name": "x", "kind": "accelerometer"}, "unit: Field required"),
        (Channel, {**X, "name": "X axis"}, "name: "),
        (Channel, {**X, "name": "a" * 65}, "name: "),
        (Channel, {**X, "unit": ""}, "unit: "),
        (Channel, {**X, "description": "a\x00b"}, "description: "),
        (Channel, {**X, "description": "a" * 2001}, "description: "),
        (Channel, {**X, "valid": [2, -2]}, "low < high"),
        (Channel, {**X, "valid": [0, 1e13]}, "valid.1: "),
        (Modality, {**ACC, "rate_hz": 0}, "rate_hz: "),
        (Modality, {**ACC, "rate_hz": 1e18}, "rate_hz: "),
        (Modality, {**ACC, "rate_hz": "fast"}, "rate_hz: "),
        (Modality, {**ACC, "channels": []}, "channels: "),
        (Modality, {**ACC, "channels": [X, X]}, "channels of modality 'acc' must have different names, got x more than once"),
        (Modality, {**ACC, "channels": [{**X, "name": f"c{i}"} for i in range(257)]}, "channels: "),
        (SensorSpec, {**SPEC, "modalities": [ACC, ACC]}, "modalities must have different names, got acc"),
        (SensorSpec, {**SPEC, "window_s": 0.001}, "holds no sample of 'acc' at 32 Hz"),
        (SensorSpec, {**SPEC, "window_s": -1}, "window_s: "),
        (SensorSpec, {**SPEC, "modalities": "all"}, "modalities"),
        (SensorSpec, {**SPEC, "clock": "frames"}, "clock: "),
        (SensorSpec, {**SPEC, "clock": "clip"}, "a clip is one window: window_s and stride_s must be 1, got 10 and 5"),
        (SensorSpec, {**CLIP, "modalities": [{**ACC, "rate_hz": 2.5}]}, "a clip holds a whole number of samples, but rate_hz is 2.5"),
        (SensorSpec, {**CLIP, "modalities": {"rate_hz": 2.5, "units": {"eda": "uS"}}}, "a whole number of samples, but rate_hz is 2.5"),
        (Modality, {**ACC, "frame": [0, 8]}, "frame.0: "),
        (Modality, {**ACC, "frame": [8, 4097]}, "frame.1: "),
        (Modality, {**ACC, "frame": [8]}, "frame.1: "),
        (ChannelStatistics, {"mean": [0, 1], "scale": [1]}, "2 means but 1 scales"),
        (ChannelStatistics, {"mean": [0], "scale": [0]}, "scale.0: "),
        (Golden, {"seed": -1, "embedding": [[0]]}, "seed: "),
        (Golden, {"seed": 1, "embedding": [[0]], "tolerance": 10}, "tolerance: "),
        (ComponentRef, {"name": "tcn", "options": {"a": 1e13}}, "options.a is 10000000000000.0, expected a finite number"),
        (ComponentRef, {"name": "tcn", "options": {"a": {"b": "\x1b"}}}, "options.a.b is too long or holds control characters"),
        (ComponentRef, {"name": "tcn", "options": {"a": [0] * 4097}}, "options.a has 4097 items"),
        (ComponentRef, {"name": "tcn", "options": {"a": [[[[[[[0]]]]]]]}}, "nested more than 6 deep"),
        (ComponentRef, {"name": "tcn", "options": {"k" * 65: 1}}, "key that is not a short string"),
        (ComponentRef, {"name": "tcn", "options": {"a": object()}}, "options.a is object, expected JSON"),
        (ComponentRef, {"name": "sslts.x:y"}, "name: "),
        (ModelConfig, {**MODEL, "files": {"model.safetensors": "0" * 63}}, "files.model.safetensors: "),
        (ModelConfig, {**MODEL, "schema_version": 0}, "schema_version: "),
        (ModelConfig, {**MODEL, "components": {f"c{i}": {"name": "x"} for i in range(257)}}, "components: "),
        (
            ModelConfig,
            {**MODEL, "preprocessing": {"statistics": {"eda": {"mean": [0], "scale": [1]}}}},
            "names 'eda', which is not a modality",
        ),
        (ModelConfig, {**MODEL, "preprocessing": {"statistics": {"acc": {"mean": [0, 0], "scale": [1, 1]}}}}, "has 2 channels, the spec 1"),
    ],
)
def test_a_bad_value_is_refused_and_the_message_names_the_field(model, data, expected):
    with pytest.raises(ConfigError) as caught:
        parse(model, data, "x.json")
    assert str(caught.value).startswith("x.json: ")
    assert expected in str(caught.value)


def test_a_good_config_keeps_its_values():
    config = parse(ModelConfig, {**MODEL, "components": {"encoders.acc": {"name": "tcn"}, "aggregator": {"name": "mean"}}}, "x")
    assert config.spec.modality("acc").rate_hz == 32
    assert config.spec.samples(config.spec.modality("acc")) == 320
    assert config.group("encoders") == {"acc": ComponentRef(name="tcn")}
    assert parse(ModelConfig, json.loads(json.dumps(config.model_dump(mode="json"))), "x") == config


def test_a_model_may_accept_any_modality():
    spec = parse(SensorSpec, {**SPEC, "modalities": "any"}, "x")
    assert (spec.names, spec.named) == ((), ())


def test_what_was_written_before_videos_and_clips_existed_is_still_written_so():
    """Digests of configs, stores and recipes are taken of these bytes."""
    channel = '{"name":"x","kind":"accelerometer","unit":"g","position":"","description":"","valid":null}'
    modality = f'{{"name":"acc","rate_hz":32.0,"channels":[{channel}]}}'
    spec = parse(SensorSpec, SPEC, "x")
    assert spec.model_dump_json() == f'{{"modalities":[{modality}],"window_s":10.0,"stride_s":5.0}}'
    assert json.dumps(spec.model_dump(mode="json"), separators=(",", ":")) == spec.model_dump_json()
    assert "frame" not in spec.named[0].model_dump()
    assert parse(SensorSpec, {**SPEC, "clock": "seconds", "modalities": [{**ACC, "frame": None}]}, "x") == spec


def test_videos_and_clips_are_written_and_read_back():
    spec = parse(SensorSpec, {**CLIP, "modalities": [{**ACC, "frame": [4, 6]}]}, "x")
    assert (spec.named[0].frame, spec.clock) == ((4, 6), "clip")
    written = json.loads(spec.model_dump_json())
    assert (written["modalities"][0]["frame"], written["clock"]) == ([4, 6], "clip")
    assert parse(SensorSpec, written, "x") == spec


def test_an_unknown_modality_lists_the_known_ones():
    with pytest.raises(ConfigError, match="No modality is named 'eda'. This model's modalities: acc"):
        parse(SensorSpec, SPEC, "x").modality("eda")


def test_values_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        parse(Channel, X, "x").name = "y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1, "a": 2}', "key 'a' appears twice"),
        ('{"a": NaN}', "NaN is not allowed"),
        ('{"a": -Infinity}', "-Infinity is not allowed"),
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("1" * 10_000, "not valid JSON"),
    ],
)
def test_json_is_read_strictly(text, expected):
    with pytest.raises(ConfigError, match=expected):
        parse_json(text, "x.json")


def test_json_files_are_bounded_and_utf_8(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"a": "µ"}', encoding="utf-8")
    assert read_json(path) == {"a": "µ"}
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ConfigError, match="cannot be read"):
        read_json(path)
    path.write_text(" " * (MAX_CONFIG_BYTES + 1))
    with pytest.raises(ConfigError, match="expected at most"):
        read_json(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_json(tmp_path / "absent.json")


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x00", "\u202e", "\x9b31m"])
def test_messages_never_repeat_control_characters(hostile):
    assert printable(hostile).isprintable()
    for data in ({**X, "name": hostile}, {**X, hostile: 1}, {**X, "valid": [hostile, 1]}):
        with pytest.raises(ConfigError) as caught:
            parse(Channel, data, "x.json")
        assert str(caught.value).isprintable()
