"""A tiny Mu-MAE for the bundled clips: the published recipe with small widths, untrained."""

from __future__ import annotations

import torch

from sslts.config import Preprocessing
from sslts.model import Model
from sslts.training.recipe import Recipe, load_recipe
from sslts.training.run import find_recipe, initialise


def tiny_recipe() -> Recipe:
    """Widths of 12, one block; no unimodal encoders."""
    told = load_recipe(find_recipe("mu-mae-utd-mhad")).model_dump(mode="json")
    parts = {role: part for role, part in told["components"].items() if not role.startswith("unimodal.")}
    for role, part in parts.items():
        if role.startswith("encoders."):
            part["options"] |= {"embed_dim": 12, "heads": 2}
    parts["encoder"]["options"] = {"depth": 1, "heads": 2}
    parts["decoder"]["options"] = {"dim": 8, "depth": 1, "heads": 2}
    return Recipe.model_validate({**told, "components": parts})


def tiny_mae() -> Model:
    """As `load` would give it."""
    recipe = tiny_recipe()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        method = initialise(recipe, Preprocessing())
    return Model(recipe.as_model_config(Preprocessing()), method.eval())
