"""Rows of sensor-text JEPA under the linear probe: one pretraining a group, nobody of the group seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Grid
from benchmarks.rows.base import FeatureRow, Parts
from sslts.evaluate.probe import Values
from sslts.evaluate.protocol import Group, Protocol
from sslts.model import Model
from sslts.text.published import minilm_ref

_RECIPES = Path(__file__).resolve().parents[2] / "sslts" / "recipes"
RECIPE = _RECIPES / "sensor-text-jepa-har.yaml"
#: Raise it when the code computes something else from the same recipe: what was trained before is not used any more.
VERSION = 4
#: States of a wristband's wearer in words.
STATES = "sensor-text-jepa-wesad"

#: Lambda of the sweep's rows, beside the recipe's own.
LAMBDAS = (0.1, 0.3, 3.0, 10.0)
NO_LABELS = "none"

_WITHOUT_LATENTS: Mapping[str, Any] = {"method.options.latent_weight": 0.0}
_WITHOUT_TEXT: Mapping[str, Any] = {"method.options.semantic_weight": 0.0, "method.options.ridge": 0.0}
_CONTRASTIVE: Mapping[str, Any] = {
    **_WITHOUT_LATENTS,
    "method.options.ridge": 0.0,
    "components.alignment": {"name": "text-contrast"},
    "components.agreement": None,
    "components.moments": None,
    "neighbours": 1,
}
#: The decoder reads and writes what the predictor does, but the fixed description of patches: as many numbers as the encoder's components.
_DECODER: Mapping[str, Any] = {"name": "latent", "options": {"dim": 64, "depth": 1, "heads": 4, "out_dim": 128}}
#: VICReg's weights 25 / 25 / 1 over 25, so that the term is of the size of the others. Both views are one here: no invariance.
_VICREG: Mapping[str, Any] = {"name": "vicreg", "options": {"invariance": 0.0, "variance": 1.0, "covariance": 0.04}}

#: Row -> (what changed, overrides of the recipe in dotted keys).
CHANGES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "half-as-long": ("the recipe, trained half as long", {}),
    "no-text": ("no text: lambda 0, no closed form", _WITHOUT_TEXT),
    "no-jepa": ("no latent prediction", _WITHOUT_LATENTS),
    "no-channel-text": ("no channel text: all channels described alike", {"method.options.channel_text": False}),
    "no-ema": (
        "target: the encoder itself, no moving average",
        {"method.options.ema_start": 0.0, "method.options.ema_end": 0.0},
    ),
    "contrastive-only": ("CLIP-style: contrast with texts alone, no closed form", _CONTRASTIVE),
    "siglip": ("alignment: SigLIP", {"components.alignment": {"name": "siglip"}}),
    "hybrid": ("hybrid: hidden patches reconstructed as well", {"components.decoder": _DECODER}),
    "causal-smoothing": (
        "masking: the future, and a stretch inside",
        {"components.maskers.block": {"name": "causal"}, "components.maskers.cross": {"name": "smoothing"}},
    ),
    "vicreg": ("VICReg's variance and covariance against collapse", {"components.regulariser": _VICREG}),
    "tower-minilm": (
        "text tower: MiniLM instead of the one distilled from it",
        {"components.text_encoder": minilm_ref().model_dump()},
    ),
    **{f"lambda-{weight:g}": (f"lambda {weight:g}", {"method.options.semantic_weight": weight}) for weight in LAMBDAS},
}


#: The recipe at the length of the explorations, which are compared with it.
SAME_LENGTH = "half-as-long"
#: Half as long, in training and in what the closed form reads.
_SHORT: Mapping[str, Any] = {"epochs": 4, "conclude_windows": 6500, "conclude_changed": 13000}


@dataclass(frozen=True)
class Jepa(FeatureRow):
    """A recipe (the published one), pretrained without the group's test subjects; `overrides` are dotted keys of the recipe."""

    overrides: Mapping[str, Any] = field(default_factory=dict)
    trained: bool = True
    recipe: str = RECIPE.stem
    pretraining_labels: str = "names of the training subjects' activities"

    def config(self) -> dict[str, Any]:
        """What the recipe comes to with its overrides (as a digest), and whether it was trained."""
        from benchmarks import har

        return {
            "recipe": self.recipe,
            "recipe_digest": har.recipe_of(self.overrides, seed=self.seed, recipe=self.recipe).digest,
            "overrides": dict(self.overrides),
            "trained": self.trained,
            "version": VERSION,
        }

    def seen(self, group: Group) -> frozenset[str]:
        """The group's training subjects, whatever other data sets gave."""
        return frozenset(group.train)

    def compute(self, protocol: Protocol, group: Group, grid: Grid, present: NDArray[np.bool_]) -> Values:
        """Embed every window from all its sensors."""
        from benchmarks import har

        return har.embeddings(self.model(protocol, group, grid.data), grid, protocol)

    def model(self, protocol: Protocol, group: Group, data: Path) -> Model:
        """The group's pretraining, which is made if it is not there yet. `data`: the folder of all data sets."""
        from benchmarks import har

        return har.trained(
            self.overrides,
            data=data,
            out=self.folder(protocol, group) / self.digest(protocol)[:12],
            store=self.work / "cache" / "har-windows",
            unseen=[f"{protocol.reader}:{who}" for who in group.test],
            train_weights=self.trained,
            seed=self.seed,
            recipe=self.recipe,
        )


def recipe_lambda() -> float:
    """The recipe's own weight of the text term, which the sweep's rows change."""
    from benchmarks import har
    from sslts.methods.sensor_text_jepa import SensorTextJEPA

    return SensorTextJEPA.Config.model_validate(har.recipe_of({}).method.options).semantic_weight


class Ablation(Jepa):
    """One choice of the recipe changed, trained half as long."""

    kind = "ablation"


def rows() -> list[FeatureRow]:
    """The recipe of the published weights; the same without any label; its network with random weights (front end and closed form fitted
    all the same); and one row a change, on group 0 only."""
    whole, some = Parts(label_fractions=()), Parts(label_fractions=(), groups=(0,))
    labels = {"no-text": NO_LABELS}
    changed = [
        Ablation(name, title, parts=some, overrides={**_SHORT, **overrides}, pretraining_labels=labels.get(name, Jepa.pretraining_labels))
        for name, (title, overrides) in CHANGES.items()
    ]
    unlabelled = "Sensor-text JEPA, our recipe without text and half as long, frozen"
    return [
        Jepa("sensor-text-jepa-har", "Sensor-text JEPA, our recipe, frozen", parts=whole),
        Jepa("sensor-text-jepa-unlabelled", unlabelled, overrides={**_SHORT, **_WITHOUT_TEXT}, pretraining_labels=NO_LABELS),
        Jepa("random-init", "The same network, random weights, frozen", parts=whole, trained=False),
        *changed,
    ]


def state_rows() -> list[Jepa]:
    """The row of `wesad-text`."""
    labels = "names of the training subjects' states"
    return [Jepa(STATES, "Sensor-text JEPA on the wristband", recipe=STATES, pretraining_labels=labels)]
