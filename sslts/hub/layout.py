"""The files of a model's folder, identical locally, bundled and on the Hub."""

from __future__ import annotations

import re

CONFIG, WEIGHTS, CARD, METRICS, TOKENIZER = "config.json", "model.safetensors", "README.md", "metrics.json", "tokenizer.json"

#: Files that `files` in config.json may name: all of a model but the config itself.
MANIFEST_FILES = (WEIGHTS, CARD, METRICS, TOKENIZER)
KNOWN_FILES = (CONFIG, *MANIFEST_FILES)

#: "org/name", as the Hub spells a repository.
REPO_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
REPO = re.compile(rf"{REPO_PART}/{REPO_PART}\Z")
