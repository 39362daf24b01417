"""The published text towers, named by revision and sha256 as a model's config names them. No torch here."""

from __future__ import annotations

from pathlib import Path

from sslts.config import ComponentRef, parse
from sslts.strict_json import read_json

_STATIC = Path(__file__).parent / "static.json"


def static_ref() -> ComponentRef:
    """The static tower that travels with sslts; `benchmarks/tools/distil_text.py` writes its options beside its vectors."""
    ref: ComponentRef = parse(ComponentRef, read_json(_STATIC), str(_STATIC))
    return ref


def minilm_ref() -> ComponentRef:
    """all-MiniLM-L6-v2 (Apache-2.0) as a tower of our own forward pass."""
    return ComponentRef(
        name="minilm",
        options={
            "repo": "sentence-transformers/all-MiniLM-L6-v2",
            "revision": "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
            "sha256": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "vocabulary_sha256": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        },
    )
