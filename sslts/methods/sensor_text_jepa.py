"""Sensor-text JEPA: embeddings that predict sensor dynamics and carry meaning (Dutta et al. 2026, arXiv:2605.31580).

A context encoder reads what is visible of a window; a predictor maps it to the latents of hidden stretches of a channel or of another
sensor, which a moving-average copy of the encoder computes from the whole window. The same predictor summarises the context by one learned
query, and a linear map of that summary and of what is kept should meet the text that describes the window:

    L = || g(z_ctx, m) - sg[ f_ema(x)_m ] ||^2  +  lambda || g(z_ctx) - sg[s] ||^2

Distances, maskers and the terms beside them are components: the seed's objective is `latent` with `semantic`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Annotated, Any, Self, final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from sslts import ops
from sslts.aggregators.described import DescribedAggregator
from sslts.config import ComponentConfig, ModelConfig, parse
from sslts.ema import MovingAverage, cosine_decay
from sslts.errors import ConfigError
from sslts.interfaces import Aggregator, DescribedEncoder, Masker, Objective, Predictor, TextEncoder, TextMethod
from sslts.methods.drawn import draw_sensors, draw_views, line_up
from sslts.methods.sensor_text_parts import build_parts, small_batch, small_parts
from sslts.methods.sensor_text_terms import latent_distance, place_of, reconstruction, unbroken
from sslts.methods.text_head import LeastSquares, TextHead, TextSpace, richness
from sslts.methods.text_targets import middle_of_texts, one_text_each, texts_of
from sslts.text.channels import channel_texts
from sslts.types import LossParts, SensorBatch, Signal, Tokens

_SCALED_ON = 512
_SCALED_AFTER = 8  # batches
_ANY_CHANNEL = "a channel of a sensor"


@final
class SensorTextJEPA(TextMethod):
    """Latent prediction and semantic alignment. Reads any channels that have a description.

    An embedding is [kept | moment | meaning]: what the aggregator keeps of the encoder's tokens, S numbers of unit length by which other
    sensors know the same moment (if the component `moments` is named), then E of unit length in the text tower's space.
    Training batches carry texts under the key "texts".
    """

    class Config(ComponentConfig):
        """latent_weight and semantic_weight (lambda) of the two terms; local_, agreement_ and regulariser_weight of those beside.

        ema_start, ema_end: the target's decay at the first and the last step. sensors: how many sensors of a window may be drawn in a
        training step, one of these numbers at random (0: all). layer_norm: whether targets are normalised, as in I-JEPA. ridge: of the
        closed form that ends training, relative to features of unit variance (0: leave the map as gradient steps made it). vague: share
        of training steps in which descriptions do not say where sensors sit. channel_text: False tells all channels by
        one and the same text, so that none is known from another (for comparison). evenness: of the text space, 0 as the tower has it to 1.
        keep: principal components that are kept of a window.
        """

        latent_weight: float = Field(default=1.0, ge=0, le=1e3)
        semantic_weight: float = Field(default=1.0, ge=0, le=1e3)
        local_weight: float = Field(default=1.0, ge=0, le=1e3)
        regulariser_weight: float = Field(default=1.0, ge=0, le=1e3)
        ema_start: float = Field(default=0.996, ge=0, le=1)
        ema_end: float = Field(default=1.0, ge=0, le=1)
        agreement_weight: float = Field(default=1.0, ge=0, le=1e3)
        sensors: tuple[Annotated[int, Field(ge=0, le=1024)], ...] = Field(default=(0,), min_length=1, max_length=16)
        layer_norm: bool = True
        ridge: float = Field(default=0.01, ge=0, le=1e3)
        vague: float = Field(default=0.0, ge=0, le=1)
        channel_text: bool = True
        evenness: float = Field(default=0.5, ge=0, le=1)
        keep: int = Field(default=128, ge=1, le=4096)

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
        aggregator: Aggregator | None = None,
        objective: Objective | None = None,
        alignment: Objective | None = None,
        agreement: Objective | None = None,
        decoder: Predictor | None = None,
        regulariser: Objective | None = None,
        moments: DescribedEncoder | None = None,
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
        self.aggregator = aggregator
        kept = aggregator.embed_dim if aggregator is not None else encoder.embed_dim
        self.moments = moments
        self.head = TextHead(kept + encoder.embed_dim, text_encoder.embed_dim, keep=config.keep)
        self.text_encoder = text_encoder.requires_grad_(False)
        self.maskers = nn.ModuleDict(maskers)
        self.objective, self.alignment, self.agreement = objective, alignment, agreement
        self.decoder, self.regulariser = decoder, regulariser
        self.target: MovingAverage | None = None
        self.text_dim = text_encoder.embed_dim
        self.widths = (self.head.keep, 0 if moments is None else moments.embed_dim, text_encoder.embed_dim)
        self.embed_dim = sum(self.widths)
        # Divides cosine similarities when windows are named; fitted on validation windows of the training side after training.
        self.register_buffer("temperature", torch.tensor(0.1))
        self.text_space = TextSpace(text_encoder.embed_dim, evenness=config.evenness)
        self._known: dict[str, Tensor] = {}

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        """Build the parts that the config names. Only encoder, predictor and text tower are needed to embed."""
        options = parse(cls.Config, config.method.options, "method (sensor-text-jepa)")
        return cls(options, **build_parts(config))

    @classmethod
    def example(cls) -> Self:
        """Width 16 over a dozen words."""
        return cls(cls.Config(), **small_parts())

    def example_batch(self, batch: int = 2) -> SensorBatch:
        """Two seconds of two sensors, each window with a text."""
        return small_batch(batch)

    def tokenise(
        self, batch: SensorBatch, drawn: Tensor | None = None, *, vague: bool = False, encoder: DescribedEncoder | None = None
    ) -> Tokens:
        """Sensors' tokens in one sequence a row, each with the vector of its channel's description. [B, N, F].

        drawn: bool [B, M], which sensors of each window (default: all that are present); vague: descriptions do not say where sensors sit;
        encoder: whose tokens (default: of the one that is aligned with texts).
        """
        encoder = self.encoder if encoder is None else encoder
        drawn = batch.present() if drawn is None else drawn
        parts: list[tuple[Tensor, Tokens]] = []
        for index, (signal, wanted) in enumerate(zip(batch.signals.values(), drawn.T, strict=True)):
            rows = wanted.nonzero()[:, 0]
            if len(rows) or index == len(batch.signals) - 1 and not parts:
                mine = encoder.derive(signal.select(rows))
                described = self.vectors(self._told(mine, vague=vague))
                parts.append((rows, ops.with_modality(encoder.tokenize(mine, described), index)))
        return line_up(len(batch), parts)

    def embed(self, batch: SensorBatch) -> Tensor:
        """[B, K + S + E]: what is kept of the window, what compares with other sensors, what compares with words; nothing present -> 0."""
        context = self.encoder.encode(self.tokenise(batch))
        features, meaning = self._read(context)
        kept = torch.where(context.valid.any(1, keepdim=True), self.head.kept(features, richness(context)), meaning.new_zeros(()))
        moment = [] if self.moments is None else [self._moment(self.moments, batch, batch.present())]
        return torch.cat([kept, *moment, meaning], dim=1)

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """n texts -> [n, E], unit length."""
        return self.text_space(self.text_encoder(texts))

    def in_text_space(self, embeddings: Tensor) -> Tensor:
        """What compares with texts, unit length: [n, K + S + E] -> [n, E]."""
        return embeddings[:, -self.widths[2] :]

    def in_sensor_space(self, embeddings: Tensor) -> Tensor:
        """What compares with windows of other sensors, unit length: [n, K + S + E] -> [n, S + E]; nothing present -> 0.

        The moment and the meaning together: of two moments that look much alike, the one of the same activity is nearer.
        """
        return functional.normalize(embeddings[:, self.widths[0] :], dim=1)

    @torch.no_grad()
    def prepare(self, batch: SensorBatch) -> None:
        """Fit what is fixed: statistics of patches, places of channels' descriptions, what texts have in common, the scale of features."""
        signals = [self.encoder.derive(signal) for signal in batch.signals.values() if bool(signal.present.any())]
        self.encoder.prepare_all(signals)
        described = self.vectors(sorted({text for signal in signals for text in self._told(signal)}))
        if isinstance(self.aggregator, DescribedAggregator):
            self.aggregator.fit(described)
        if self.moments is not None:
            heard = [self.moments.derive(signal) for signal in batch.signals.values() if bool(signal.present.any())]
            self.moments.prepare_all(heard)
            self.moments.prepare_descriptions(self.vectors(sorted({text for signal in heard for text in self._told(signal)})))
        texts = sorted({text for offered in texts_of(batch) for text in offered})
        if texts:
            self.text_space.fit(self.vectors(texts))
        parts = [batch.select(slice(0, _SCALED_ON)), batch.select(slice(_SCALED_ON, 2 * _SCALED_ON))]
        self._scale(parts, parts, torch.Generator().manual_seed(0))

    @torch.no_grad()
    def conclude(self, recorded: Iterable[SensorBatch], changed: Iterable[SensorBatch], *, generator: torch.Generator) -> None:
        """Second term, exactly: with the encoder as it is now, the linear map to the text space has a closed form (ridge regression).

        Windows as recorded show all of their sensors, changed ones a few; either half weighs the same.
        """
        if self.config.ridge <= 0:
            return
        halves, richest, recorded, changed = [], 0.0, iter(recorded), iter(changed)
        first, second = list(islice(recorded, _SCALED_AFTER)), list(islice(changed, _SCALED_AFTER))
        self._scale(first, second, generator)  # training has changed what the features are
        recorded, changed = chain(first, recorded), chain(second, changed)
        for batches, few in ((recorded, False), (changed, True)):
            solver = LeastSquares(2 * self.head.dim + 1, self.text_dim)
            for batch in batches:
                told = torch.tensor([len(texts) > 0 for texts in texts_of(batch)])
                if told.any():
                    known = batch.select(told.nonzero()[:, 0])
                    context = self.encoder.encode(self._some(known, generator) if few else self.tokenise(known))
                    usable, rich = context.valid.any(1), richness(context)
                    richest = max(richest, float(rich.max()))
                    solver.add(self.head.terms(self._features(context), rich)[usable], middle_of_texts(known, self._said)[usable])
            halves.append(solver)
        self.head.set_linear(*LeastSquares.evenly(halves).solve(self.config.ridge), richest=richest)

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
        if (self.agreement is None) != (self.moments is None):
            raise ConfigError("'agreement' trains 'moments': name both (moments: described-waves, agreement: info-nce), or neither.")
        whole = self._some(batch, generator)
        masker: Any = list(self.maskers.values())[int(torch.randint(len(self.maskers), (1,), generator=generator))]
        plan = masker.plan(whole, generator=generator)
        context = self.encoder.encode(whole, plan.visible[0])
        hidden = plan.targets.any(0)
        features, meaning = self._read(context)
        usable = context.valid.any(1)
        terms: dict[str, Tensor] = {}
        if self.objective is not None and self.config.latent_weight > 0:
            terms["latent"] = self.config.latent_weight * latent_distance(
                self.objective, self.predictor, self.target.average, whole, context, hidden, layer_norm=self.config.layer_norm
            )
        if self.alignment is not None and self.config.semantic_weight > 0:
            target, told = one_text_each(batch, self._said, like=meaning, generator=generator)
            terms["semantic"] = self.config.semantic_weight * self.alignment(meaning, target, told & usable).total
        if self.agreement is not None and self.moments is not None and self.config.agreement_weight > 0:
            terms["agreement"] = self.config.agreement_weight * self._agreement(self.agreement, self.moments, batch, generator)
        if self.decoder is not None and self.config.local_weight > 0:
            terms["local"] = self.config.local_weight * reconstruction(self.decoder, whole, context, hidden)
        if self.regulariser is not None and self.config.regulariser_weight > 0:
            terms["regulariser"] = self.config.regulariser_weight * self.regulariser(features, features, usable).total
        if not terms:
            raise ConfigError("Every term of the loss has weight 0 or is not named: give an objective or an alignment.")
        return LossParts.of(**terms)

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Text vectors [n, E], kept: training asks for the same few hundred texts again and again."""
        # Each by itself: how texts are grouped would change last bits, and a resumed run asks for them in other groups.
        self._known |= {text: self.text_encoder([text])[0] for text in texts if text not in self._known}
        return torch.stack([self._known[text].to(self.temperature) for text in texts])

    def _told(self, signal: Signal, *, vague: bool = False) -> list[str]:
        """What the encoders are told about a sensor's channels."""
        texts = channel_texts(signal.channels, vague=vague)
        return texts if self.config.channel_text else [_ANY_CHANNEL] * len(texts)

    def _some(self, batch: SensorBatch, generator: torch.Generator) -> Tokens:
        """Tokens of a random few of each window's sensors."""
        count = self.config.sensors[int(torch.randint(len(self.config.sensors), (1,), generator=generator))]
        drawn = draw_sensors(batch.present(), count, generator=generator)
        return self.tokenise(batch, drawn, vague=float(torch.rand(1, generator=generator)) < self.config.vague)

    def _scale(self, recorded: Sequence[SensorBatch], changed: Sequence[SensorBatch], generator: torch.Generator) -> None:
        """Let the head take the scales of features: of windows with all of their sensors, and of windows with a few."""
        whole = [self.encoder.encode(self.tokenise(batch)) for batch in recorded if len(batch)]
        few = [self.encoder.encode(self._some(batch, generator)) for batch in changed if len(batch)] or whole
        if whole:
            rich = torch.cat([richness(context) for context in (*few, *whole)])
            self.head.scale(torch.cat([self._features(part) for part in few]), torch.cat([self._features(part) for part in whole]), rich)

    def _features(self, context: Tokens) -> Tensor:
        """[B, K + D]: what is kept of the window, and the predictor's summary."""
        kept = ops.pooled_mean(context) if self.aggregator is None else self.aggregator(context)
        return torch.cat([kept, self.predictor.summarise(context)], dim=1)

    def _read(self, context: Tokens) -> tuple[Tensor, Tensor]:
        """All that the head reads [B, F] and what compares with words [B, E]."""
        features, usable = self._features(context), context.valid.any(1, keepdim=True)
        meaning = self.head(features, richness(context))
        return features, torch.where(usable, meaning, torch.zeros_like(meaning))

    def _moment(self, encoder: DescribedEncoder, batch: SensorBatch, drawn: Tensor, *, vague: bool = False) -> Tensor:
        """What a moment looks like to these sensors, unit length; to none of them: 0. [B, S]."""
        made = encoder.encode(self.tokenise(batch, drawn, vague=vague, encoder=encoder))
        return functional.normalize(ops.pooled_mean(made), dim=1)

    def _said(self, texts: Sequence[str]) -> Tensor:
        """Texts in the space of comparison, [n, E]."""
        return self.text_space(self.vectors(texts))

    def _agreement(self, agreement: Objective, encoder: DescribedEncoder, batch: SensorBatch, generator: torch.Generator) -> Tensor:
        """The same moment, seen by two sets of sensors that share none, among the other windows of the batch."""
        views = draw_views(batch.present(), [place_of(signal) for signal in batch.signals.values()], generator=generator)
        vague = float(torch.rand(1, generator=generator)) < self.config.vague
        first, second = (self._moment(encoder, batch, drawn, vague=vague) for drawn in views)
        # A window that was padded is known by where it ends: it would teach nothing.
        return agreement(first, second, first.any(1) & second.any(1) & unbroken(batch)).total
