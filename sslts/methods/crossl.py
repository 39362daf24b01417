"""CroSSL: cross-modal self-supervised learning by latent masking (Deldari et al., WSDM 2024, arXiv:2307.16847).

One encoder per modality turns a window into an embedding. Some of these embeddings are hidden, twice and independently; the same aggregator
turns what is left into two embeddings of the window, which should agree without collapsing. No labels, no negatives, no augmentation, and
a missing modality is just one more hidden one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Self, cast, final

import torch
from pydantic import Field
from torch import Tensor, nn

from sslts import ops
from sslts.config import ComponentConfig, ComponentRef, ModelConfig, parse
from sslts.errors import ConfigError
from sslts.interfaces import Aggregator, Encoder, Masker, Method, Objective, build, facts_of
from sslts.maskers.modality import draw, keep_at_least_one
from sslts.types import LossParts, MaskPlan, SensorBatch, Tokens


@final
class CroSSL(Method):
    """Latent masking over modality embeddings (sec. 3).

    `encoders` maps a modality to its encoder, in the spec's order; all have the same width D.
    """

    class Config(ComponentConfig):
        """present_keep: probability that a modality of a training window stays present (missing-modality training); 1 is off."""

        present_keep: float = Field(default=1.0, gt=0, le=1)

    config: Config

    def __init__(
        self,
        config: Config,
        *,
        encoders: Mapping[str, Encoder],
        aggregator: Aggregator,
        masker: Masker | None,
        objective: Objective | None,
    ) -> None:
        super().__init__(config)
        widths = {name: encoder.embed_dim for name, encoder in encoders.items()}
        if len(set(widths.values())) != 1:
            raise ConfigError(f"CroSSL needs encoders of one width, got {widths}. Give all of them the same embed_dim.")
        self.encoders = nn.ModuleDict(encoders)
        self.aggregator = aggregator
        self.masker = masker
        self.objective = objective
        self.embed_dim = aggregator.embed_dim

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        """Build the parts that the config names. Masker and objective are needed for training only and may be left out."""
        encoders: dict[str, Encoder] = {}
        named = config.group("encoders")
        for modality in config.spec.named:
            if modality.name not in named:
                raise ConfigError(f"components has no 'encoders.{modality.name}', but the spec has that modality.")
            facts = facts_of(config.spec, modality)
            encoders[modality.name] = build("encoder", named.pop(modality.name), f"encoders.{modality.name}", facts)
        if named:
            raise ConfigError(
                f"components names encoders for unknown modalities: {', '.join(named)}. The spec has {', '.join(config.spec.names)}."
            )
        if "aggregator" not in config.components:
            raise ConfigError("components has no 'aggregator': CroSSL needs one.")
        facts = {"modalities": len(encoders), "token_dim": next(iter(encoders.values())).embed_dim}
        parts: dict[str, Any] = {
            role: build(role, config.components[role], role, facts) if role in config.components else None
            for role in ("aggregator", "masker", "objective")
        }
        return cls(parse(cls.Config, config.method.options, "method (crossl)"), encoders=encoders, **parts)

    @classmethod
    def example(cls) -> Self:
        """Two small modalities."""
        encoders = {"acc": build("encoder", _tiny(3), "encoders.acc"), "bvp": build("encoder", _tiny(1), "encoders.bvp")}
        facts = {"modalities": 2, "token_dim": encoders["acc"].embed_dim}
        return cls(
            cls.Config(),
            encoders=encoders,
            aggregator=build("aggregator", ComponentRef(name="concat-mlp"), "aggregator", facts),
            masker=build("masker", ComponentRef(name="spatial"), "masker"),
            objective=build("objective", ComponentRef(name="vicreg"), "objective"),
        )

    def example_batch(self, batch: int = 2) -> SensorBatch:
        """Each encoder's own example."""
        parts: Mapping[str, Any] = dict(self.encoders.items())
        return SensorBatch({name: encoder.example_signal(batch) for name, encoder in parts.items()})

    def tokenise(self, batch: SensorBatch) -> Tokens:
        """Time tokens of all modalities in one sequence. [B, N, D]."""
        return ops.concat_tokens([ops.with_modality(tokens, index) for index, tokens in enumerate(self._encoded(batch))])

    def latents(self, batch: SensorBatch) -> Tokens:
        """One token per modality, pooled before anything is joined: the same as `pool(tokenise(batch))`, with less copying. [B, M, D]."""
        encoded = list(self._encoded(batch))
        means = torch.stack([ops.pooled_mean(tokens) for tokens in encoded], dim=1)
        return ops.modality_tokens(means, torch.stack([tokens.valid.any(1) for tokens in encoded], dim=1))

    def pool(self, tokens: Tokens) -> Tokens:
        """One token per modality: the mean over time of what is visible. [B, N, D] -> [B, M, D]."""
        return ops.modality_tokens(*ops.modality_means(tokens, len(self.encoders)))

    def embed(self, batch: SensorBatch) -> Tensor:
        """[B, E]: the aggregate of everything present; a window with nothing present -> 0."""
        return self.aggregator(self.latents(batch))

    def training_loss(self, batch: SensorBatch, *, generator: torch.Generator) -> LossParts:
        """Two independently masked views of the same latents, compared (sec. 3.2 and 3.3)."""
        if self.masker is None or self.objective is None:
            raise ConfigError("Training CroSSL needs the components 'masker' and 'objective'; this model was built without.")
        batch = self._with_missing(batch, generator)
        if self.objective.compares == "modalities":
            latents = self.latents(batch)
            return self.objective(latents.values, latents.values, latents.valid)
        tokens = self.latents(batch) if self.masker.level == "modality" else self.tokenise(batch)
        plan = self.masker.plan(tokens, generator=generator)
        if len(plan.visible) != 2:
            raise ConfigError(f"CroSSL compares two views, its masker gives {len(plan.visible)}. Use a masker with views: 2.")
        views = [self._view(tokens, plan, index) for index in range(2)]
        first, second = (self.aggregator(view if self.masker.level == "modality" else self.pool(view)) for view in views)
        return self.objective(first, second, tokens.valid.any(1))

    def prepare(self, batch: SensorBatch) -> None:
        """Let each encoder fit its label-free statistics."""
        for name, encoder in self._named():
            encoder.prepare(batch.signals[name])

    def has_front(self) -> bool:
        """True if every encoder has a fixed part."""
        return all(type(encoder).front is not Encoder.front for _, encoder in self._named())

    def front(self, batch: SensorBatch) -> SensorBatch:
        """The encoders' fixed parts."""
        return SensorBatch({name: encoder.front(batch.signals[name]) for name, encoder in self._named()}, batch.keys)

    def _named(self) -> Iterator[tuple[str, Encoder]]:
        """A ModuleDict's type forgets what it holds: these are encoders."""
        for name, encoder in self.encoders.items():
            yield name, cast("Encoder", encoder)

    def _encoded(self, batch: SensorBatch) -> Iterator[Tokens]:
        if tuple(batch.signals) != tuple(self.encoders):
            raise ConfigError(f"This model's modalities are {', '.join(self.encoders)}, in this order; got {', '.join(batch.signals)}.")
        for name, encoder in self._named():
            yield encoder.encode(encoder.tokenize(batch.signals[name]))

    @staticmethod
    def _view(tokens: Tokens, plan: MaskPlan, index: int) -> Tokens:
        view = tokens.keep(plan.visible[index])
        if plan.features is None:
            return view
        kept = torch.where(plan.features[index], view.values, torch.zeros_like(view.values))
        return replace(view, values=kept)

    def _with_missing(self, batch: SensorBatch, generator: torch.Generator) -> SensorBatch:
        """Their missing-modality training: a random subset of what is present, at least one."""
        if self.config.present_keep >= 1:
            return batch
        present = batch.present()
        scores = draw(tuple(present.shape), generator, present.device)
        return batch.with_present(keep_at_least_one(scores < self.config.present_keep, present, 1 - scores))


def _tiny(channels: int) -> ComponentRef:
    return ComponentRef(name="tcn", options={"channels": channels, "filters": [4, 8, 8], "kernels": [5, 3, 3], "dropout": 0.0})
