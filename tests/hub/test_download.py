"""Models from the Hub: the real client against a server on loopback that can lie and fail."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, Repo, flipped, lie_about_etag, running, status, truncated

from sslts.errors import (
    ArtefactError,
    HubAuthenticationError,
    HubError,
    HubFileError,
    HubGatedError,
    HubIntegrityError,
    HubNetworkError,
    HubOfflineError,
    HubRepositoryError,
    HubRevisionError,
)
from sslts.hub import artefact, download
from sslts.hub.download import fetch
from sslts.hub.resolve import resolve

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = ("README.md", "config.json", "metrics.json", "model.safetensors")
TOKEN = "hf_secretsecretsecret"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def hub(folder, monkeypatch) -> Iterator[Hub]:
    """A server with the tiny model as org/tiny; failures are retried for a moment only."""
    monkeypatch.setattr(download, "_RETRY_FOR_S", 1.0)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        hub.repos["org/tiny"] = Repo(COMMIT, {**files, "training_args.bin": b"never asked for"}, refs=("main", "v1"))
        yield hub


def outside(cache: Path) -> set[str]:
    """Everything beside the cache."""
    return {path.name for path in cache.parent.iterdir()} - {cache.name}


def test_a_model_arrives_byte_for_byte_and_nothing_else_is_asked_for(hub, folder, cache):
    got = fetch("org/tiny", COMMIT, cache_dir=cache)
    assert sorted(path.name for path in got.iterdir()) == sorted(FILES)
    assert all((got / name).read_bytes() == (folder / name).read_bytes() for name in FILES)
    assert not hub.asked("GET", "training_args.bin")
    assert not hub.asked("HEAD", "training_args.bin")
    artefact.check_files(got, artefact.read_config(got))


@pytest.mark.parametrize("offline", [None, True])
def test_a_pinned_model_in_the_cache_needs_no_request(hub, cache, offline):
    first = fetch("org/tiny", COMMIT, cache_dir=cache)
    hub.log.clear()
    assert fetch("org/tiny", COMMIT, cache_dir=cache, offline=offline) == first
    assert hub.log == []


@pytest.mark.parametrize("revision", [None, "main", "v1"])
def test_a_moving_revision_says_which_commit_to_pin(hub, cache, caplog, revision):
    with caplog.at_level(logging.WARNING):
        got = fetch("org/tiny", revision, cache_dir=cache)
    assert got.name == COMMIT
    assert f"hf:org/tiny@{COMMIT}" in caplog.text
    caplog.clear()
    fetch("org/tiny", COMMIT, cache_dir=cache)
    assert caplog.text == ""


def test_a_name_that_was_loaded_once_works_offline_and_another_does_not(hub, cache):
    got = fetch("org/tiny", "v1", cache_dir=cache)
    hub.log.clear()
    assert fetch("org/tiny", "v1", cache_dir=cache, offline=True) == got
    with pytest.raises(HubOfflineError, match="main"):
        fetch("org/tiny", cache_dir=cache, offline=True)
    assert hub.log == []


def test_resolve_leads_to_the_hub(hub, cache):
    source = resolve(f"hf:org/tiny@{COMMIT}", cache_dir=cache)
    assert hub.log == []
    assert (source.folder() / "config.json").is_file()


@pytest.mark.trust("N5", "missing repository, revision or file, gated, private, expired token: distinct typed errors, no token shown")
@pytest.mark.parametrize(
    ("repo", "revision", "error", "says"),
    [
        ("org/absent", COMMIT, HubRepositoryError, "hf:org/absent does not exist"),
        ("org/absent", "main", HubRepositoryError, "hf:org/absent does not exist"),
        ("org/tiny", "v9", HubRevisionError, "no revision 'v9'"),
        ("org/tiny", "f" * 40, HubRevisionError, "no revision 'fff"),
        ("org/gated", COMMIT, HubGatedError, "Accept its terms at https://huggingface.co/org/gated"),
        ("org/expired", COMMIT, HubAuthenticationError, "may have expired"),
        ("org/expired", "main", HubAuthenticationError, "may have expired"),
        ("org/foreign", COMMIT, HubFileError, "has no file config.json"),
        ("org/partial", COMMIT, HubFileError, "has no file model.safetensors"),
    ],
)
def test_what_is_missing_or_forbidden_has_its_own_error(hub, cache, repo, revision, error, says):
    files = hub.repos["org/tiny"].files
    hub.repos["org/gated"] = Repo(COMMIT, files, gated=True)
    hub.repos["org/expired"] = Repo(COMMIT, files, token="hf_another")
    hub.repos["org/foreign"] = Repo(COMMIT, {"pytorch_model.bin": b"x"})
    hub.repos["org/partial"] = Repo(COMMIT, {name: body for name, body in files.items() if name != "model.safetensors"})
    with pytest.raises(HubError) as caught:
        fetch(repo, revision, cache_dir=cache)
    assert type(caught.value) is error
    assert says in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_valid_token_opens_a_private_repository(hub, cache):
    hub.repos["org/tiny"].token = TOKEN
    assert fetch("org/tiny", COMMIT, cache_dir=cache).is_dir()


def test_offline_without_the_model_says_what_to_do(hub, cache):
    with pytest.raises(HubOfflineError, match=r"config\.json is not in the cache, and offline mode is on"):
        fetch("org/tiny", COMMIT, cache_dir=cache, offline=True)
    assert hub.log == []


def test_an_unreachable_hub_is_a_network_error(hub, cache, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for revision in (COMMIT, "main"):
        with pytest.raises(HubNetworkError, match="Check the connection"):
            fetch("org/tiny", revision, cache_dir=cache)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_passing_failure_is_retried(hub, folder, cache, method):
    hub.faults[f"{method} model.safetensors"] = [status(503)]
    got = fetch("org/tiny", COMMIT, cache_dir=cache)
    assert (got / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


def test_a_body_that_breaks_off_once_is_completed(hub, folder, cache):
    body = hub.repos["org/tiny"].files["model.safetensors"]
    hub.faults["GET model.safetensors"] = [truncated(body)]
    got = fetch("org/tiny", COMMIT, cache_dir=cache)
    assert (got / "model.safetensors").read_bytes() == body


def test_a_lasting_failure_is_reported_with_its_status(hub, cache):
    hub.faults["HEAD model.safetensors"] = [status(503)] * 99
    with pytest.raises(HubNetworkError, match=r"model\.safetensors of hf:org/tiny@.* \(status 503\)"):
        fetch("org/tiny", COMMIT, cache_dir=cache)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_flipped_bit_is_noticed_and_never_stays_in_the_cache(hub, folder, cache, name):
    hub.faults[f"GET {name}"] = [flipped(hub.repos["org/tiny"].files[name])]
    with pytest.raises(HubIntegrityError, match=name):
        fetch("org/tiny", COMMIT, cache_dir=cache)
    got = fetch("org/tiny", COMMIT, cache_dir=cache)
    assert (got / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_damaged_in_the_cache_is_fetched_again(hub, folder, cache, name):
    got = fetch("org/tiny", COMMIT, cache_dir=cache)
    (got / name).resolve().write_bytes(b"damaged")
    with pytest.raises(HubOfflineError, match=name):
        fetch("org/tiny", COMMIT, cache_dir=cache, offline=True)
    assert fetch("org/tiny", COMMIT, cache_dir=cache) == got
    assert (got / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("etag", ["../../../evil", "/tmp/evil", "evil", "0" * 41, "..", "A" * 40])
def test_an_etag_that_is_no_hash_never_becomes_a_file_name(hub, cache, etag):
    before = outside(cache)
    hub.faults["HEAD config.json"] = [lie_about_etag(etag)] * 9
    with pytest.raises(HubIntegrityError, match="ETag that is not a hash"):
        fetch("org/tiny", COMMIT, cache_dir=cache)
    assert outside(cache) == before
    assert not hub.asked("GET", "config.json")


@pytest.mark.parametrize(
    ("revision", "answered"), [(COMMIT, "f" * 40), ("v1", "main"), ("v1", "../../x"), ("v1", "F" * 40), (None, "f" * 39)]
)
def test_an_answer_for_another_commit_or_none_is_refused(hub, cache, revision, answered):
    def other_commit(handler):
        handler.reply(200, b"{}", {"X-Repo-Commit": answered, "ETag": '"' + "0" * 40 + '"'})

    hub.faults["HEAD config.json"] = [other_commit]
    before = outside(cache)
    with pytest.raises(HubIntegrityError, match="another commit or none"):
        fetch("org/tiny", revision, cache_dir=cache)
    assert outside(cache) == before
    assert not cache.exists()


def test_an_endless_redirect_is_a_network_error(hub, cache):
    hub.faults["HEAD config.json"] = [lambda handler: handler.reply(302, b"", {"Location": handler.path})] * 999
    with pytest.raises(HubNetworkError):
        fetch("org/tiny", COMMIT, cache_dir=cache)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_the_catalogues_hash_outranks_the_repository(hub, cache, name):
    with pytest.raises(HubIntegrityError, match=name):
        fetch("org/tiny", COMMIT, sha256={name: "0" * 64}, cache_dir=cache)


def test_a_repository_without_listed_weights_is_no_model(hub, cache):
    config = json.loads(hub.repos["org/tiny"].files["config.json"])
    hub.repos["org/tiny"].files["config.json"] = json.dumps({**config, "files": {}}).encode()
    with pytest.raises(ArtefactError, match=r"does not list model\.safetensors"):
        fetch("org/tiny", COMMIT, cache_dir=cache)


def test_only_known_file_names_are_ever_asked_for(hub, cache):
    config = json.loads(hub.repos["org/tiny"].files["config.json"])
    hub.repos["org/tiny"].files["config.json"] = json.dumps({**config, "files": {"training_args.bin": "0" * 64}}).encode()
    with pytest.raises(ArtefactError, match=r"training_args\.bin"):
        fetch("org/tiny", COMMIT, cache_dir=cache)
    assert not hub.asked("HEAD", "training_args.bin")


def test_a_cache_that_cannot_be_written_is_named(hub, tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(HubError, match="cache_dir"):
        fetch("org/tiny", COMMIT, cache_dir=tmp_path / "cache")


def test_local_models_touch_neither_client_nor_network(folder):
    script = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise SystemExit('a socket was opened')\n"
        "socket.socket = refuse\n"
        "from sslts.hub import artefact\nfrom sslts.hub.resolve import resolve\n"
        f"folder = resolve({'dir:' + str(folder)!r}).folder()\n"
        "artefact.check_files(folder, artefact.read_config(folder))\n"
        "assert 'huggingface_hub' not in sys.modules and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
