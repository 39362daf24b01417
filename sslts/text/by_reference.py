"""Towers whose weights are too large for a model's folder: the config names repository, commit and sha256, `fill` reads the files."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

from sslts.config import ComponentConfig, Sha256
from sslts.errors import TowerError
from sslts.interfaces import TextEncoder, TowerOrigin

Repository = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
WEIGHTS = "model.safetensors"


class ReferenceConfig(ComponentConfig):
    """Which published weights: `sha256` is that of model.safetensors in `repo` at commit `revision`."""

    repo: Repository
    revision: Commit
    sha256: Sha256


class ByReference(TextEncoder):
    """Base of towers by reference. Their weights are in no state dict, so checkpoints and artefacts stay small."""

    config: ReferenceConfig

    @property
    @abstractmethod
    def origin(self) -> TowerOrigin: ...

    def fill(self, folder: Path | None = None) -> None:
        """Read the weights from a folder that holds the repository's files.

        Raises:
            TowerError: no folder was given, or a file is missing or not the one that the config names.
        """
        if folder is None:
            raise TowerError(
                f"The weights of hf:{self.config.repo}@{self.config.revision} do not travel with sslts. Give the folder that holds them, "
                "or fetch them: sslts.hub.towers.fill(tower)."
            )
        self._read({name: _verified(folder / name, sha256) for name, sha256 in self.origin.sha256.items()}, folder)

    @abstractmethod
    def _read(self, files: Mapping[str, bytes], folder: Path) -> None:
        """Take the weights from the verified files."""

    def _not_ready(self) -> TowerError:
        return TowerError(f"The text tower {type(self).__name__} has no weights yet: call fill(folder) or sslts.hub.towers.fill(tower).")


def _verified(path: Path, expected: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TowerError(f"{path} cannot be read ({error}). A text tower's folder holds the files of its repository.") from error
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise TowerError(f"{path} has sha256 {found}, the config names {expected}: these are other weights. Get the named revision.")
    return data
