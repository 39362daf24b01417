"""What a model does with folders and the Hub, as methods of `sslts.model.Model`: save, prove itself, publish."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from sslts import registry
from sslts.config import Golden, ModelConfig
from sslts.errors import GoldenMismatchError
from sslts.golden import golden_batch
from sslts.hub import artefact, towers
from sslts.hub.layout import CARD
from sslts.hub.metrics import read_metrics
from sslts.hub.upload import Published, upload
from sslts.interfaces import Method
from sslts.types import SensorBatch


class _Loaded(Protocol):
    """`Model`, as seen from below it."""

    @property
    def config(self) -> ModelConfig: ...

    @property
    def method(self) -> Method: ...

    @property
    def folder(self) -> Path | None: ...

    def embed(self, batch: SensorBatch) -> Tensor: ...

    def save(self, folder: str | Path, *, card: str = "", metrics: Mapping[str, Any] | None = None, overwrite: bool = False) -> Path: ...

    def check_golden(self) -> None: ...


class Stored:
    """A base of `Model`: save, check_golden and push_to_hub."""

    def save(
        self: _Loaded, folder: str | Path, *, card: str = "", metrics: Mapping[str, Any] | None = None, overwrite: bool = False
    ) -> Path:
        """Write the artefact folder that `load` reads. The golden embedding is computed anew from the weights as they are, and `requires`
        names the plugins whose components the model is built of."""
        golden = self.config.golden or Golden(seed=0, embedding=((0.0,),))
        values = self.embed(golden_batch(self.config.spec, golden.seed)).cpu()
        fresh = golden.model_copy(update={"embedding": tuple(tuple(row) for row in values.tolist())})
        config = self.config.model_copy(update={"golden": fresh, "requires": _requires(self.config)})
        state = {name: tensor.cpu().contiguous() for name, tensor in self.method.state_dict().items()}
        return artefact.write(Path(folder), config, state, card=card, metrics=dict(metrics or {}), overwrite=overwrite)

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
            card: the text of README.md; that of the folder it was loaded from if None.
            metrics: the content of metrics.json; that of the folder it was loaded from if None.
            token: the account's; as logged in if None.

        Returns:
            The commit to pin (`.pin` is the name that loads it), and the sha256 of each file.

        Raises:
            PublishError: card, licence or figures are missing, or the Hub refuses the card.
            GoldenMismatchError: the model does not reproduce its golden embedding.
            HubError: the Hub could not be reached, or refused.
        """
        if card is None and self.folder is not None and (self.folder / CARD).is_file():
            card = (self.folder / CARD).read_text(encoding="utf-8")
        if metrics is None and self.folder is not None:
            metrics = read_metrics(self.folder).model_dump(mode="json")
        with tempfile.TemporaryDirectory() as folder:
            saved = self.save(Path(folder) / "model", card=card or "", metrics=metrics)
            # The folder that is sent is the one that loads: what is built from it gives its golden embedding.
            config = artefact.read_config(saved)
            method: Method = registry.get("method", config.method.name).from_config(config)
            method.load_state_dict(artefact.load_weights(saved, method.state_dict()), strict=True)
            towers.fill_all(method)
            replace(self, config=config, method=method.eval()).check_golden()  # type: ignore[type-var]
            return upload(saved, repo, private=private, branch=revision, tag=tag, token=token)


def _requires(config: ModelConfig) -> dict[str, str]:
    """What the config asked for, and the plugins whose components the model is built of."""
    plugins = registry.distributions_of([config.method.name, *(ref.name for ref in config.components.values())])
    return {**{name.lower(): f">={version}" for name, version in plugins.items()}, **config.requires}
