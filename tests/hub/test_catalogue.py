"""The catalogue: facts come from the models' folders, plugins add to it and cannot break it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from sslts.errors import ArtefactError, CollisionError, ConfigError, PluginError, UnknownModelError
from sslts.hub import catalogue
from sslts.hub.entry import InFolder, OnHub, parse_entry
from sslts.hub.resolve import resolve
from sslts.hub.sources import HubSource

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HASHES = {"config.json": "0" * 64, "model.safetensors": "1" * 64}
ON_HUB = {
    "name": "acme.wavelet-wesad", "method": "crossl", "modalities": ["acc"], "rates_hz": [32], "window_s": 10, "parameters": 1_234_567,
    "size_bytes": 5_000_000, "licence": "MIT", "data": ["WESAD"], "tasks": ["stress"],
    "where": {"kind": "hub", "repo": "acme/wavelet", "revision": COMMIT, "sha256": HASHES},
}  # fmt: skip
CATALOGUE = "[sslts.catalogues]\nacme = {module}:entries\n"


def returning(*entries: object) -> str:
    return f"def entries():\n    return {list(entries)!r}\n"


@pytest.fixture
def bundled(folder, monkeypatch):
    """The tiny model, as if it were bundled."""
    monkeypatch.setattr(catalogue, "bundled_folders", lambda: {"tiny": folder})
    return folder


def test_an_entry_is_derived_from_the_folder(bundled):
    entry = catalogue.find("tiny")
    assert (entry.name, entry.method, entry.modalities, entry.rates_hz, entry.window_s) == ("tiny", "crossl", ("acc", "eda"), (8, 4), 4)
    assert entry.parameters == 12 + 2 + 1  # the integer buffer is not counted
    assert entry.size_bytes == (bundled / "model.safetensors").stat().st_size
    assert (entry.licence, entry.data, entry.tasks) == ("CC-BY-NC-4.0", ("WESAD",), ("stress", "4-class"))
    assert entry.headline is not None
    assert (entry.headline.name, entry.headline.value, entry.headline.protocol) == ("macro-f1", 96.5, "wesad-loso stress")
    assert entry.where == InFolder(path=bundled)


def test_a_model_without_figures_has_no_headline(bundled):
    (bundled / "metrics.json").unlink()
    entry = catalogue.find("tiny")
    assert (entry.headline, entry.tasks) == (None, ())
    assert "tiny" in repr(catalogue.list_models())


def test_bad_figures_are_refused_with_the_field(bundled):
    (bundled / "metrics.json").write_text(
        '{"results": [{"protocol": "p", "task": "t", "dataset": "d", "metric": "m", "value": 1, "low": 2}]}'
    )
    with pytest.raises(ConfigError, match=r"metrics\.json: results\.0: low and high come together"):
        catalogue.find("tiny")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, True),
        ({"pattern": "ti*"}, True),
        ({"pattern": "crossl*"}, False),
        ({"modality": "eda"}, True),
        ({"modality": "video"}, False),
        ({"task": "stress"}, True),
        ({"task": "sleep"}, False),
        ({"licence": "cc-by-*"}, True),
        ({"licence": "MIT"}, False),
        ({"modality": "acc", "task": "4-class", "licence": "CC-BY-NC-4.0"}, True),
    ],
)
def test_filters_narrow_the_list(bundled, filters, found):
    assert catalogue.list_models(**filters).names == (("tiny",) if found else ())


def test_the_list_prints_as_an_aligned_table(bundled, plugins):
    plugins.install("acme", CATALOGUE.format(module="acme"), returning(ON_HUB))
    lines = repr(catalogue.list_models()).splitlines()
    assert [line.split()[0] for line in lines] == ["name", "acme.wavelet-wesad", "tiny"]
    column = lines[0].index("where")
    assert lines[1][column:] == "hf:acme/wavelet@0123456"
    assert lines[2][column:] == "bundled"
    assert "acc 8 Hz, eda 4 Hz" in lines[2]
    assert "1.2 M" in lines[1]
    assert "5.0 MB" in lines[1]
    assert repr(catalogue.list_models("none*")) == "no models"


def test_a_broken_bundled_folder_is_left_out_and_logged(bundled, caplog):
    (bundled / "config.json").write_text("{")
    assert catalogue.list_models() == ()
    assert "is left out" in caplog.text
    with pytest.raises(ConfigError):
        catalogue.find("tiny")


def test_a_folder_without_weights_is_no_model(bundled):
    (bundled / "model.safetensors").unlink()
    with pytest.raises(ArtefactError, match="missing"):
        catalogue.find("tiny")


def test_a_plugins_entry_resolves_to_its_pinned_commit(plugins):
    plugins.install("acme", CATALOGUE.format(module="acme"), returning(ON_HUB))
    assert resolve("acme.wavelet-wesad", offline=True) == HubSource("acme/wavelet", COMMIT, sha256=HASHES, offline=True)
    with pytest.raises(UnknownModelError, match="Did you mean 'acme.wavelet-wesad'"):
        resolve("acme.wavelets-wesad")


def test_a_plugin_can_bundle_its_weights(plugins, bundled, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(bundled, own)
    (own / "config.json").write_text(json.dumps(json.loads((own / "config.json").read_text()) | {"name": "acme.tiny"}))
    code = (
        "from pathlib import Path\nfrom sslts.hub.catalogue import entry_from_folder\n"
        f"def entries():\n    return [entry_from_folder(Path({str(own)!r}))]\n"
    )
    plugins.install("acme", CATALOGUE.format(module="acme"), code)
    assert resolve("acme.tiny").folder() == own


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("def entries():\n    raise KeyError('inside')\n", "KeyError"),
        ("def entries():\n    import sys; sys.exit(1)\n", "SystemExit"),
        ("entries = 3", "TypeError"),
        (returning({**ON_HUB, "code": "x"}), "code: unknown key"),
        (returning({**ON_HUB, "name": "wavelet"}), "expected names that start with 'acme.'"),
        (returning({**ON_HUB, "name": "crossl-wesad"}), "expected names that start with 'acme.'"),
    ],
)
def test_a_broken_catalogue_is_named_and_leaves_the_rest_alone(plugins, bundled, caplog, code, reason):
    plugins.install("acme", CATALOGUE.format(module="acme"), code)
    assert catalogue.list_models().names == ("tiny",)
    assert "left out" in caplog.text
    assert catalogue.find("tiny").name == "tiny"
    with pytest.raises(PluginError) as caught:
        catalogue.find("acme.wavelet-wesad")
    assert "acme 1.0" in str(caught.value)
    assert reason in str(caught.value)


def test_two_plugins_with_one_name_collide(plugins):
    plugins.install("acme", CATALOGUE.format(module="acme"), returning(ON_HUB))
    plugins.install("acme-fork", CATALOGUE.format(module="acme_fork"), returning(ON_HUB))
    with pytest.raises(CollisionError, match=r"acme 1\.0, acme-fork 1\.0"):
        catalogue.find("acme.wavelet-wesad")


def test_a_name_asks_only_the_plugin_of_its_namespace(plugins):
    plugins.install("other", "[sslts.catalogues]\nother = other:entries\n", "raise RuntimeError('imported')")
    plugins.install("acme", CATALOGUE.format(module="acme"), returning(ON_HUB))
    assert catalogue.find("acme.wavelet-wesad").parameters == 1_234_567


@pytest.mark.parametrize(
    "where",
    [
        {"revision": "main"},
        {"revision": COMMIT[:39]},
        {"repo": "wavelet"},
        {"repo": "../../etc"},
        {"sha256": {"config.json": "0" * 64}},
        {"sha256": {**HASHES, "../x": "0" * 64}},
    ],
)
def test_an_entry_on_the_hub_needs_a_commit_and_hashes(where):
    with pytest.raises(ConfigError, match="where"):
        parse_entry({**ON_HUB, "where": {**ON_HUB["where"], **where}}, "x")


@pytest.mark.parametrize("where", [ON_HUB["where"], {"kind": "folder", "path": "/models/x"}])
def test_an_entry_survives_json(where):
    entry = parse_entry({**ON_HUB, "where": where, "headline": {"name": "macro-f1", "value": 0.5, "protocol": "p"}}, "x")
    assert parse_entry(json.loads(json.dumps(entry.to_json())), "y") == entry


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Not A Name"}, "x: name: expected a lower-case name"),
        ({"modalities": "acc"}, "x: modalities: expected a list, got 'acc'"),
        ({"modalities": []}, "x: modalities: expected at least one"),
        ({"rates_hz": [32, 4]}, "x: rates_hz: expected one positive rate a modality"),
        ({"rates_hz": [float("nan")]}, "x: rates_hz"),
        ({"window_s": 0}, "x: window_s: expected positive seconds, got 0"),
        ({"parameters": 1.5}, "x: parameters: expected a whole number"),
        ({"licence": "a\x1b[2J"}, "x: licence: expected a short text"),
        ({"headline": {"name": "f1", "value": "high", "protocol": "p"}}, "x: headline.value: expected a finite number, got 'high'"),
        ({"where": {"kind": "ftp"}}, "x: where.kind: expected folder or hub, got 'ftp'"),
        ({"where": {"kind": "hub", "repo": "a/b", "code": "x"}}, "x: code: unknown key"),
        ({"where": {"kind": "hub", "repo": "a/b"}}, "missing"),
    ],
)
def test_a_field_that_is_not_valid_is_named(change, said):
    with pytest.raises(ConfigError) as caught:
        parse_entry({**ON_HUB, **change}, "x")
    assert said in str(caught.value)


def test_a_missing_field_is_named():
    with pytest.raises(ConfigError, match="x: missing 1 required keyword-only argument: 'method'"):
        parse_entry({key: value for key, value in ON_HUB.items() if key != "method"}, "x")


def test_listing_imports_neither_pydantic_nor_torch():
    code = "import sys, sslts; assert sslts.list_models(); print([name for name in ('pydantic', 'torch', 'numpy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_our_own_catalogue_file_is_valid():
    for entry in catalogue._on_the_hub():
        assert isinstance(entry.where, OnHub)
        assert "." not in entry.name


def test_every_bundled_model_is_listed_under_its_folders_name():
    for name, folder in catalogue.bundled_folders().items():
        assert catalogue.entry_from_folder(folder).name == name


def test_a_model_that_the_catalogue_pins_is_found_on_the_hub(bundled, monkeypatch):
    where = OnHub("org/pinned", "0" * 40, {"config.json": "1" * 64, "model.safetensors": "2" * 64})
    pinned = replace(catalogue.entry_from_folder(bundled), name="pinned", where=where)
    other = replace(pinned, name="other")
    monkeypatch.setattr(catalogue, "_on_the_hub", lambda: (other, pinned))
    assert catalogue.find("pinned") == pinned
    assert {"pinned", "other"} <= set(catalogue.list_models().names)
    source = catalogue.find("pinned").source()
    assert source.describe() == f"hf:org/pinned@{'0' * 40}"
    with pytest.raises(UnknownModelError, match="Did you mean 'pinned'"):
        catalogue.find("pined")


def test_a_folder_without_config_is_no_model(tmp_path):
    with pytest.raises(ArtefactError, match=r"it has no config\.json"):
        catalogue.entry_from_folder(tmp_path)


def test_a_config_that_lacks_what_the_list_shows_is_named(bundled):
    told = json.loads((bundled / "config.json").read_text())
    del told["spec"]["window_s"]
    (bundled / "config.json").write_text(json.dumps(told))
    with pytest.raises(ConfigError, match=r"lacks what the catalogue shows \(KeyError"):
        catalogue.entry_from_folder(bundled)
