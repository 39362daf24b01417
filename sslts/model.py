"""`sslts.load` and the `Model` it returns: a method, its input contract and its provenance in one object.

Loading is strict and in one order: resolve, read and check the config, build (no I/O), compare the weights' header with what the config
implies, load strictly, eval mode, compare the golden embedding.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from sslts import registry
from sslts.config import AnyChannels, ChannelStatistics, ModelConfig, SensorSpec
from sslts.data.collate import to_batch
from sslts.data.normalise import recording_statistics, standardise_windows
from sslts.data.prepare import prepare
from sslts.data.recording import Recording
from sslts.data.windows import Cut, cut, modalities_of, window_starts
from sslts.devices import usable_device
from sslts.embeddings import Embeddings, RunningScale, cosine_similarity
from sslts.errors import ConfigError, LengthError, MissingModalityError
from sslts.few_shot import FewShotClassifier, Normalise, built_head, fitted_classifier
from sslts.hub import artefact, towers
from sslts.hub.bounded import BoundedBuild
from sslts.hub.resolve import resolve
from sslts.interfaces import FewShotHead, Method
from sslts.retrieval.functions import Retrieval
from sslts.stored import Stored
from sslts.types import SensorBatch

logger = logging.getLogger(__name__)


def load(
    name: str | Path,
    *,
    revision: str | None = None,
    device: str | torch.device = "cpu",
    cache_dir: str | Path | None = None,
    offline: bool | None = None,
) -> Model:
    """Load a model by name, folder or Hub reference, ready to encode.

    Args:
        name: "crossl-wesad" (catalogue), "./folder" or a Path or "dir:folder", "hf:org/repo@revision".
        revision: a commit or tag for an `hf:` reference without "@".
        device: where the model runs.
        cache_dir: cache of downloaded files; the Hub's default if None.
        offline: True never opens a connection; None follows HF_HUB_OFFLINE.

    Raises:
        SourceError, UnknownModelError: the name fits no spelling or no entry.
        HubError: the Hub could not give the files.
        ArtefactError: a file is missing, corrupted or not what the config says; the embedding is not reproduced.
        RequirementError: another version or a plugin is needed.
        DeviceError: the device is not there.
    """
    device = usable_device(device)
    folder = resolve(name, revision=revision, cache_dir=cache_dir, offline=offline).folder()
    return from_folder(folder, device=device, cache_dir=cache_dir, offline=offline)


def from_folder(
    folder: Path, *, device: str | torch.device = "cpu", cache_dir: str | Path | None = None, offline: bool | None = None
) -> Model:
    """Load from a local artefact folder (the second half of `load`). A text tower by reference comes from the Hub or its cache."""
    config = artefact.read_config(folder)
    artefact.check_files(folder, config)
    with BoundedBuild(folder):
        method = build_method(config)
    method.load_state_dict(artefact.load_weights(folder, method.state_dict()), strict=True)
    towers.fill_all(method, cache_dir=None if cache_dir is None else Path(cache_dir), offline=offline)
    model = Model(config, method.eval().to(usable_device(device)), folder)
    model.check_golden()
    return model


def build_method(config: ModelConfig) -> Method:
    """The method with fresh weights, as the config describes it (no I/O). Training-only parts are built if the config names them."""
    return registry.get("method", config.method.name).from_config(config)


@dataclass(frozen=True)
class Model(Retrieval, Stored):
    """A loaded model. `config.spec` is the input contract; `method` the network, in eval mode."""

    config: ModelConfig
    method: Method
    #: Where it was loaded from, with its card and figures; None for one that was just trained.
    folder: Path | None = None

    @property
    def name(self) -> str:
        """Its name in the catalogue or its folder's config."""
        return self.config.name

    @property
    def embed_dim(self) -> int:
        """Width E of an embedding."""
        return self.method.embed_dim

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next((tensor.device for tensor in self.method.state_dict().values()), torch.device("cpu"))

    def encode(
        self,
        recording: Recording | Mapping[str, NDArray[Any]],
        *,
        rate_hz: float | Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        normalise: Normalise | None = None,
        stride_s: float | None = None,
        batch_size: int = 64,
        progress: bool = False,
    ) -> Embeddings:
        """Embed every window of a recording.

        Args:
            recording: a Recording, or arrays {modality: [T], [T, C] or, of a video, [T, C, H, W]} with `rate_hz` and `units`.
            normalise: None does what the model was trained with; "artefact" uses the training subjects' statistics; "recording" uses this
                recording's own (two passes over it), of the input or the embeddings, as `config.preprocessing.recording` says.
                Embeddings carry which was used.
            stride_s: seconds from one window to the next; the model's default if None.
            batch_size: windows at a time.
            progress: show a progress bar.

        Returns:
            Embeddings with values [n, E], time_s [n] and present [n, M]. A window without any modality is a row of zeros.

        Raises:
            SignalError: rate, unit, channels, range or length do not fit; the message says what to do.
            ConfigError: an argument out of bounds, or normalise="recording" where a clip's embedding would be all that it is compared with.
        """
        pieces = self.iter_encode(
            recording, rate_hz=rate_hz, units=units, normalise=normalise, stride_s=stride_s, batch_size=batch_size, progress=progress
        )
        return Embeddings.join(list(pieces))

    def iter_encode(
        self,
        recording: Recording | Mapping[str, NDArray[Any]],
        *,
        rate_hz: float | Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        normalise: Normalise | None = None,
        stride_s: float | None = None,
        batch_size: int = 64,
        progress: bool = False,
    ) -> Iterator[Embeddings]:
        """The same as `encode`, a piece at a time: for recordings of days. Joined, the pieces equal `encode`'s result."""
        whole = self._recording(recording, rate_hz, units)
        spec = self.config.spec
        normalise = self.config.preprocessing.default if normalise is None else normalise
        if normalise not in ("artefact", "recording"):
            raise ConfigError(f"normalise must be 'artefact' or 'recording', got '{normalise}'.")
        if normalise == "recording" and self.config.preprocessing.recording == "embedding" and spec.clock == "clip":
            raise ConfigError(
                "A clip is one window, and under normalise='recording' a window is what differs from the others of its recording: nothing "
                "would be left. Use normalise='artefact'."
            )
        stride = spec.stride_s if stride_s is None else stride_s
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, got {batch_size}.")
        prepared = prepare(whole, spec)
        pieces = self._pieces(prepared, self._statistics(prepared, normalise), normalise, stride, batch_size, progress)
        if normalise == "artefact" or self.config.preprocessing.recording == "input":
            yield from pieces
            return
        centre = RunningScale(self.embed_dim)
        for piece in pieces:
            centre.add(piece.values[piece.usable])
        if centre.count == 1:
            logger.warning("%r holds one window to see: under normalise='recording' its embedding is 0, which says nothing.", whole)
        for piece in self._pieces(prepared, {}, normalise, stride, batch_size, progress):
            scaled = np.where(piece.usable[:, None], centre.standardise(piece.values), np.float32(0))
            yield replace(piece, values=scaled)

    def _pieces(
        self,
        prepared: Recording,
        statistics: Mapping[str, ChannelStatistics],
        normalise: Normalise,
        stride_s: float,
        batch_size: int,
        progress: bool,
    ) -> Iterator[Embeddings]:
        spec = self.config.spec
        read = None if not spec.open else modalities_of(prepared, spec)
        starts = window_starts(prepared, window_s=spec.window_s, stride_s=stride_s)
        if not len(starts):
            raise LengthError(f"This recording lasts {prepared.duration_s:.4g} s, one window needs {spec.window_s:g} s. Record longer.")
        with tqdm(total=len(starts), desc=f"encode ({self.name})", unit="window", disable=not progress) as bar:
            for first in range(0, len(starts), batch_size):
                chunk = starts[first : first + batch_size]
                batch = to_batch(self._standardised(cut(prepared, spec, chunk), statistics), spec, modalities=read)
                yield Embeddings(
                    values=self.embed(batch).cpu().numpy(),
                    time_s=chunk,
                    present=batch.present().numpy(),
                    modalities=batch.names,
                    window_s=spec.window_s,
                    normalise=normalise,
                    model=self.name,
                )
                bar.update(len(chunk))

    @torch.inference_mode()
    def embed(self, batch: SensorBatch) -> Tensor:
        """Embed windows that already fit the spec and are standardised. SensorBatch -> [B, E]."""
        return self.method.embed(batch.to(self.device))

    def similarity(self, first: Embeddings | NDArray[Any], second: Embeddings | NDArray[Any]) -> NDArray[np.float32]:
        """Cosine similarity of two sets of embeddings. [n, E], [m, E] -> [n, m]."""
        return cosine_similarity(np.asarray(first), np.asarray(second))

    def few_shot(
        self,
        support: Sequence[Recording],
        labels: Sequence[str],
        *,
        head: str | FewShotHead | None = None,
        normalise: Normalise | None = None,
    ) -> FewShotClassifier:
        """Fit a few-shot head on labelled recordings (every window of a recording has its label).

        head: by name, as it was built, or None for the one that this model's method is judged with.

        Raises:
            LengthError: not one label a recording, fewer than two classes, or nothing was seen of any example of a class.
            DTypeError: labels that are no names.
            SignalError: a recording does not fit; the message says which.
            UnknownComponentError: no such head.
            UnsupportedError: a head by name whose weights must be trained first.
            ConfigError: a head that is neither a name nor one that was built.
        """
        built = built_head(self.method.few_shot_head if head is None else head, self.embed_dim)
        return fitted_classifier(self, support, labels, built, normalise)

    def summary(self) -> str:
        """A few lines: what goes in, what comes out, what is trained and on whom."""
        config, spec = self.config, self.config.spec
        parameters = sum(parameter.numel() for parameter in self.method.parameters())
        lines = [
            f"{config.name}: {config.method.name}, embedding of {self.embed_dim} numbers for each window of {spec.window_text}",
            *(
                f"  in   {modality.name}: {', '.join(f'{c.name} [{c.unit}]' for c in modality.channels)} at {spec.rate_text(modality)}"
                for modality in spec.named
            ),
            *_any_channels(spec),
            *(
                f"  part {role}: {ref.name}{' (trained)' if role in config.trained_parts else ''}"
                for role, ref in config.components.items()
            ),
            f"  {parameters:,} parameters, {sum(b.numel() for b in self.method.buffers()):,} fixed numbers",
        ]
        if config.provenance.datasets:
            lines.append(f"  trained on {', '.join(config.provenance.datasets)} ({len(config.provenance.subjects)} subjects)")
        return "\n".join(lines)

    def _recording(
        self,
        recording: Recording | Mapping[str, NDArray[Any]],
        rate_hz: float | Mapping[str, float] | None,
        units: Mapping[str, str] | None,
    ) -> Recording:
        if isinstance(recording, Recording):
            if rate_hz is not None or units is not None:
                raise ConfigError("A Recording already knows its rates and units: leave out rate_hz and units.")
            return recording
        if not isinstance(recording, Mapping):
            raise MissingModalityError(
                f"Expected a Recording or {{modality: array}} for {', '.join(self.config.spec.names) or 'any modalities'}, "
                f"got {type(recording).__name__}. "
                "Make one: sslts.Recording.from_arrays({...}, rate_hz=..., units=...)."
            )
        channels = {modality.name: modality.channel_names for modality in self.config.spec.named if modality.name in recording}
        return Recording.from_arrays(recording, rate_hz=rate_hz, units=units, channels=channels)

    def _statistics(self, prepared: Recording, normalise: Normalise) -> Mapping[str, ChannelStatistics]:
        preprocessing = self.config.preprocessing
        if normalise == "artefact" or preprocessing.recording == "embedding":
            return preprocessing.statistics
        return recording_statistics(prepared, self.config.spec)

    def _standardised(self, cuts: Mapping[str, Cut], statistics: Mapping[str, ChannelStatistics]) -> Mapping[str, Cut]:
        # No statistics at all: this model's encoders read physical units and standardise what they compute.
        return standardise_windows(cuts, statistics, self.config.preprocessing.clip) if statistics else cuts


def _any_channels(spec: SensorSpec) -> list[str]:
    """What goes in where a model takes any channels with a description."""
    if not isinstance(spec.modalities, AnyChannels):
        return []
    kinds = ", ".join(f"{kind} [{unit}]" for kind, unit in spec.modalities.units.items())
    return [f"  in   any channels that are described, at {spec.modalities.rate_hz:g} Hz: {kinds}"]
