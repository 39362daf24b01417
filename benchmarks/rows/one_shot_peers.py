"""Peers of Mu-MAE: fixed features and cosine, as they are and under the same whitening by base classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.rows.one_shot_base import VERSION, Judged, OneShotRow, batches, clips_source, recipe_of
from sslts.evaluate.one_shot import OneShotProtocol
from sslts.fusion.whitening import WithinClassWhitening
from sslts.heads.prototypes import PrototypeHead
from sslts.training.store_source import StoreSource

_COMPONENTS, _SHRINK, _CELLS = 192, 0.3, 12


@dataclass(frozen=True)
class PeerRow(OneShotRow):
    """Features of each device, standardised over base classes and put side by side; nearest class mean by cosine.

    rocket: MiniRocket (Dempster et al. 2021) with its biases from base classes; else the samples themselves. whitened: leading principal
    components under the whitening that Mu-MAE's views get, devices at equal weight.
    """

    rocket: bool = True
    kernels: int = 10_000
    whitened: bool = False
    pretraining_labels: str = "which clips are of base classes"

    def config(self, protocol: OneShotProtocol) -> dict[str, Any]:
        spec = recipe_of(protocol).spec.model_dump(mode="json")
        return {"rocket": self.rocket, "kernels": self.kernels, "whitened": self.whitened, "spec": spec, "version": VERSION}

    def judged(self, protocol: OneShotProtocol, fold: int, *, data: Path, work: Path) -> dict[str, Judged]:
        source, names = clips_source(protocol, recipe_of(protocol), data, work)
        labels = tuple(names[label] for label in source.labels(range(len(source))))
        base = np.isin(np.asarray(labels), protocol.folds[fold].base)
        classes = np.unique(np.asarray(labels)[base], return_inverse=True)[1]
        blocks = {}
        for device, series in _series(source, protocol).items():
            features = _standard(self._features(series, base), base)
            blocks[device] = _whitened(features, base, classes) if self.whitened else features / np.sqrt(features.shape[1])
        head = PrototypeHead.create(distance="cosine")
        found = {}
        for name, wanted in protocol.inputs.items():
            devices = [device for device, parts in protocol.devices.items() if set(parts) <= set(wanted)]
            joined = np.concatenate([blocks[device] for device in devices], axis=1)
            found[name] = Judged(_compact(joined).astype(np.float32), labels, tuple(source.subjects()), head)
        return found

    def _features(self, series: NDArray[np.float32], base: NDArray[np.bool_]) -> NDArray[np.float64]:
        if not self.rocket:
            return series.reshape(len(series), -1).astype(np.float64)
        from aeon.transformations.collection.convolution_based import MiniRocket

        transform = MiniRocket(n_kernels=self.kernels, random_state=0, n_jobs=1)
        transform.fit(series[base])
        return np.asarray(transform.transform(series), dtype=np.float64)


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


def _whitened(values: NDArray[np.float64], base: NDArray[np.bool_], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Leading principal components of the base clips, then the whitening by what varies within base classes, of unit length."""
    _, strength, directions = np.linalg.svd(values[base], full_matrices=False)
    kept = min(_COMPONENTS, len(strength) - 1)
    found = torch.from_numpy(values @ directions[:kept].T / (strength[:kept] / np.sqrt(base.sum()))).float()
    metric = WithinClassWhitening(kept)
    metric.fit(found[torch.from_numpy(base)], torch.from_numpy(classes), shrink=_SHRINK)
    return metric(found).double().numpy()
