"""Ablations: one choice of the recipe changed at a time, judged on group 0 only and marked exploratory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.rows.base import FeatureRow, Parts
from benchmarks.rows.crossl import Pretrained

#: Row -> (what changed, overrides of the recipe in dotted keys).
CHANGES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "masker-random": ("masking: single features", {"components.masker.name": "random"}),
    "masker-temporal": ("masking: stretches of time", {"components.masker.name": "temporal"}),
    "keep-0.9": ("masking: keep 0.9", {"components.masker.options.keep": 0.9}),
    "keep-0.75": ("masking: keep 0.75", {"components.masker.options.keep": 0.75}),
    "keep-0.3": ("masking: keep 0.3", {"components.masker.options.keep": 0.3}),
    "aggregator-mean": ("aggregator: mean", {"components.aggregator": {"name": "mean"}}),
    "aggregator-concat-mlp": ("aggregator: concat-MLP", {"components.aggregator": {"name": "concat-mlp"}}),
    "aggregator-attention": ("aggregator: attention", {"components.aggregator": {"name": "attention"}}),
    "objective-info-nce": ("objective: InfoNCE", {"components.objective": {"name": "info-nce"}}),
    "objective-cocoa": ("objective: COCOA", {"components.objective": {"name": "cocoa"}}),
    "objective-barlow-twins": ("objective: Barlow Twins", {"components.objective": {"name": "barlow-twins"}}),
}


class Ablation(Pretrained):
    """A pretrained row that belongs to the ablation table."""

    kind = "ablation"


def rows() -> list[FeatureRow]:
    """The paper's configuration and one row a change; group 0, without label fractions."""
    parts = Parts(label_fractions=(), groups=(0,))
    paper = Ablation("crossl-paper", "CroSSL as in the paper (recipe crossl-paper)", parts=parts, recipe="crossl-paper")
    changed = [Ablation(f"ablation-{name}", title, parts=parts, overrides=overrides) for name, (title, overrides) in CHANGES.items()]
    return [paper, *changed]
