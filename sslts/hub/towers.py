"""Text towers whose weights are named by reference: fetch their files at the pinned commit, check them, fill the tower."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sslts.hub.download import fetch_files

if TYPE_CHECKING:
    from torch import nn

    from sslts.interfaces import TextEncoder


def fill(tower: TextEncoder, *, folder: Path | None = None, cache_dir: Path | None = None, offline: bool | None = None) -> None:
    """Give a tower the weights that its config names: those of `folder`, of the package, or of the Hub. A filled tower is left alone.

    Raises:
        TowerError: the files are not the ones that the config names.
        HubError: the Hub could not give them.
    """
    if tower.ready:
        return
    origin = tower.origin
    if folder is None and origin is not None:
        folder = fetch_files(origin.repo, origin.revision, origin.sha256, cache_dir=cache_dir, offline=offline)
    tower.fill(folder)


def fill_all(method: nn.Module, *, cache_dir: Path | None = None, offline: bool | None = None) -> None:
    """Fill every text tower inside a method that has no weights yet."""
    from sslts.interfaces import TextEncoder

    for part in method.modules():
        if isinstance(part, TextEncoder):
            fill(part, cache_dir=cache_dir, offline=offline)
