"""N2 and N3: a Hub that fails or lies, at every place where it can, and many processes on one cold cache."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import small_model
from scorecard import FULL

from sslts.errors import HubError
from sslts.hub import download
from sslts.hub.download import fetch

sys.path.insert(0, str(Path(__file__).parent.parent / "hub"))
import git_hub
from git_hub import GitHub, Handler, Repo

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_secretsecretsecret"


def _status(code: int) -> Callable[[Handler], None]:
    return lambda handler: handler.refuse(code)


def _hang_up(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.close()


def _cut(handler: Handler) -> None:
    """Announce a thousand bytes, send ten."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.send_header("X-Repo-Commit", COMMIT)
    handler.send_header("ETag", '"' + "0" * 40 + '"')
    handler.end_headers()
    handler.wfile.write(b"0123456789")
    handler.close_connection = True


def _says(body: bytes, **headers: str) -> Callable[[Handler], None]:
    told = {"X-Repo-Commit": COMMIT, "ETag": '"' + "0" * 40 + '"', **{name.replace("_", "-"): text for name, text in headers.items()}}
    return lambda handler: handler.reply(200, body, told)


def _redirect(to: str) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        where = handler.path if to == "itself" else f"{handler.hub.store}/elsewhere"
        handler.reply(302, b"", {"Location": where, "X-Repo-Commit": COMMIT, "X-Linked-ETag": '"' + "0" * 64 + '"', "X-Linked-Size": "9"})

    return answer


#: What may go wrong once and must not matter in the end.
PASSING = {
    "408": _status(408), "429": _status(429), "500": _status(500), "502": _status(502), "503": _status(503), "504": _status(504),
    "hangs up": _hang_up,
}  # fmt: skip
#: What is wrong for good, or a lie: it may be noticed and asked again, but never believed.
WRONG = {
    "400": _status(400), "403": _status(403), "404": _status(404), "410": _status(410),
    "breaks off": _cut,
    "another body": _says(b"something else"),
    "nothing": _says(b""),
    "html": _says(b"<html>captive portal</html>", Content_Type="text/html"),
    "an evil etag": _says(b"x", ETag='"../../../evil"'),
    "a redirect to itself": _redirect("itself"),
    "a redirect elsewhere": _redirect("STORE"),
}  # fmt: skip
_ALL = {
    "config, head": "HEAD config.json",
    "config, body": "GET config.json",
    "weights, head": "HEAD model.safetensors",
    "card, body": "GET README.md",
    "weights, from the store": "GET STORE",
}
#: Every place for the scorecard, two of them in every run of the tests.
PLACES = _ALL if FULL else {name: _ALL[name] for name in ("config, head", "weights, from the store")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model.write(tmp_path_factory.mktemp("trust") / "tiny")


@pytest.fixture
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """The small model as org/tiny, its weights as a large file on an origin of their own."""
    if not FULL:
        monkeypatch.setattr(download, "_RETRY_FOR_S", 2.0)
    with git_hub.running() as made:
        made.tokens[TOKEN] = ("org", True)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        made.repos["org/tiny"] = Repo(commits={COMMIT: files}, branches={"main": COMMIT}, large={"model.safetensors"})
        made.objects |= {_sha256(files["model.safetensors"]): files["model.safetensors"]}
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("HF_ENDPOINT", made.endpoint)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", made.endpoint)
        template = made.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield made


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _at(place: str, folder: Path) -> str:
    return _ALL[place].replace("STORE", "/" + _sha256((folder / "model.safetensors").read_bytes()))


def _clean(cache: Path, folder: Path, outside: set[str]) -> None:
    """Whatever the cache holds under the model's names is the model's, and nothing was written beside it."""
    assert {path.name for path in cache.parent.iterdir()} - {cache.name} == outside
    for path in cache.rglob("snapshots/*/*"):
        assert path.read_bytes() == (folder / path.name).read_bytes(), f"{path.name} in the cache is not the model's"


N2 = "18 faults at 5 places of the Hub: passing ones load, lasting ones are typed within 30 s, the cache holds no wrong byte"


@pytest.mark.trust("N2", N2)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_does_not_matter(hub, folder, tmp_path, fault, place):
    outside = {path.name for path in tmp_path.iterdir()}
    hub.faults[_at(place, folder)] = [PASSING[fault]]
    got = fetch("org/tiny", COMMIT, cache_dir=tmp_path / "cache")
    assert {path.name: path.read_bytes() for path in got.iterdir()} == {path.name: path.read_bytes() for path in folder.iterdir()}
    _clean(tmp_path / "cache", folder, outside)
    assert not [line for line in hub.authorised if line.startswith("store")], "the token left its origin"


@pytest.mark.trust("N2", N2)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", {**WRONG, **({} if not FULL else PASSING)})
def test_what_is_wrong_is_typed_and_leaves_nothing_wrong_behind(hub, folder, tmp_path, fault, place):
    outside = {path.name for path in tmp_path.iterdir()}
    hub.faults[_at(place, folder)] = [{**WRONG, **PASSING}[fault]] * 999
    started = time.monotonic()
    with pytest.raises(HubError) as caught:
        fetch("org/tiny", COMMIT, cache_dir=tmp_path / "cache")
    assert TOKEN not in str(caught.value)
    assert str(caught.value).isprintable()
    assert time.monotonic() - started < 30
    assert not [line for line in hub.authorised if line.startswith("store")], "the token left its origin"
    _clean(tmp_path / "cache", folder, outside)
    hub.faults.clear()
    got = fetch("org/tiny", COMMIT, cache_dir=tmp_path / "cache")
    assert (got / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


N3 = "8 processes on a cold cache, one killed: the others load equal bytes; a read-only or full cache is a typed error"
LOAD = (
    "import sys, hashlib\nfrom pathlib import Path\nfrom sslts.hub.download import fetch\n"
    "got = fetch('org/tiny', sys.argv[1], cache_dir=Path(sys.argv[2]))\n"
    "print(hashlib.sha256(b''.join((got / name).read_bytes() for name in sorted(p.name for p in got.iterdir()))).hexdigest())\n"
)


@pytest.mark.trust("N3", N3)
def test_many_processes_on_a_cold_cache_with_one_killed(hub, folder, tmp_path):
    count = 8 if FULL else 3
    # The first download of the weights hangs: who holds the lock is killed in the middle of it, while the others wait for it.
    hub.faults[_at("weights, from the store", folder)] = [lambda handler: time.sleep(60)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LOAD, COMMIT, str(tmp_path / "cache")]
    first = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    store = _at("weights, from the store", folder).removeprefix("GET ")
    _wait(lambda: hub.asked("GET", store) == 1)
    heads = hub.asked("HEAD", "model.safetensors")
    others = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(count - 1)]
    _wait(lambda: hub.asked("HEAD", "model.safetensors") >= heads + count - 1)
    assert hub.asked("GET", store) == 1, "somebody downloads what is being downloaded"
    first.kill()
    first.wait()
    told = [process.communicate(timeout=120) for process in others]
    assert [process.returncode for process in others] == [0] * (count - 1), told
    expected = _sha256(b"".join(path.read_bytes() for path in sorted(folder.iterdir())))
    assert {out.strip() for out, _ in told} == {expected}
    assert hub.asked("GET", store) == 2, "one of those who waited downloads it, once"


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


@pytest.mark.trust("N3", N3)
@pytest.mark.skipif(os.name != "posix", reason="permissions need POSIX")
def test_a_cache_that_cannot_be_written_is_named(hub, tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(HubError, match="cache_dir"):
        fetch("org/tiny", COMMIT, cache_dir=tmp_path / "cache")


@pytest.mark.trust("N3", N3)
@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT], ids=errno.errorcode.get)
def test_a_full_or_read_only_disk_is_named_and_leaves_no_half_file(hub, folder, tmp_path, monkeypatch, reason):
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr("huggingface_hub.file_download.http_get", refuse)
    with pytest.raises(HubError, match="cannot be written"):
        fetch("org/tiny", COMMIT, cache_dir=tmp_path / "cache")
    _clean(tmp_path / "cache", folder, set())
