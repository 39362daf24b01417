"""sslts: self-supervised learning on multimodal sensor time series.

`sslts.load("crossl-wesad")` gives a model, `model.encode(recording)` its embeddings. Importing sslts imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: public name -> module that defines it, imported at first use (PEP 562).
_PUBLIC = {
    "load": "sslts.model",
    "load_head": "sslts.head_files",
    "Model": "sslts.model",
    "Embeddings": "sslts.embeddings",
    "Index": "sslts.retrieval.index",
    "Classification": "sslts.retrieval.classification",
    "Hits": "sslts.retrieval.hits",
    "list_models": "sslts.hub.catalogue",
    "register": "sslts.registry",
    "Recording": "sslts.data.recording",
    "Channel": "sslts.config",
    "Modality": "sslts.config",
    "SensorSpec": "sslts.config",
    "SslTsError": "sslts.errors",
}
_MODULES = ("data", "errors", "evaluate", "registry", "training")

__all__ = [
    "Channel",
    "Classification",
    "Embeddings",
    "Hits",
    "Index",
    "Modality",
    "Model",
    "Recording",
    "SensorSpec",
    "SslTsError",
    "__version__",
    "data",
    "errors",
    "evaluate",
    "list_models",
    "load",
    "load_head",
    "register",
    "registry",
    "training",
]

if TYPE_CHECKING:
    from sslts import data, errors, evaluate, registry, training
    from sslts.config import Channel, Modality, SensorSpec
    from sslts.data.recording import Recording
    from sslts.embeddings import Embeddings
    from sslts.errors import SslTsError
    from sslts.head_files import load_head
    from sslts.hub.catalogue import list_models
    from sslts.model import Model, load
    from sslts.registry import register
    from sslts.retrieval.classification import Classification
    from sslts.retrieval.hits import Hits
    from sslts.retrieval.index import Index


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"sslts.{name}")
    raise AttributeError(f"module 'sslts' has no attribute '{name}'. Public names: {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted(__all__)
