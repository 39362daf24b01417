"""One spelling, one source: what each spelling means, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sslts.errors import SourceError, UnknownModelError
from sslts.hub import catalogue
from sslts.hub.resolve import resolve
from sslts.hub.sources import FolderSource, HubSource

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (Path("x"), "x"),
        (Path("org/repo"), "org/repo"),
        ("./x", "x"),
        ("../x", "../x"),
        ("/a/x", "/a/x"),
        ("~/x", "HOME/x"),
        ("dir:x", "x"),
        ("dir:org/repo", "org/repo"),
        ("dir:~/x", "HOME/x"),
        ("dir:hf:x", "hf:x"),
        ("./hf:org/repo", "hf:org/repo"),
    ],
)
def test_a_folder_is_what_looks_like_one(name, path, monkeypatch):
    monkeypatch.setenv("HOME", "HOME")
    assert resolve(name) == FolderSource(Path(path))


@pytest.mark.parametrize(
    ("name", "revision", "source"),
    [
        ("hf:org/repo", None, HubSource("org/repo")),
        ("hf:org/repo@v1.0", None, HubSource("org/repo", "v1.0")),
        ("hf:org/repo@refs/pr/1", None, HubSource("org/repo", "refs/pr/1")),
        ("hf:org/repo", "main", HubSource("org/repo", "main")),
        (f"hf:Org.X/re_po-1@{COMMIT}", None, HubSource("Org.X/re_po-1", COMMIT)),
    ],
)
def test_hf_names_a_repository(name, revision, source):
    assert resolve(name, revision=revision) == source


def test_cache_and_offline_are_passed_to_the_hub():
    assert resolve("hf:org/repo", cache_dir="c", offline=True) == HubSource("org/repo", cache_dir=Path("c"), offline=True)


@pytest.mark.parametrize(
    "name",
    [
        *("hf:repo", "hf:", "hf:a/b/c", "hf:a/..", "hf:../b", "hf:a/b--c", "hf:a/ b", "hf:/a/b"),
        *("hf:org/repo@", "hf:a/b@../x", "hf:a/b@-x", "hf:a/b@x y", "hf:a/b@" + "x" * 200),
    ],
)
def test_malformed_repositories_are_refused(name):
    with pytest.raises(SourceError):
        resolve(name)


def test_a_slash_without_hf_or_dot_is_refused_naming_both_readings():
    with pytest.raises(SourceError, match=r"Write './org/repo' for the folder or 'hf:org/repo' for the repository"):
        resolve("org/repo")


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b/c", "http://x/y", "C:\\models\\x", "~root/x", "x\x1b[2J", "dir:", "a:b", "x" * 65, ".", "..", None, 3]
)
def test_anything_else_lists_what_is_accepted(name):
    with pytest.raises(SourceError) as caught:
        resolve(name)
    assert "dir:" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["./x", Path("x"), "dir:x", "tiny", "hf:org/repo@v1"])
def test_a_revision_is_refused_where_it_cannot_be(name):
    with pytest.raises(SourceError, match="revision"):
        resolve(name, revision="v2")


def test_an_absent_home_is_a_typed_error():
    with pytest.raises(SourceError, match="cannot be expanded"):
        resolve("dir:~no-such-user-here/x")


def test_nothing_falls_through_to_another_source(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr(catalogue, "bundled_folders", dict)
    with pytest.raises(UnknownModelError, match="A folder of this name is here: write './tiny' for it"):
        resolve("tiny")
    assert resolve("./tiny").folder() == Path("tiny")
    with pytest.raises(SourceError, match="There is no folder"):
        resolve("./crossl-wesad").folder()


def test_a_bundled_model_is_found_by_its_bare_name(folder, monkeypatch):
    monkeypatch.setattr(catalogue, "bundled_folders", lambda: {"tiny": folder})
    source = resolve("tiny", offline=True)
    assert source == FolderSource(folder, bundled=True)
    assert source.folder() == folder
    assert source.describe() == "bundled"


def test_an_unknown_name_suggests_the_nearest(folder, monkeypatch):
    monkeypatch.setattr(catalogue, "bundled_folders", lambda: {"tiny": folder})
    with pytest.raises(UnknownModelError, match=r"No pretrained model is named 'tinyy'. Did you mean 'tiny'\? Known models: tiny"):
        resolve("tinyy")
    with pytest.raises(UnknownModelError, match="'acme' looks like a plugin's namespace: is it installed here"):
        resolve("acme.wavelet-wesad")
    with pytest.raises(UnknownModelError, match=r"It is the name of a component \(masker\): see 'sslts list --kind masker'\. Known models"):
        resolve("tube")
    monkeypatch.setattr(catalogue, "suggest", lambda name, known: "Did you mean 'tiny'? ")
    with pytest.raises(UnknownModelError, match=r"Did you mean 'tiny'\? It is the name of a component \(masker\)"):
        resolve("tube")


def test_sources_describe_themselves():
    assert resolve("hf:org/repo@v1").describe() == "hf:org/repo@v1"
    assert resolve("hf:org/repo").describe() == "hf:org/repo"
    assert resolve("./x").describe() == "x"
