"""Sensor-text JEPA: embeddings that predict sensor dynamics and carry meaning (Dutta et al. 2026, arXiv:2605.31580).

A context encoder reads what is visible of a window; a predictor maps it to the latents of hidden stretches of a channel or of another
sensor, which a moving-average copy of the encoder computes from the whole window. The same predictor summarises the context by one learned
query, and a linear map of that summary should meet the text that describes the window:

    L = || g(z_ctx, m) - sg[ f_ema(x)_m ] ||^2  +  lambda || g(z_ctx) - sg[s] ||^2

Distances, maskers and the terms beside them are components: the seed's objective is `latent` with `semantic`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from sslts import ops
from sslts.config import ComponentConfig, ComponentRef, ModelConfig, parse
from sslts.ema import MovingAverage, cosine_decay
from sslts.errors import ConfigError
from sslts.interfaces import DescribedEncoder, Masker, Objective, Predictor, TextEncoder, TextMethod, build
from sslts.maskers.modality import draw, keep_at_least_one
from sslts.text.channels import channel_texts
from sslts.types import LossParts, SensorBatch, Tokens

#: Key of a training batch: for each window, the texts that describe it (none: the window is not aligned).
TEXTS = "texts"


@final
class SensorTextJEPA(TextMethod):
    """Latent prediction and semantic alignment. Reads any channels that have a description.

    An embedding is [what the encoder keeps | what it means]: D numbers pooled over the encoder's tokens, then E of unit length in the text
    tower's space. Training batches carry texts under the key "texts".
    """

    class Config(ComponentConfig):
        """latent_weight and semantic_weight (lambda) of the two terms; local_weight and regulariser_weight of those beside them.

        ema_start, ema_end: the target's decay at the first and the last step. sensors: how many sensors of a window are drawn in training
        (0: all): 45 channels at once would be 225 tokens. layer_norm: whether targets are normalised, as in I-JEPA.
        """

        latent_weight: float = Field(default=1.0, ge=0, le=1e3)
        semantic_weight: float = Field(default=1.0, ge=0, le=1e3)
        local_weight: float = Field(default=1.0, ge=0, le=1e3)
        regulariser_weight: float = Field(default=1.0, ge=0, le=1e3)
        ema_start: float = Field(default=0.996, ge=0, le=1)
        ema_end: float = Field(default=1.0, ge=0, le=1)
        sensors: int = Field(default=0, ge=0, le=64)
        layer_norm: bool = True

    config: Config
    temperature: Tensor

    def __init__(
        self,
        config: Config,
        *,
        encoder: DescribedEncoder,
        predictor: Any,
        text_encoder: TextEncoder,
        maskers: Mapping[str, Masker],
        objective: Objective | None = None,
        alignment: Objective | None = None,
        decoder: Predictor | None = None,
        regulariser: Objective | None = None,
    ) -> None:
        super().__init__(config)
        if not encoder.drops_tokens:
            raise ConfigError(f"Sensor-text JEPA needs an encoder that can skip hidden tokens; {type(encoder).__name__} cannot.")
        if not hasattr(predictor, "summarise"):
            raise ConfigError(
                f"Sensor-text JEPA needs a predictor that can summarise a window ('latent'); {type(predictor).__name__} cannot."
            )
        self.encoder = encoder
        self.predictor = predictor
        self.to_text = nn.Linear(encoder.embed_dim, text_encoder.embed_dim)
        self.text_encoder = text_encoder.requires_grad_(False)
        self.maskers = nn.ModuleDict(maskers)
        self.objective, self.alignment = objective, alignment
        self.decoder, self.regulariser = decoder, regulariser
        self.target: MovingAverage | None = None
        self.text_dim = text_encoder.embed_dim
        self.embed_dim = encoder.embed_dim + self.text_dim
        # Divides cosine similarities when windows are named; fitted on validation windows of the training side after training.
        self.register_buffer("temperature", torch.tensor(0.1))
        self._known: dict[str, Tensor] = {}

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        """Build the parts that the config names. Only encoder, predictor and text tower are needed to embed."""
        named = config.components
        for role in ("encoder", "predictor", "text_encoder"):
            if role not in named:
                raise ConfigError(f"components has no '{role}': sensor-text JEPA needs one.")
        text_encoder = build("text-encoder", named["text_encoder"], "text_encoder")
        facts: dict[str, Any] = {"text_dim": text_encoder.embed_dim}
        encoder = build("encoder", named["encoder"], "encoder", facts)
        if not isinstance(encoder, DescribedEncoder):
            raise ConfigError(f"encoder '{named['encoder'].name}' does not read channel descriptions. Use 'described-transformer'.")
        facts["token_dim"] = encoder.embed_dim
        parts: dict[str, Any] = {
            role: build(kind, named[role], role, facts) if role in named else None
            for role, kind in (
                ("objective", "objective"),
                ("alignment", "objective"),
                ("decoder", "predictor"),
                ("regulariser", "objective"),
            )
        }
        maskers = {name: build("masker", ref, f"maskers.{name}") for name, ref in config.group("maskers").items()}
        options = parse(cls.Config, config.method.options, "method (sensor-text-jepa)")
        predictor = build("predictor", named["predictor"], "predictor", facts)
        return cls(options, encoder=encoder, predictor=predictor, text_encoder=text_encoder, maskers=maskers, **parts)

    @classmethod
    def example(cls) -> Self:
        """Width 16 over a dozen words."""
        from sslts import registry

        tower: Any = registry.get("text-encoder", "static")
        text = tower.example()
        facts = {"text_dim": text.embed_dim, "token_dim": 16}
        options = {"embed_dim": 16, "depth": 1, "heads": 2, "patch_s": 0.25, "points": 8}
        return cls(
            cls.Config(),
            encoder=build("encoder", ComponentRef(name="described-transformer", options=options), "encoder", facts),
            predictor=build("predictor", ComponentRef(name="latent", options={"dim": 8, "depth": 1, "heads": 2}), "predictor", facts),
            text_encoder=text,
            maskers={"block": build("masker", ComponentRef(name="block"), "maskers.block")},
            objective=build("objective", ComponentRef(name="latent"), "objective"),
            alignment=build("objective", ComponentRef(name="semantic"), "alignment"),
        )

    def tokenise(self, batch: SensorBatch) -> Tokens:
        """All sensors' patches in one sequence, each with the vector of its channel's description. [B, N, F]."""
        parts = []
        for index, signal in enumerate(batch.signals.values()):
            described = self.vectors(channel_texts(signal.channels))
            parts.append(ops.with_modality(self.encoder.tokenize(signal, described), index))
        return ops.concat_tokens(parts)

    def embed(self, batch: SensorBatch) -> Tensor:
        """[B, D + E]: the mean of the encoder's tokens, and the window's vector in the text space; nothing present -> 0."""
        context = self.encoder.encode(self.tokenise(batch))
        return torch.cat([ops.pooled_mean(context), self._meaning(context)], dim=1)

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """n texts -> [n, E], unit length."""
        return self.text_encoder(texts)

    def in_text_space(self, embeddings: Tensor) -> Tensor:
        """The part of embeddings [n, D + E] that compares with texts: [n, E]."""
        return embeddings[:, -self.text_dim :]

    def start_training(self) -> None:
        """Make the target: a copy of the encoder that follows it slowly."""
        self.target = MovingAverage(self.encoder)

    def finish_training(self) -> None:
        """Drop the target: a published model holds the online weights."""
        self.target = None

    def after_step(self, step: int, total: int) -> None:
        """Move the target, on the schedule ema_start -> ema_end."""
        if self.target is not None:
            self.target.update(self.encoder, cosine_decay(step, total, start=self.config.ema_start, end=self.config.ema_end))

    def training_loss(self, batch: SensorBatch, *, generator: torch.Generator) -> LossParts:
        """Predict the latents of hidden places, and meet the window's text."""
        if self.target is None or not self.maskers:
            raise ConfigError("Training sensor-text JEPA needs a masker and a target: train with sslts.training.train.")
        whole = self._drawn(self.tokenise(batch), generator)
        masker: Any = list(self.maskers.values())[int(torch.randint(len(self.maskers), (1,), generator=generator))]
        plan = masker.plan(whole, generator=generator)
        context = self.encoder.encode(whole, plan.visible[0])
        hidden = plan.targets.any(0)
        terms: dict[str, Tensor] = {}
        if self.objective is not None and self.config.latent_weight > 0:
            terms["latent"] = self.config.latent_weight * self._latent(self.objective, self.target, whole, context, hidden)
        if self.alignment is not None and self.config.semantic_weight > 0:
            terms["semantic"] = self.config.semantic_weight * self._semantic(self.alignment, batch, context, generator)
        if self.decoder is not None and self.config.local_weight > 0:
            terms["local"] = self.config.local_weight * self._local(self.decoder, whole, context, hidden)
        if self.regulariser is not None and self.config.regulariser_weight > 0:
            pooled = ops.pooled_mean(context)
            terms["regulariser"] = self.config.regulariser_weight * self.regulariser(pooled, pooled, context.valid.any(1)).total
        if not terms:
            raise ConfigError("Every term of the loss has weight 0 or is not named: give an objective or an alignment.")
        return LossParts.of(**terms)

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Text vectors [n, E], kept: training asks for the same few hundred texts again and again."""
        new = sorted({text for text in texts if text not in self._known})
        if new:
            self._known |= dict(zip(new, self.text_encoder(new), strict=True))
        device = self.to_text.weight.device
        return torch.stack([self._known[text].to(device) for text in texts])

    def _meaning(self, context: Tokens) -> Tensor:
        mapped = functional.normalize(self.to_text(self.predictor.summarise(context)), dim=1)
        return torch.where(context.valid.any(1, keepdim=True), mapped, torch.zeros_like(mapped))

    def _drawn(self, tokens: Tokens, generator: torch.Generator) -> Tokens:
        """A random `sensors` of each window's sensors; absent tokens are dropped."""
        if self.config.sensors:
            kinds = int(tokens.modality.max()) + 1
            counts = torch.zeros(len(tokens.valid), kinds, device=tokens.valid.device)
            present = counts.scatter_add_(1, tokens.modality, tokens.valid.to(counts.dtype)) > 0
            scores = draw((len(tokens.valid), kinds), generator, tokens.valid.device).masked_fill(~present, 2.0)
            chosen = keep_at_least_one(scores.argsort(1).argsort(1) < self.config.sensors, present, 1 - scores)
            tokens = tokens.keep(torch.gather(chosen, 1, tokens.modality))
        return ops.pack_tokens(tokens, tokens.valid)

    def _latent(self, objective: Any, target: MovingAverage, whole: Tokens, context: Tokens, hidden: Tensor) -> Tensor:
        """First term: the distance to what the target makes of the whole window, at hidden places."""
        with torch.no_grad():
            latents = target.average.encode(whole)  # type: ignore[operator]
            values = functional.layer_norm(latents.values, latents.values.shape[-1:]) if self.config.layer_norm else latents.values
        wanted = ops.pack_tokens(replace(whole, values=values), hidden)
        predicted = self.predictor(context, wanted)
        if getattr(objective, "grouped", False):
            return objective(predicted.values, wanted.values, wanted.valid, wanted.channel).total
        return objective(predicted.values, wanted.values, wanted.valid).total

    def _semantic(self, alignment: Objective, batch: SensorBatch, context: Tokens, generator: torch.Generator) -> Tensor:
        """Second term: the distance to one of each window's texts, drawn anew in every step."""
        mapped = self.to_text(self.predictor.summarise(context))
        offered: Sequence[Any] = batch.keys.get(TEXTS, [()] * len(batch))
        picks = torch.rand(len(offered), generator=generator).tolist()
        told = [texts[int(pick * len(texts))] if len(texts) else None for texts, pick in zip(offered, picks, strict=True)]
        known = [text for text in told if text is not None]
        target, weight = torch.zeros_like(mapped), torch.tensor([text is not None for text in told], device=mapped.device)
        if known:
            target[weight] = self.vectors(known)
        return alignment(mapped, target, weight & context.valid.any(1)).total

    def _local(self, decoder: Predictor, whole: Tokens, context: Tokens, hidden: Tensor) -> Tensor:
        """Hybrid: the fixed description of hidden patches, reconstructed from the context."""
        wanted = ops.pack_tokens(whole, hidden)
        made = decoder(context, wanted)
        distance = (made.values - wanted.values).square().mean(-1)
        return (distance * wanted.valid).sum() / wanted.valid.sum().clamp(min=1)
