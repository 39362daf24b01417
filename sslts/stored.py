"""What a model does with folders and the Hub, as methods of `sslts.model.Model`: save, prove itself, publish."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from sslts import registry
from sslts.config import Golden, ModelConfig
from sslts.errors import GoldenMismatchError, PublishError
from sslts.golden import golden_batch
from sslts.hub import artefact, towers
from sslts.hub.folders import check_target
from sslts.hub.layout import CARD, KNOWN_FILES
from sslts.hub.metrics import read_metrics
from sslts.hub.upload import Published, upload
from sslts.interfaces import Method
from sslts.types import SensorBatch

logger = logging.getLogger(__name__)


class _Loaded(Protocol):
    """`Model`, as seen from below it."""

    @property
    def config(self) -> ModelConfig: ...

    @property
    def method(self) -> Method: ...

    @property
    def folder(self) -> Path | None: ...

    def embed(self, batch: SensorBatch) -> Tensor: ...

    def save(self, folder: str | Path, *, card: str | None = None, metrics: Mapping[str, Any] | None = None) -> Path: ...

    def check_golden(self) -> None: ...


class Stored:
    """A base of `Model`: save, check_golden and push_to_hub."""

    def save(
        self: _Loaded,
        folder: str | Path,
        *,
        card: str | None = None,
        metrics: Mapping[str, Any] | None = None,
        half: bool = False,
        overwrite: bool = False,
    ) -> Path:
        """Write the artefact folder that `load` reads. The golden embedding is computed anew from the weights as they are, and `requires`
        names the plugins whose components the model is built of.

        card, metrics: README.md and what metrics.json holds. If None, those of the folder that the model was loaded from, unless its
        weights have changed since: other weights need other figures.
        half: round float32 weights to half precision, in this model too, so that it embeds as the file does; half the size.
        """
        if half:
            # Before this model is changed.
            check_target(Path(folder), KNOWN_FILES, what="model", overwrite=overwrite)
            _round(self.method)
        card, metrics = _carried(self, card, metrics)
        alone = registry.of_this_session(_used(self.config))
        if alone:
            logger.warning(
                "%s is built of %s: only this session knows it, no other process can load it.", self.config.name, ", ".join(alone)
            )
        golden = self.config.golden or Golden(seed=0, embedding=((0.0,),))
        values = self.embed(golden_batch(self.config.spec, golden.seed)).cpu()
        fresh = golden.model_copy(update={"embedding": tuple(tuple(row) for row in values.tolist())})
        requires = {**registry.requirements_of(_used(self.config)), **self.config.requires}
        config = self.config.model_copy(update={"golden": fresh, "requires": requires})
        state = {name: tensor.cpu().contiguous() for name, tensor in self.method.state_dict().items()}
        return artefact.write(Path(folder), config, state, card=card, metrics=dict(metrics), half=half, overwrite=overwrite)

    def check_golden(self: _Loaded) -> None:
        """Raise GoldenMismatchError unless this machine computes what the publisher's did."""
        golden, name = self.config.golden, self.config.name
        if golden is None:
            raise GoldenMismatchError(f"{name} has no golden embedding, so nothing proves that it loads as published. Save it again.")
        expected = torch.tensor(golden.embedding)
        got = self.embed(golden_batch(self.config.spec, golden.seed)).float().cpu()
        if got.shape != expected.shape:
            raise GoldenMismatchError(f"{name}: golden embedding is {tuple(expected.shape)}, this model gives {tuple(got.shape)}.")
        error = ((got - expected).abs().max() / expected.abs().max().clamp(min=1e-6)).item()
        if not error <= golden.tolerance:
            raise GoldenMismatchError(
                f"{name} does not reproduce its golden embedding (relative error {error:.2g}, allowed {golden.tolerance:.2g}): "
                "the weights or a component differ from what was published. Reinstall sslts and its plugins, or fetch the model again."
            )

    def push_to_hub(
        self: _Loaded,
        repo: str,
        *,
        private: bool | None = None,
        revision: str = "main",
        tag: str | None = None,
        card: str | None = None,
        metrics: Mapping[str, Any] | None = None,
        token: str | None = None,
    ) -> Published:
        """Publish these weights on the Hugging Face Hub, in one commit.

        Args:
            repo: "org/name"; created if it is not there.
            private: of a repository that is created; the account's default if None.
            revision: the branch that the commit goes to.
            tag: a name for the commit.
            card, metrics: README.md and what metrics.json holds; as for `save` if None.
            token: the account's; as logged in if None.

        Returns:
            The commit to pin (`.pin` is the name that loads it), and the sha256 of each file.

        Raises:
            PublishError: card, licence or figures are missing, the Hub refuses the card, or a component is of this session only.
            GoldenMismatchError: the model does not reproduce its golden embedding.
            HubError: the Hub could not be reached, or refused.
        """
        alone = registry.of_this_session(_used(self.config))
        if alone:
            raise PublishError(
                f"{self.config.name} is built of {', '.join(alone)}, which only this session knows: nobody could load it. "
                "Put the component into a plugin: sslts new-plugin NAME."
            )
        with tempfile.TemporaryDirectory() as folder:
            saved = self.save(Path(folder) / "model", card=card, metrics=metrics)
            # The folder that is sent is the one that loads: what is built from it gives its golden embedding.
            config = artefact.read_config(saved)
            method: Method = registry.get("method", config.method.name).from_config(config)
            method.load_state_dict(artefact.load_weights(saved, method.state_dict()), strict=True)
            towers.fill_all(method)
            # mypy sees the protocol, whose only implementation, Model, is a dataclass.
            replace(self, config=config, method=method.eval()).check_golden()  # type: ignore[type-var]
            return upload(saved, repo, private=private, branch=revision, tag=tag, token=token, called=f"model '{config.name}'")


def _round(method: nn.Module) -> None:
    """float32 tensors to what half precision holds of them (ArtefactError, and nothing changed, if some number is beyond it)."""
    wide = {name: tensor for name, tensor in method.state_dict().items() if tensor.dtype == torch.float32}
    for name, tensor in wide.items():
        artefact.storable(name, tensor, half=True)
    with torch.no_grad():
        for tensor in wide.values():
            tensor.copy_(tensor.half())


def _carried(model: _Loaded, card: str | None, metrics: Mapping[str, Any] | None) -> tuple[str, Mapping[str, Any]]:
    """Card and figures, where they are not given: those that the model came with, if its weights are still the ones they speak of."""
    if model.folder is not None and (card is None or metrics is None):
        try:
            model.check_golden()
        except GoldenMismatchError:
            logger.warning("%s has other weights than it was loaded with: its card and figures are left behind.", model.config.name)
        else:
            if card is None and (model.folder / CARD).is_file():
                card = (model.folder / CARD).read_text(encoding="utf-8")
            if metrics is None:
                metrics = read_metrics(model.folder).model_dump(mode="json")
    return card or "", metrics or {}


def _used(config: ModelConfig) -> list[str]:
    return [config.method.name, *(ref.name for ref in config.components.values())]
