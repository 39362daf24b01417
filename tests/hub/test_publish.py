"""Publishing: the real client writes to a Hub on loopback, and what arrives is what was checked here."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import git_hub
import pytest
import torch
from git_hub import GitHub
from tiny_e4 import tiny_model
from typer.testing import CliRunner

import sslts
from sslts.cli import app
from sslts.data import specs
from sslts.errors import (
    ArtefactError,
    ConfigError,
    GoldenMismatchError,
    HubAuthenticationError,
    HubError,
    HubNetworkError,
    PublishError,
    SourceError,
)
from sslts.hub import artefact
from sslts.hub.card import Sections, render_card
from sslts.hub.catalogue import entry_from_folder
from sslts.hub.metrics import Metrics, Result
from sslts.hub.upload import Published
from sslts.model import Model
from sslts.publishing import fetch, pin, publish

WRITER, READER, STRANGER = "hf_writerwriterwriter", "hf_readerreaderreader", "hf_strangerstranger"
RESULT = Result(protocol="made-up", task="stress", dataset="made-up", metric="macro-f1", value=0.9, date="2026-01-31")
METRICS = Metrics(results=(RESULT,), source="make results")


def card_of(model: Model) -> str:
    prose = {name: f"What there is to say about {name.replace('_', ' ')} of this model." for name in ("limits", "how_to_cite")}
    sections = Sections(what_it_is="A model for tests.", differs_from_paper="Nothing.", data_and_licence="Made up; Apache-2.0.", **prose)
    return render_card(model.config, METRICS, sections)


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny_model(specs.empatica_e4(window_s=10, stride_s=5))


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    return model.save(tmp_path / "ready" / "tiny", card=card_of(model), metrics=METRICS.model_dump(mode="json"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """Nobody's repositories yet; `WRITER` is logged in."""
    with git_hub.running() as made:
        made.tokens |= {WRITER: ("org", True), READER: ("org", False)}
        monkeypatch.setenv("HF_ENDPOINT", made.endpoint)
        monkeypatch.setenv("HF_TOKEN", WRITER)
        # The client takes its endpoint from the environment when it is imported, which here was long ago.
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", made.endpoint)
        template = made.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        yield made


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.trust("N1", "published, then loaded by tag or commit into a fresh cache: byte-equal, no request when pinned or offline")
def test_what_is_loaded_by_its_commit_is_what_was_published_byte_for_byte(hub, folder, tmp_path):
    published = publish(folder, "org/tiny", tag="v1")
    assert hub.repos["org/tiny"].commits[published.commit] == contents(folder)
    assert hub.repos["org/tiny"].tags == {"v1": published.commit}
    loaded = sslts.load(published.pin, cache_dir=tmp_path / "cache")
    assert contents(loaded.folder) == contents(folder)
    assert published.sha256 == {path.name: artefact.sha256_of(path) for path in folder.iterdir()}


@pytest.mark.trust("N1", "published, then loaded by tag or commit into a fresh cache: byte-equal, no request when pinned or offline")
def test_a_tag_loads_and_says_which_commit_to_pin(hub, folder, tmp_path, caplog):
    published = publish(folder, "org/tiny", tag="v1")
    with caplog.at_level(logging.WARNING):
        sslts.load("hf:org/tiny@v1", cache_dir=tmp_path / "cache")
    assert published.pin in caplog.text
    hub.log.clear()
    sslts.load(published.pin, cache_dir=tmp_path / "cache")
    sslts.load(published.pin, cache_dir=tmp_path / "cache", offline=True)
    assert hub.log == []


def test_publishing_the_same_again_makes_no_second_commit(hub, folder):
    first = publish(folder, "org/tiny", tag="v1")
    assert publish(folder, "org/tiny", tag="v1") == first
    assert hub.asked("PUT", "") == 1, "the weights are sent once"


def test_a_tag_is_a_promise(hub, folder, model, tmp_path):
    publish(folder, "org/tiny", tag="v1")
    changed = Model(model.config.model_copy(update={"provenance": model.config.provenance.model_copy(update={"seed": 7})}), model.method)
    other = changed.save(tmp_path / "other", card=card_of(model), metrics=METRICS.model_dump(mode="json"))
    with pytest.raises(PublishError, match="already has a tag 'v1'"):
        publish(other, "org/tiny", tag="v1")
    assert publish(other, "org/tiny", tag="v2").commit != hub.repos["org/tiny"].tags["v1"]


def test_a_new_repository_is_private_when_asked_and_a_branch_is_made(hub, folder):
    published = publish(folder, "org/tiny", private=True, branch="trial")
    assert hub.repos["org/tiny"].private
    assert hub.repos["org/tiny"].branches["trial"] == published.commit
    assert hub.repos["org/tiny"].branches["main"] != published.commit


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"card": ""}, "card of 20 words or more that says what the model is"),
        ({"card": "---\nlibrary_name: sslts\nlicense: mit\n---\n" + "word " * 30}, "a card whose license"),
        ({"metrics": None}, "measured figures"),
        ({"licence": ""}, "a licence of the weights"),
    ],
)
def test_what_is_not_ready_is_refused_before_anything_is_sent(hub, model, tmp_path, change, says):
    provenance = model.config.provenance.model_copy(update={"licence": change.get("licence", "Apache-2.0")})
    made = Model(model.config.model_copy(update={"provenance": provenance}), model.method)
    card, metrics = change.get("card", card_of(model)), change.get("metrics", METRICS.model_dump(mode="json"))
    folder = made.save(tmp_path / "x", card=card, metrics=metrics)
    with pytest.raises(PublishError, match=says):
        publish(folder, "org/tiny")
    assert hub.log == []


def test_a_damaged_model_is_refused_before_anything_is_sent(hub, folder):
    (folder / "README.md").write_text("changed")
    with pytest.raises(ArtefactError, match="changed or damaged"):
        publish(folder, "org/tiny")
    assert hub.log == []


def test_a_model_that_does_not_reproduce_itself_is_refused(hub, folder):
    config = json.loads((folder / "config.json").read_text())
    config["golden"]["embedding"][0][0] += 1.0
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(GoldenMismatchError, match="does not reproduce"):
        publish(folder, "org/tiny")
    assert hub.log == []


def test_a_card_that_the_hub_refuses_makes_no_repository(hub, folder):
    hub.faults["POST validate-yaml"] = [lambda handler: handler.reply(400, {"errors": [{"message": "bad tags"}], "warnings": []})]
    with pytest.raises(PublishError, match="The Hub refuses the front matter"):
        publish(folder, "org/tiny")
    assert hub.repos == {}


@pytest.mark.parametrize(
    ("token", "error", "says"), [(STRANGER, HubAuthenticationError, "Log in"), (READER, HubAuthenticationError, "write access")]
)
def test_who_may_not_write_is_told_so_and_the_token_is_never_shown(hub, folder, token, error, says):
    with pytest.raises(error, match=says) as caught:
        publish(folder, "org/tiny", token=token)
    assert token not in str(caught.value)


def test_tokens_never_leave_the_endpoint(hub, folder, tmp_path):
    published = publish(folder, "org/tiny", private=True)
    sslts.load(published.pin, cache_dir=tmp_path / "cache")
    assert hub.asked("PUT", "")
    assert hub.authorised
    assert not [line for line in hub.authorised if line.startswith("store")]


def test_a_hub_that_breaks_off_is_a_network_error_and_publishing_again_works(hub, folder):
    hub.faults["POST commit"] = [lambda handler: handler.refuse(500)] * 20
    with pytest.raises(HubNetworkError, match="upload the files"):
        publish(folder, "org/tiny")
    hub.faults.clear()
    assert publish(folder, "org/tiny").commit in hub.repos["org/tiny"].commits


@pytest.mark.parametrize(
    ("repo", "options"), [("tiny", {}), ("org/../x", {}), ("org/tiny", {"tag": "a b"}), ("org/tiny", {"branch": "../x"})]
)
def test_what_is_no_repository_tag_or_branch_is_refused(hub, folder, repo, options):
    with pytest.raises(SourceError):
        publish(folder, repo, **options)
    assert hub.log == []


def test_a_loaded_model_is_pushed_with_the_card_and_the_figures_it_came_with(hub, folder, tmp_path):
    loaded = sslts.load(folder)
    published = loaded.push_to_hub("org/tiny", tag="v1")
    again = sslts.load(published.pin, cache_dir=tmp_path / "cache")
    assert (again.folder / "README.md").read_bytes() == (folder / "README.md").read_bytes()
    assert (again.folder / "metrics.json").read_bytes() == (folder / "metrics.json").read_bytes()
    assert all(torch.equal(value, again.method.state_dict()[name]) for name, value in loaded.method.state_dict().items())


def test_a_model_without_a_card_is_not_pushed(hub, model):
    with pytest.raises(PublishError, match="measured figures"):
        model.push_to_hub("org/tiny")
    assert hub.log == []


def named(model: Model, name: str, folder: Path) -> Path:
    """The model under another name, as a folder that is ready."""
    made = replace(model, config=model.config.model_copy(update={"name": name}), folder=None)
    return made.save(folder / name, card=card_of(made), metrics=METRICS.model_dump(mode="json"))


def test_the_commit_is_pinned_in_a_catalogue(hub, model, tmp_path):
    catalogue, folder = tmp_path / "catalogue.json", named(model, "acme.tiny", tmp_path)
    first = publish(folder, "org/tiny", catalogue=catalogue)
    (entry,) = json.loads(catalogue.read_text())
    assert (entry["name"], entry["where"]["revision"]) == ("acme.tiny", first.commit)
    pin(folder, replace(first, commit="f" * 40), catalogue)
    (entry,) = json.loads(catalogue.read_text())
    assert entry["where"]["revision"] == "f" * 40
    assert entry_from_folder(folder).parameters == entry["parameters"]


def test_fetching_copies_a_model_that_loads_without_a_network(hub, folder, tmp_path):
    published = publish(folder, "org/tiny")
    got = fetch(published.pin, tmp_path / "usb", cache_dir=tmp_path / "cache")
    assert got == tmp_path / "usb" / "tiny"
    assert contents(got) == contents(folder)
    hub.log.clear()
    assert sslts.load(f"dir:{got}").name == "tiny"
    assert hub.log == []
    with pytest.raises(ArtefactError, match="not empty"):
        fetch(published.pin, tmp_path / "usb", cache_dir=tmp_path / "cache")


def test_the_commands_publish_and_fetch(hub, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    done = CliRunner().invoke(app, ["publish", str(folder), "org/tiny", "--tag", "v1", "--public"])
    assert done.exit_code == 0, done.output
    commit = hub.repos["org/tiny"].tags["v1"]
    assert f"sslts.load('hf:org/tiny@{commit}')" in done.stdout
    done = CliRunner().invoke(app, ["fetch", f"hf:org/tiny@{commit}", "--to", str(tmp_path / "models")])
    assert done.exit_code == 0, done.output
    assert sslts.load(tmp_path / "models" / "tiny").name == "tiny"
    failed = CliRunner().invoke(app, ["publish", str(folder), "org/tiny", "--tag", "not a tag"])
    assert failed.exit_code == 1


def test_what_is_no_catalogue_file_is_left_as_it_is(folder, tmp_path):
    (tmp_path / "notes.json").write_text('{"a": 1}')
    published = Published("org/tiny", "0" * 40, None, {"config.json": "0" * 64, "model.safetensors": "1" * 64})
    with pytest.raises(ConfigError, match="not a list of catalogue entries"):
        pin(folder, published, tmp_path / "notes.json")
    assert (tmp_path / "notes.json").read_text() == '{"a": 1}'


@pytest.mark.parametrize("name", ["tiny", "other.tiny"])
def test_a_name_that_a_plugins_catalogue_cannot_hold_is_refused_before_anything_is_sent(hub, model, tmp_path, name):
    """One entry of another namespace would switch the plugin's whole catalogue off."""
    catalogue = tmp_path / "catalogue.json"
    publish(named(model, "acme.tiny", tmp_path), "org/tiny", catalogue=catalogue)
    hub.log.clear()
    with pytest.raises(ConfigError, match=rf"cannot hold '{name}': names of a plugin's models start with acme\."):
        publish(named(model, name, tmp_path), "org/other", catalogue=catalogue)
    assert hub.log == []
    assert [entry["name"] for entry in json.loads(catalogue.read_text())] == ["acme.tiny"]


@pytest.mark.parametrize(("where", "says"), [("notes.json", "not a list"), ("nowhere/catalogue.json", "cannot be written")])
def test_a_catalogue_that_cannot_be_written_is_found_out_before_anything_is_sent(hub, model, tmp_path, where, says):
    (tmp_path / "notes.json").write_text('{"a": 1}')
    with pytest.raises(ConfigError, match=says):
        publish(named(model, "acme.tiny", tmp_path), "org/tiny", catalogue=tmp_path / where)
    assert hub.log == []


def test_a_file_that_changes_while_it_is_read_is_not_published(hub, folder, monkeypatch):
    monkeypatch.setattr("sslts.hub.upload.sha256_of", lambda path: "0" * 64)
    with pytest.raises(ArtefactError, match="changed while it was read"):
        publish(folder, "org/tiny")
    assert not hub.asked("POST", "/commit/")


def test_a_card_that_the_config_does_not_list_is_refused(hub, folder):
    config = json.loads((folder / "config.json").read_text())
    del config["files"]["README.md"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(PublishError, match="README.md among the files"):
        publish(folder, "org/tiny")


def test_an_answer_without_a_commit_is_an_error(hub, folder):
    hub.faults["POST commit"] = [
        lambda handler: handler.reply(200, {"commitOid": "yes", "commitUrl": f"{hub.endpoint}/org/tiny/commit/yes", "success": True})
    ]
    with pytest.raises(HubError, match="without a commit"):
        publish(folder, "org/tiny")
