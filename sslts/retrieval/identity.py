"""Which model made an embedding: a hash of what decides its numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import torch
from torch import Tensor

from sslts.config import ComponentRef, ModelConfig

#: Buffers that change no embedding: a temperature fitted later leaves an index valid.
_NOT_EMBEDDING = ("temperature",)


def digest(config: ModelConfig, state: Mapping[str, Tensor]) -> str:
    """sha256 of the parts, the input contract and every weight. Name, provenance, golden embedding and files do not count.

    A tower by reference has no weights in the state; the config names them by hash.
    """
    # Defaults are left out, so that a later version's new option does not disown every index.
    told = config.model_dump(mode="json", include={"method", "spec", "preprocessing", "components"}, exclude_defaults=True)
    found = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name in sorted(set(state) - set(_NOT_EMBEDDING)):
        tensor = state[name].detach().cpu().contiguous()
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def tower_of(config: ModelConfig) -> ComponentRef | None:
    """The text tower that the config names, with revision and hash; None without text."""
    return config.components.get("text_encoder")


def spelt(tower: ComponentRef | None) -> str:
    """A tower in a few words, for messages."""
    if tower is None:
        return "no text tower"
    known = [f"{key} {str(tower.options[key])[:12]}" for key in ("repo", "revision", "sha256") if key in tower.options]
    return " ".join([f"text tower '{tower.name}'", *([f"({', '.join(known)})"] if known else [])])
