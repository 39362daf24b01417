"""Model folders from the Hugging Face Hub, through its own client and into its own cache.

The client compares sizes, not content, and trusts the server's ETag as a file name; here both are checked. Its own errors, and those of the
HTTP library below it, become HubErrors that name repository, revision and file. The client is imported when it is needed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sslts.errors import ArtefactError, HubFileError, HubIntegrityError, HubNetworkError, HubOfflineError, SslTsError
from sslts.hub.artefact import read_config, sha256_of
from sslts.hub.hub_errors import translate
from sslts.hub.layout import CONFIG, KNOWN_FILES, WEIGHTS

if TYPE_CHECKING:
    from huggingface_hub import HfApi

logger = logging.getLogger(__name__)

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_ETAG = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\Z")
_RETRY_FOR_S = 8.0  # a failure that lasts longer is reported; the client retries some things by itself

Answer = TypeVar("Answer")


def fetch(
    repo: str,
    revision: str | None = None,
    *,
    sha256: Mapping[str, str] | None = None,
    cache_dir: Path | None = None,
    offline: bool | None = None,
) -> Path:
    """The local folder of a model on the Hub; downloads what the cache lacks. A 40-hex commit that is cached needs no connection.

    `sha256` (file name -> hash) comes from a catalogue; the model's own config.json covers the other files.

    Raises:
        HubError: a subclass says what happened: repository, revision or file not found, gated, not authorised, offline, network, integrity.
        ArtefactError, ConfigError: the repository does not hold a model of sslts.
    """
    remote = _Remote.open(repo, cache_dir, offline)
    commit = remote.commit(revision)
    pinned = dict(sha256 or {})
    folder = remote.file(CONFIG, commit, pinned.get(CONFIG)).parent
    listed = read_config(folder).files
    if WEIGHTS not in listed:
        raise ArtefactError(f"{CONFIG} of hf:{repo}@{commit} does not list {WEIGHTS}: not a model folder of sslts.")
    for name, expected in listed.items():
        if pinned.get(name, expected) != expected:
            raise HubIntegrityError(f"hf:{repo}@{commit}: {CONFIG} gives {name} another sha256 than the catalogue. Do not use it.")
        remote.file(name, commit, expected)
    return folder


def fetch_files(repo: str, commit: str, sha256: Mapping[str, str], *, cache_dir: Path | None = None, offline: bool | None = None) -> Path:
    """The local folder of named files of any repository at a 40-hex commit, each checked against its sha256.

    Raises:
        HubError: as for `fetch`.
    """
    remote = _Remote.open(repo, cache_dir, offline)
    folders = {remote.file(name, commit, expected).parents[name.count("/")] for name, expected in sha256.items()}
    return folders.pop()


@dataclass(frozen=True, slots=True)
class _Remote:
    """One repository, seen through the client."""

    api: HfApi
    repo: str
    cache_dir: Path | None
    offline: bool

    @classmethod
    def open(cls, repo: str, cache_dir: Path | None, offline: bool | None) -> _Remote:
        from huggingface_hub import HfApi, constants

        chosen = bool(constants.HF_HUB_OFFLINE) if offline is None else offline
        # The client reads HF_ENDPOINT when it is imported; reading it here lets a later setting count as well.
        return cls(HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="sslts"), repo, cache_dir, chosen)

    def commit(self, revision: str | None) -> str:
        """The 40-hex commit that a revision means now. One that was not a commit is logged with the line that pins it."""
        if revision is not None and _COMMIT.match(revision):
            return revision
        wanted = revision or "main"
        # Downloading by name lets the client note which commit the name meant, so that it works offline later.
        if self.offline:
            path = self._cached(CONFIG, wanted) or self._refuse_offline(CONFIG, wanted)
        else:
            path = self._ask(lambda: self._download(CONFIG, wanted, None), wanted, CONFIG)
        found = path.parent.name
        logger.warning("hf:%s@%s can change. To load exactly this model again: 'hf:%s@%s'.", self.repo, wanted, self.repo, found)
        return found

    def file(self, name: str, commit: str, expected: str | None) -> Path:
        """One file, from the cache or the Hub, with its content checked. A damaged cached file is fetched again once."""
        if expected is None and name not in KNOWN_FILES:
            raise HubFileError(f"'{name}' is not a file of a model, expected one of {', '.join(KNOWN_FILES)}.")
        cached = self._cached(name, commit)
        if cached is not None:
            if _intact(cached, expected):
                return cached
            _forget(cached)
            logger.warning("%s was damaged in the cache and is removed.", cached)
        if self.offline:
            self._refuse_offline(name, commit)
        return self._ask(lambda: self._download(name, commit, expected), commit, name)

    def _download(self, name: str, revision: str, expected: str | None) -> Path:
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(self.repo, name, revision=revision, endpoint=self.api.endpoint)
        announced = self.api.get_hf_file_metadata(url=url)
        where = f"hf:{self.repo}@{revision}/{name}"
        # The client uses commit and ETag as names inside its cache.
        commit = announced.commit_hash or ""
        if not _COMMIT.match(commit) or (_COMMIT.match(revision) and commit != revision):
            raise HubIntegrityError(f"{where}: the Hub answered for another commit or none. Check HF_ENDPOINT and try again.")
        if not _ETAG.match(announced.etag or ""):
            raise HubIntegrityError(f"{where}: the Hub sent an ETag that is not a hash. Check HF_ENDPOINT and try again.")
        path = Path(self.api.hf_hub_download(self.repo, name, revision=revision, cache_dir=self.cache_dir))
        if not _intact(path, expected) or not _matches(path, announced.etag or ""):
            _forget(path)
            raise HubIntegrityError(f"{where}: the content differs from its hash. It was removed from the cache; load it again.")
        return path

    def _cached(self, name: str, revision: str) -> Path | None:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repo, name, cache_dir=self.cache_dir, revision=revision)
        return Path(found) if isinstance(found, str) else None

    def _refuse_offline(self, name: str, revision: str) -> Path:
        raise HubOfflineError(
            f"hf:{self.repo}@{revision}: {name} is not in the cache, and offline mode is on. "
            "Load it once with a connection (offline=False and without HF_HUB_OFFLINE)."
        )

    def _ask(self, question: Callable[[], Answer], revision: str, name: str) -> Answer:
        """Ask the Hub; a network failure is tried again for a few seconds, anything else is reported at once."""
        deadline, pause = time.monotonic() + _RETRY_FOR_S, 0.5
        while True:
            try:
                return question()
            except SslTsError:
                raise
            except Exception as error:  # the HTTP library's own errors escape from the client; which library it is depends on its version
                typed = translate(error, repo=self.repo, revision=revision, name=name)
                if not isinstance(typed, HubNetworkError) or time.monotonic() + pause > deadline:
                    raise typed from error
            time.sleep(pause)
            pause *= 2


def _intact(path: Path, expected: str | None) -> bool:
    # The cache names a blob by its hash: a config that no catalogue covers is checked against that.
    return sha256_of(path) == expected if expected is not None else _matches(path, path.resolve().name)


def _matches(path: Path, etag: str) -> bool:
    """Whether the content fits an ETag of the Hub: sha256 of a large file, git's blob hash of a small one; anything else cannot be told."""
    if len(etag) == 64 and _ETAG.match(etag):
        return sha256_of(path) == etag
    if len(etag) == 40 and _ETAG.match(etag):
        data = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() == etag
    return True


def _forget(path: Path) -> None:
    """Remove a cached file and the blob behind it, so that it is never used again."""
    blob = path.resolve()
    path.unlink(missing_ok=True)
    if blob.parent.name == "blobs":
        blob.unlink(missing_ok=True)
