"""Peers of Mu-MAE: fixed features and cosine, as they are and under the same whitening by base classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.rows.one_shot_base import VERSION, Judged, OneShotRow, batches, clips_source, recipe_of, sides
from sslts.errors import ConfigError
from sslts.evaluate.one_shot import OneShotProtocol
from sslts.fusion.whitening import WithinClassWhitening
from sslts.heads.prototypes import PrototypeHead
from sslts.training.finetune import episodes_of
from sslts.training.recipe import FineTuning, Recipe
from sslts.training.store_source import StoreSource
from sslts.training.view_weights import choose
from sslts.types import Views

_COMPONENTS, _CELLS = 192, 12


@dataclass(frozen=True)
class PeerRow(OneShotRow):
    """Features of each device, standardised over base classes and put side by side; nearest class mean by cosine.

    rocket: MiniRocket (Dempster et al. 2021) with its biases from base classes; else the samples themselves. whitened: leading principal
    components in the place of Mu-MAE's views: whitened, and how far and how much each device counts chosen on validation classes, alike.
    """

    rocket: bool = True
    kernels: int = 10_000
    whitened: bool = False
    pretraining_labels: str = "which clips are of base classes"

    def config(self, protocol: OneShotProtocol) -> dict[str, Any]:
        recipe = recipe_of(protocol)
        spec = recipe.spec.model_dump(mode="json")
        told = {"rocket": self.rocket, "kernels": self.kernels, "whitened": self.whitened, "spec": spec, "version": VERSION}
        chosen = {"episodes": _tuning(recipe).model_dump(mode="json", include={"ways", "shots", "check_episodes"}), "seed": recipe.seed}
        return told | ({"chosen_on_validation_classes": chosen} if self.whitened else {})

    def judged(self, protocol: OneShotProtocol, fold: int, *, data: Path, work: Path) -> dict[str, Judged]:
        source, names = clips_source(protocol, recipe_of(protocol), data, work)
        labels = tuple(names[label] for label in source.labels(range(len(source))))
        subjects = tuple(source.subjects())
        base = np.isin(np.asarray(labels), protocol.folds[fold].base)
        blocks = {}
        for device, series in _series(source, protocol).items():
            features = _standard(self._features(series, base), base)
            blocks[device] = _components(features, base) if self.whitened else features / np.sqrt(features.shape[1])
        head = PrototypeHead.create(distance="cosine")
        found = {}
        for name, wanted in protocol.inputs.items():
            parts = [blocks[device] for device, streams in protocol.devices.items() if set(streams) <= set(wanted)]
            if self.whitened:
                joined, told = _whitened(parts, labels, subjects, protocol, fold)
                found[name] = Judged(joined, labels, subjects, head, selected=told)
            else:
                found[name] = Judged(_compact(np.concatenate(parts, axis=1)).astype(np.float32), labels, subjects, head)
        return found

    def _features(self, series: NDArray[np.float32], base: NDArray[np.bool_]) -> NDArray[np.float64]:
        if not self.rocket:
            return series.reshape(len(series), -1).astype(np.float64)
        from benchmarks.peers.minirocket import minirocket_features

        return minirocket_features(series, base, kernels=self.kernels).astype(np.float64)


def _series(source: StoreSource, protocol: OneShotProtocol) -> dict[str, NDArray[np.float32]]:
    """Each device as channels over time [N, C, T]; video as means of 12 x 12 cells of each frame, colours together."""
    found: dict[str, list[NDArray[np.float32]]] = {device: [] for device in protocol.devices}
    for _, batch in batches(source):
        for device, parts in protocol.devices.items():
            series = torch.cat([_as_series(batch.signals[part].values) for part in parts], dim=1)
            found[device].append(series.numpy())
    return {device: np.concatenate(pieces) for device, pieces in found.items()}


def _as_series(values: torch.Tensor) -> torch.Tensor:
    """[N, C, T] as it is; [N, C, T, H, W] -> [N, cells, T]."""
    if values.dim() == 3:
        return torch.nan_to_num(values)
    cells = torch.nn.functional.adaptive_avg_pool2d(torch.nan_to_num(values).mean(1), _CELLS)
    return cells.flatten(2).transpose(1, 2)


def _compact(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same clips along as many axes as there are clips at most: lengths, angles and means stay, tens of thousands of zeros go."""
    return np.asarray(np.linalg.qr(values.T, mode="r").T) if values.shape[1] > len(values) else values


def _standard(values: NDArray[np.float64], base: NDArray[np.bool_]) -> NDArray[np.float64]:
    deviation = values[base].std(0)
    return np.asarray((values - values[base].mean(0)) / np.where(deviation > 1e-8, deviation, 1.0))


def _tuning(recipe: Recipe) -> FineTuning:
    """Which episodes choose: those of stage 2."""
    if recipe.finetune is None:
        raise ConfigError(f"Recipe '{recipe.name}' has no 'finetune' section, whose episodes of validation classes choose for the peer.")
    return recipe.finetune


def _components(values: NDArray[np.float64], base: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Leading principal components of the base clips, each of variance 1 over them."""
    _, strength, directions = np.linalg.svd(values[base], full_matrices=False)
    kept = min(_COMPONENTS, len(strength) - 1)
    return np.asarray(values @ directions[:kept].T / (strength[:kept] / np.sqrt(base.sum())))


def _whitened(
    parts: Sequence[NDArray[np.float64]], labels: Sequence[str], subjects: Sequence[str], protocol: OneShotProtocol, fold: int
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Devices side by side, whitened within base classes and weighed as stage 2 does it with views; and what was chosen."""
    recipe = recipe_of(protocol)
    settings = _tuning(recipe)
    width = min(part.shape[1] for part in parts)
    own = torch.from_numpy(np.stack([part[:, :width] for part in parts], axis=1)).float()
    everything = Views(torch.zeros(len(own), 1), own, torch.ones(own.shape[:2], dtype=torch.bool))
    base, validation = sides(everything, labels, subjects, protocol.folds[fold])
    taught = base.numbered(sorted(set(base.labels)))
    chosen = choose(
        base.views,
        taught,
        validation.views,
        episodes_of(validation, settings, count=settings.check_episodes, seed=recipe.seed),
        joint=False,
    )
    made = []
    for weight, taken, values in zip(chosen.weights[1:], base.views.own.unbind(1), own.unbind(1), strict=True):
        metric = WithinClassWhitening(width)
        metric.fit(taken, taught, shrink=chosen.shrink)
        made.append(weight**0.5 * metric(values))
    told = {"weights": chosen.weights[1:], "shrink": chosen.shrink, "accuracy": chosen.accuracy}
    return torch.cat(made, dim=1).numpy(), told
