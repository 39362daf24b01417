"""Publishing a model: it is loaded as its users would load it, then uploaded; and fetching one for a machine without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sslts.errors import ArtefactError, ConfigError, UnsupportedError
from sslts.hub.artefact import check_files, read_config
from sslts.hub.catalogue import CATALOGUE_FILE, entry_from_folder
from sslts.hub.entry import OnHub, parse_entry
from sslts.hub.folders import check_target, new_folder
from sslts.hub.layout import KNOWN_FILES
from sslts.hub.resolve import resolve
from sslts.hub.upload import Published, check_publishable, upload
from sslts.interfaces import TextEncoder
from sslts.model import from_folder
from sslts.strict_json import read_json


def publish(
    name: str | Path,
    repo: str,
    *,
    private: bool | None = None,
    branch: str = "main",
    tag: str | None = "v1",
    token: str | None = None,
    catalogue: str | Path | None = None,
) -> Published:
    """Publish a model on the Hugging Face Hub: refused without card, licence, figures and a passing reload; one commit, then a tag.

    Args:
        name: what `load` takes: a bundled name or a folder.
        repo: "org/name" on the Hub; created if it is not there.
        private, branch, token: as for `sslts.hub.upload.upload`.
        tag: a name for the commit. "v1" is refused once it stands for other files: a second version needs another name.
        catalogue: a JSON file of entries to pin the commit in; made if it is not there.

    Returns:
        The commit to pin, with the sha256 of each file.

    Raises:
        PublishError: the folder is not ready; the message lists what it lacks.
        ConfigError: the catalogue is none, or cannot be written; nothing was sent.
        ArtefactError: the model does not load, or does not reproduce its golden embedding.
        HubError: the Hub could not be reached, or refused.
    """
    folder = resolve(name).folder()
    check_publishable(folder)
    from_folder(folder)
    if catalogue is not None:
        # What is published cannot be taken back: a catalogue that cannot take the entry is found out before.
        entries = _entries_of(Path(catalogue))
        _check_namespace(read_config(folder).name, entries, Path(catalogue))
        _write_entries(Path(catalogue), entries)
    published = upload(folder, repo, private=private, branch=branch, tag=tag, token=token)
    if catalogue is not None:
        pin(folder, published, Path(catalogue))
    return published


def pin(folder: Path, published: Published, catalogue: Path) -> None:
    """Write the published model's entry into a catalogue file, in place of one of the same name.

    Raises:
        ConfigError: the file is no list of entries, or cannot be written.
    """
    entry = replace(entry_from_folder(folder), where=OnHub(published.repo, published.commit, dict(published.sha256)))
    _write_entries(catalogue, {**_entries_of(catalogue), entry.name: entry.to_json()})


def _entries_of(catalogue: Path) -> dict[str, object]:
    told = read_json(catalogue) if catalogue.exists() else []
    if not isinstance(told, list):
        raise ConfigError(f"{catalogue} is not a list of catalogue entries.")
    return {parse_entry(item, f"{catalogue}[{index}]").name: item for index, item in enumerate(told)}


def _check_namespace(name: str, entries: Mapping[str, object], catalogue: Path) -> None:
    """A plugin's catalogue with a name that is not its own is left out as a whole (ConfigError)."""
    if catalogue.resolve() == CATALOGUE_FILE.resolve():
        return
    spaces = {known.partition(".")[0] for known in entries} or {name.partition(".")[0]}
    if "." not in name or name.partition(".")[0] not in spaces:
        wanted = f"{sorted(spaces)[0]}." if entries else "its namespace and a dot, as in 'acme.first'"
        raise ConfigError(
            f"{catalogue} cannot hold '{name}': names of a plugin's models start with {wanted}. Give the model such a name ('name:' in "
            "its recipe), or publish it without a catalogue. Nothing was sent."
        )


def _write_entries(catalogue: Path, entries: Mapping[str, object]) -> None:
    text = json.dumps([entries[name] for name in sorted(entries)], indent=1, ensure_ascii=False) + "\n"
    temporary = catalogue.with_name(f".{catalogue.name}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(catalogue)
    except OSError as error:
        raise ConfigError(f"The catalogue {catalogue} cannot be written ({error}). Its folder must exist and be writable.") from error


def fetch(
    name: str | Path, to: str | Path, *, revision: str | None = None, cache_dir: str | Path | None = None, offline: bool | None = None
) -> Path:
    """Copy a model's folder to `to/NAME`, checked, for a machine without a network: there, `sslts.load("dir:to/NAME")`.

    Raises:
        As for `sslts.load`; ArtefactError if the folder is there and not empty, or cannot be written.
        UnsupportedError: its text tower lies in another repository.
    """
    source = resolve(name, revision=revision, cache_dir=cache_dir, offline=offline).folder()
    model = from_folder(source, cache_dir=cache_dir, offline=offline)
    elsewhere = [part.origin for part in model.method.modules() if isinstance(part, TextEncoder) and part.origin is not None]
    if elsewhere:
        raise UnsupportedError(
            f"{model.name} reads words with a text tower that is not in its folder but in hf:{elsewhere[0].repo}@{elsewhere[0].revision}: "
            "on the other machine, the Hub's cache must hold that as well. Copy the cache (HF_HOME) instead."
        )
    target = Path(to).expanduser() / model.name
    check_target(target, KNOWN_FILES, what="model", overwrite=None)
    try:
        with new_folder(target) as temporary:
            for each in KNOWN_FILES:
                if (source / each).is_file():
                    shutil.copyfile(source / each, temporary / each)
            check_files(temporary, model.config)
    except OSError as error:
        raise ArtefactError(f"{target} cannot be written ({error}).") from error
    return target
