"""Ablations: one choice of the recipe changed at a time, judged on group 0 only and marked exploratory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.rows.base import FeatureRow, Parts
from benchmarks.rows.crossl import Pretrained

#: VICReg without blocks, for aggregators whose embedding has no places: the row to compare them with is `objective-whole`.
WHOLE: Mapping[str, Any] = {"components.objective": {"name": "vicreg"}}

#: Row -> (what changed, overrides of the recipe in dotted keys).
CHANGES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "masker-random": ("masking: single features", {"components.masker.name": "random"}),
    "keep-0.9": ("masking: keep 0.9", {"components.masker.options.keep": 0.9}),
    "keep-0.75": ("masking: keep 0.75", {"components.masker.options.keep": 0.75}),
    "keep-0.3": ("masking: keep 0.3", {"components.masker.options.keep": 0.3}),
    "aggregator-mean": ("aggregator: mean, VICReg over all of it", {"components.aggregator": {"name": "mean"}, **WHOLE}),
    "aggregator-concat-mlp": ("aggregator: concat-MLP, VICReg over all of it", {"components.aggregator": {"name": "concat-mlp"}, **WHOLE}),
    "aggregator-attention": ("aggregator: attention, VICReg over all of it", {"components.aggregator": {"name": "attention"}, **WHOLE}),
    "objective-whole": ("VICReg over all of the embedding, not by blocks", WHOLE),
    "objective-info-nce": ("objective: InfoNCE", {"components.objective": {"name": "info-nce"}}),
    "objective-cocoa": ("objective: COCOA, on the encoders alone: the summary stays random", {"components.objective": {"name": "cocoa"}}),
    "objective-barlow-twins": ("objective: Barlow Twins", {"components.objective": {"name": "barlow-twins"}}),
}

#: The same for the paper's network, whose encoders give tokens over time: only there is a stretch of time something to hide.
PAPER_CHANGES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "masker-temporal": ("masking: stretches of time", {"components.masker": {"name": "temporal", "options": {"keep": 0.5, "block_s": 5}}}),
}


class Ablation(Pretrained):
    """A pretrained row that belongs to the ablation table."""

    kind = "ablation"


def rows() -> list[FeatureRow]:
    """The paper's configuration and one row a change; group 0, without label fractions."""
    parts = Parts(label_fractions=(), groups=(0,))
    changed = [Ablation(f"ablation-{name}", title, parts=parts, overrides=overrides) for name, (title, overrides) in CHANGES.items()]
    title = "CroSSL's own network on the wrist (recipe crossl-paper-wrist; 540 steps: not converged)"
    paper = Ablation("crossl-paper-wrist", title, parts=parts, recipe="crossl-paper-wrist")
    beside = [
        Ablation(f"paper-{name}", f"the same, {title}", parts=parts, recipe=paper.recipe, overrides=overrides)
        for name, (title, overrides) in PAPER_CHANGES.items()
    ]
    untrained = Ablation("paper-random-init", "the same, random weights", parts=parts, recipe=paper.recipe, trained=False)
    return [*changed, paper, *beside, untrained]
