"""Randomness as a pure function of (seed, purpose, numbers), never of "the state so far".

A run that is killed and resumed draws the same numbers without any random state in its checkpoint: every step has its own.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from sslts import registry
from sslts.config import Preprocessing
from sslts.hub import towers
from sslts.interfaces import Method
from sslts.training.recipe import Recipe


def derive_seed(seed: int, purpose: str, *numbers: int) -> int:
    """A 63-bit seed for one purpose ("order", "step", ...) at one place (epoch, step, rank). Different places give unrelated seeds."""
    text = "/".join([str(seed), purpose, *map(str, numbers)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator_for(seed: int, purpose: str, *numbers: int) -> torch.Generator:
    """A fresh CPU generator for one purpose at one place."""
    return torch.Generator().manual_seed(derive_seed(seed, purpose, *numbers))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, the global generators of torch, numpy and Python start from `seed`; afterwards they are as they were.

    For what takes no generator: torch's initialisation, and dropout.
    """
    python, legacy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    try:
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        # Not torch.manual_seed: before CUDA starts, that queues a call with its traceback each time.
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed_all(seed)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        torch.set_rng_state(cpu)
        if devices:
            torch.cuda.set_rng_state_all(devices)


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Ask torch for deterministic kernels on the CPU, and restore its setting afterwards.

    On CUDA, determinism needs CUBLAS_WORKSPACE_CONFIG before the process starts; where the user has set it, the same holds there.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # its setting is a property of the module, which its types do not know
    fill = memory.fill_uninitialized_memory
    if device.type == "cpu" or os.environ.get("CUBLAS_WORKSPACE_CONFIG"):
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Filling unwritten memory costs time and decides nothing: no kernel of ours reads it.
        memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        memory.fill_uninitialized_memory = fill


def check_parts(recipe: Recipe) -> None:
    """Build the recipe's method once and let it go: a name or an option that is wrong is found before hours of preparing data.

    Raises:
        UnknownComponentError, CollisionError, PluginError, ConfigError: from the registry and the components.
    """
    with seeded(0):
        registry.get("method", recipe.method.name).from_config(recipe.as_model_config(Preprocessing()))


def initialise(recipe: Recipe, preprocessing: Preprocessing | None = None) -> Method:
    """Build the recipe's method with weights drawn from its seed, and fill its text tower. The caller's random state is left as it was.

    Raises:
        UnknownComponentError, CollisionError, PluginError, ConfigError: from the registry and the components.
        TowerError, HubError: the text tower that the recipe names is not to be had.
    """
    config = recipe.as_model_config(preprocessing or Preprocessing())
    with seeded(derive_seed(recipe.seed, "initialise")):
        method: Method = registry.get("method", config.method.name).from_config(config)
    towers.fill_all(method)
    return method
