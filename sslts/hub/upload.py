"""A model's folder to the Hugging Face Hub, through its own client: checked, uploaded in one commit, tagged.

What is uploaded is the folder, byte for byte, so that what is loaded by the returned commit is what was checked here.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sslts.errors import ArtefactError, HubError, HubRepositoryError, HubRevisionError, PublishError, SourceError, SslTsError
from sslts.hub.artefact import check_files, read_config, sha256_of
from sslts.hub.card import front_matter, parse_card
from sslts.hub.hub_errors import refused_upload
from sslts.hub.layout import CARD, KNOWN_FILES, METRICS, REPO
from sslts.hub.metrics import read_metrics
from sslts.strict_json import printable

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: Of a card's body; fewer say nothing.
_CARD_WORDS = 20
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
#: What of a card's front matter the config and the figures decide.
_DECIDED = ("library_name", "license", "model-index")

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Published:
    """What was published: repository, the commit to pin, the tag on it, and the sha256 of each file."""

    repo: str
    commit: str
    tag: str | None
    sha256: Mapping[str, str]

    @property
    def pin(self) -> str:
        """The name that loads exactly this: `hf:org/repo@commit`."""
        return f"hf:{self.repo}@{self.commit}"


def check_publishable(folder: Path, *, called: str | None = None) -> None:
    """Refuse what should not be published: files that are not those of its config, no licence, no figures, a card without substance, or
    one that says another licence or other figures than the model's.

    called: what messages call the model; the folder if None.

    Raises:
        PublishError: lists everything that is missing.
        ArtefactError, ConfigError: the folder is not a whole model.
    """
    config, metrics = read_config(folder), read_metrics(folder)
    check_files(folder, config)
    lacks = []
    if not config.provenance.licence:
        lacks.append("a licence of the weights ('licence:' in its recipe, provenance.licence in config.json)")
    if not metrics.results:
        lacks.append(f"measured figures ({METRICS})")
    card = parse_card((folder / CARD).read_text(encoding="utf-8")) if (folder / CARD).is_file() else None
    if card is None or len(card.body.split()) < _CARD_WORDS:
        lacks.append(f"a card of {_CARD_WORDS} words or more that says what the model is ({CARD}; sslts.hub.card.render_card writes one)")
    elif config.provenance.licence:
        expected = front_matter(config, metrics)
        differs = [key for key in _DECIDED if card.front_matter.get(key) != expected.get(key)]
        if differs:
            lacks.append(f"a card whose {', '.join(differs)} is what config and figures say (sslts.hub.card.render_card writes it)")
    for name in (CARD, METRICS):
        if (folder / name).is_file() and name not in config.files:
            lacks.append(f"{name} among the files of config.json: save the model again")
    if lacks:
        raise PublishError(f"{called or folder} is not ready to be published. It lacks {'; '.join(lacks)}.")


def upload(
    folder: Path,
    repo: str,
    *,
    private: bool | None = None,
    branch: str = "main",
    tag: str | None = None,
    token: str | None = None,
    message: str | None = None,
    called: str | None = None,
) -> Published:
    """Upload a model's folder in one commit and tag it. A repository that is not there is created; what it already holds is not sent, and
    files of a model that this one does not have are removed.

    Args:
        repo: "org/name".
        private: of a repository that is created; the account's default if None.
        branch: where the commit goes.
        tag: a name for the commit; one that already stands for other files is refused before anything is sent.
        token: the account's; as logged in (hf auth login, HF_TOKEN) if None.
        message: of the commit.
        called: what messages call the model; the folder if None.

    Raises:
        SourceError: the repository, branch or tag is not spelled as one.
        PublishError: the folder is not ready, the tag is taken, or the Hub refuses the card.
        HubError: a subclass says what happened.
    """
    if not REPO.match(repo) or ".." in repo or "--" in repo:
        raise SourceError(f"'{printable(repo)[:200]}' is not 'org/name'.")
    for what, name in (("branch", branch), ("tag", tag)):
        if name is not None and (not _REF.match(name) or ".." in name):
            raise SourceError(f"'{printable(name)[:200]}' is not the name of a {what}. Use letters, digits, '.', '_' and '-'.")
    check_publishable(folder, called=called)
    # Hashed before anything is sent: what is said to have been published is what was looked at here.
    sha256 = {name: sha256_of(folder / name) for name in KNOWN_FILES if (folder / name).is_file()}
    remote = _Account.open(repo, token)
    _check_card(remote, folder, called or str(folder))
    remote.ask(lambda: remote.api.create_repo(repo, private=private, exist_ok=True), "create the repository")
    if tag is not None:
        remote.check_tag(tag, folder, sha256)
    if branch != "main":
        remote.ask(lambda: remote.api.create_branch(repo, branch=branch, exist_ok=True), f"make the branch '{branch}'")
    commit = remote.commit(folder, sha256, branch, message or f"Publish {read_config(folder).name}")
    if tag is not None:
        commit = remote.tag(tag, commit)
    return Published(repo, commit, tag, sha256)


@dataclass(frozen=True, slots=True)
class _Account:
    """One repository, seen by who may write to it."""

    api: HfApi
    repo: str

    @classmethod
    def open(cls, repo: str, token: str | None) -> _Account:
        from huggingface_hub import HfApi

        return cls(HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token, library_name="sslts"), repo)

    def ask(self, question: Callable[[], Answer], what: str) -> Answer:
        try:
            return question()
        except SslTsError:
            raise
        except Exception as error:  # the HTTP library's own errors escape from the client; which library it is depends on its version
            raise refused_upload(error, repo=self.repo, what=what) from error

    def tags(self) -> dict[str, str]:
        """Tag -> commit."""
        refs = self.ask(lambda: self.api.list_repo_refs(self.repo), "list the tags")
        return {ref.name: ref.target_commit for ref in refs.tags}

    def files(self, revision: str) -> dict[str, str]:
        """Name -> content hash, as the Hub has it, of a model's files at a revision; none where there is no such revision."""
        try:
            listed = self.ask(lambda: list(self.api.list_repo_tree(self.repo, revision=revision)), "list the files")
        except (HubRepositoryError, HubRevisionError):
            return {}
        found = {}
        for entry in listed:
            if entry.path in KNOWN_FILES:
                large = getattr(entry, "lfs", None)
                found[entry.path] = large.sha256 if large is not None else getattr(entry, "blob_id", "")
        return found

    def check_tag(self, name: str, folder: Path, sha256: Mapping[str, str]) -> None:
        """Refuse a tag that stands for other files (PublishError), before a branch has moved."""
        known = self.tags()
        if name not in known:
            return
        there = self.files(known[name])
        same = set(there) == set(sha256) and all(there[each] in (sha256[each], _git_hash(folder / each)) for each in sha256)
        if not same:
            raise PublishError(
                f"{self.repo} already has a tag '{name}', on commit {known[name]}, and it holds other files. A tag is a promise: choose "
                "another name. Nothing was sent."
            )

    def commit(self, folder: Path, sha256: Mapping[str, str], branch: str, message: str) -> str:
        """One commit with all files and no others of a model; its 40 hexadecimal digits."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        added = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name) for name in sha256]
        for operation, name in zip(added, sha256, strict=True):
            if operation.upload_info.sha256.hex() != sha256[name]:
                raise ArtefactError(f"{folder / name} changed while it was read. Publish again.")
        removed = [CommitOperationDelete(path_in_repo=name) for name in self.files(branch) if name not in sha256]
        made = self.ask(
            lambda: self.api.create_commit(self.repo, [*added, *removed], commit_message=message, revision=branch, repo_type="model"),
            "upload the files",
        )
        oid = str(made.oid)
        if not re.fullmatch(r"[0-9a-f]{40}", oid):
            raise HubError(f"The Hub answered the upload to {self.repo} without a commit. Look at the repository before trying again.")
        return oid

    def tag(self, name: str, commit: str) -> str:
        """Tag the commit; the commit that the tag stands for, which is another one only if it holds the same files."""
        known = self.tags()
        if name not in known:
            self.ask(lambda: self.api.create_tag(self.repo, tag=name, revision=commit), f"make the tag '{name}'")
            return commit
        return known[name]


def _git_hash(path: Path) -> str:
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _check_card(remote: _Account, folder: Path, called: str) -> None:
    """The Hub's own validation of the card's front matter, before anything is created."""
    from huggingface_hub import ModelCard

    text = (folder / CARD).read_text(encoding="utf-8")

    def validate() -> None:
        try:
            ModelCard(text).validate(repo_type="model")
        except ValueError as error:
            raise PublishError(f"The Hub refuses the front matter of the card of {called}: {printable(str(error))[:500]}") from error

    remote.ask(validate, "check the card")
