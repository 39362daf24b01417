"""Mu-MAE: a masked autoencoder of video and wearables, for recognition from one example (Liu and Liu 2024, arXiv:2408.04243).

Tubelets of the video and slots of the sensors' time are hidden, nine in ten; one ViT reads what is visible of all modalities, a small
decoder for each says what was hidden of its own:

    L = MSE(video) + 0.5 * sum over sensors of MSE(sensor)      on hidden patches, each brought to mean 0 and variance 1

For recognition, what the joint encoder makes of a whole clip is fused with what an encoder of each modality says alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, cast, final

import torch
from pydantic import Field
from torch import Tensor, nn

from sslts import ops
from sslts.config import ComponentConfig, ComponentRef, ModelConfig, parse
from sslts.encoders.joint import JointEncoder
from sslts.encoders.patch_encoder import PatchEncoder
from sslts.errors import ConfigError, naming
from sslts.fusion.places import has_all
from sslts.fusion.whitening import WithinClassWhitening
from sslts.interfaces import Encoder, FusedMethod, Fusion, Masker, Objective, build, facts_of
from sslts.maskers.tube import SynchronisedMasker
from sslts.objectives.reconstruction import Reconstruction
from sslts.predictors.patch_decoder import PatchDecoder
from sslts.types import Inpainted, LossParts, MaskPlan, SensorBatch, Tokens, Views


@final
class MuMAE(FusedMethod):
    """Reconstruction of hidden patches; embeddings for recognition from a few examples.

    An embedding is the fusion of a joint view (the mean over modalities of their mean tokens in the joint encoder) with each modality's
    own (`unimodal.NAME`, else what the joint encoder makes of that modality alone). Without a fusion it is those own views side by side.

    differs from the paper: views pass through a whitening fitted on base classes (`fit_metric`), and unimodal encoders are fixed.
    """

    class Config(ComponentConfig):
        """sensor_weight: of each sensor's reconstruction beside the video's; shrink: of the whitening, how far the covariance within
        classes is drawn towards a sphere."""

        sensor_weight: float = Field(default=0.5, ge=0, le=1e3)
        shrink: float = Field(default=0.3, ge=0, le=1)

    few_shot_head: ClassVar[ComponentRef] = ComponentRef(name="prototypes", options={"distance": "cosine"})

    config: Config

    def __init__(
        self,
        config: Config,
        *,
        encoders: Mapping[str, PatchEncoder],
        joint: JointEncoder,
        decoder: PatchDecoder | None = None,
        maskers: Mapping[str, Masker] | None = None,
        objective: Objective | None = None,
        unimodal: Mapping[str, Encoder] | None = None,
        fusion: Fusion | None = None,
    ) -> None:
        super().__init__(config)
        for name, encoder in encoders.items():
            if not isinstance(encoder, PatchEncoder):
                raise ConfigError(
                    f"Mu-MAE needs encoders of patches ('video-vit', 'sensor-patches'); {type(encoder).__name__} of '{name}' is none."
                )
            if encoder.embed_dim != joint.embed_dim:
                raise ConfigError(
                    f"encoders.{name} has embed_dim {encoder.embed_dim}, the joint encoder {joint.embed_dim}. Give both the same."
                )
        self.encoders = nn.ModuleDict(dict(encoders))
        self.joint, self.decoder, self.objective = joint, decoder, objective
        self.maskers = nn.ModuleDict(dict(maskers or {}))
        slots = {name: encoder.grid[0] for name, encoder in encoders.items() if encoder.grid[1:] == (1, 1)}
        if isinstance((maskers or {}).get("sensors"), SynchronisedMasker) and len(set(slots.values())) > 1:
            told = ", ".join(f"{name} {count}" for name, count in slots.items())
            raise ConfigError(f"maskers.sensors hides the same slots in every sensor, so all need as many; got {told}. Give all the same.")
        self.unimodal = nn.ModuleDict(dict(unimodal or {}))
        for name, own in self.unimodal.items():
            if next(own.parameters(), None) is not None:
                raise ConfigError(
                    f"unimodal.{name} ({type(own).__name__}) has weights that neither stage trains: use a fixed encoder ('kernel-shares') "
                    "or none, for what the joint encoder makes of that modality alone."
                )
            if own.embed_dim != joint.embed_dim:
                raise ConfigError(
                    f"unimodal.{name} has embed_dim {own.embed_dim}, the joint encoder {joint.embed_dim}. Give both the same."
                )
        if fusion is not None and fusion.episodic:
            raise ConfigError(
                f"{type(fusion).__name__} looks at the other clips of an episode and cannot embed one: use 'cross-attention'."
            )
        self.fusion = fusion
        self.metric = nn.ModuleList([WithinClassWhitening(joint.embed_dim) for _ in range(len(encoders) + 1)] if fusion is not None else [])
        self.embed_dim = joint.embed_dim * len(encoders) if fusion is None else fusion.embed_dim

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        """Build the parts that the config names. Decoder, maskers and objective are needed for pretraining only."""
        named = config.group("encoders")
        encoders: dict[str, PatchEncoder] = {}
        for modality in config.spec.named:
            if modality.name not in named:
                raise ConfigError(f"components has no 'encoders.{modality.name}', but the spec has that modality.")
            encoders[modality.name] = build(
                "encoder", named[modality.name], f"encoders.{modality.name}", {"channels": len(modality.channels)}
            )
        if "encoder" not in config.components:
            raise ConfigError("components has no 'encoder': Mu-MAE needs a joint one ('joint').")
        width = next(iter(encoders.values())).embed_dim
        facts = {
            "embed_dim": width,
            "token_dim": width,
            "modalities": len(encoders),
            "patches": tuple(encoder.patch_numbers for encoder in encoders.values()),
            "grids": tuple(encoder.grid for encoder in encoders.values()),
        }
        joint = build("encoder", config.components["encoder"], "encoder", facts)
        parts = {
            role: build(kind, config.components[role], role, facts) if role in config.components else None
            for role, kind in (("decoder", "predictor"), ("objective", "objective"), ("fusion", "fusion"))
        }
        parts["unimodal"] = {
            name: build("encoder", ref, f"unimodal.{name}", {**facts_of(config.spec, config.spec.modality(name)), "embed_dim": width})
            for name, ref in config.group("unimodal").items()
        }
        maskers = {name: build("masker", ref, f"maskers.{name}") for name, ref in config.group("maskers").items()}
        options = parse(cls.Config, config.method.options, "method (mu-mae)")
        return cls(options, encoders=encoders, joint=joint, maskers=maskers, **parts)

    @classmethod
    def example(cls) -> Self:
        """A small clip and a sensor."""
        video = build("encoder", ComponentRef(name="video-vit", options=_VIDEO), "encoders.depth")
        sensor = build("encoder", ComponentRef(name="sensor-patches", options=_SENSOR), "encoders.inertial")
        facts = {"token_dim": 16, "patches": (video.patch_numbers, sensor.patch_numbers), "grids": (video.grid, sensor.grid)}
        return cls(
            cls.Config(),
            encoders={"depth": video, "inertial": sensor},
            joint=JointEncoder.example(),
            decoder=build("predictor", ComponentRef(name="patch-decoder", options={"dim": 8, "depth": 1, "heads": 2}), "decoder", facts),
            maskers={name: build("masker", ComponentRef(name=kind, options={"ratio": 0.5}), name) for name, kind in _MASKERS.items()},
            objective=build("objective", ComponentRef(name="reconstruction"), "objective"),
        )

    def example_batch(self, batch: int = 2) -> SensorBatch:
        """Each encoder's own example."""
        parts: Mapping[str, Any] = dict(self.encoders.items())
        return SensorBatch({name: encoder.example_signal(batch) for name, encoder in parts.items()})

    def tokenise(self, batch: SensorBatch) -> dict[str, Tokens]:
        """Raw patches of each modality, [B, N_m, P_m]."""
        if tuple(batch.signals) != tuple(self.encoders):
            raise ConfigError(f"This model's modalities are {', '.join(self.encoders)}, in this order; got {', '.join(batch.signals)}.")
        parts = self._encoders()
        return {name: ops.with_modality(parts[name].tokenize(signal), index) for index, (name, signal) in enumerate(batch.signals.items())}

    def encode(self, patches: Mapping[str, Tokens], visible: Mapping[str, Tensor] | None = None) -> Tokens:
        """Visible tokens of all modalities through the joint encoder, [B, K, D]. Hidden ones are dropped before anything is computed."""
        embedded = []
        for name, encoder in self._encoders().items():
            tokens = patches[name]
            keep = tokens.valid if visible is None else tokens.valid & visible[name]
            embedded.append(encoder.embed(ops.pack_tokens(tokens, keep)))
        return self.joint.encode(ops.concat_tokens(embedded))

    def embed(self, batch: SensorBatch) -> Tensor:
        """[B, E]; what is absent takes no part, and a clip without anything is 0."""
        views = self.views(batch)
        return views.own.flatten(1) if self.fusion is None else self.fused(views)

    def views(self, batch: SensorBatch) -> Views:
        """What the joint encoder makes of whole clips, and what each modality says alone; before any metric."""
        patches = self.tokenise(batch)
        joint, present = self.joint_view(patches)
        own = []
        for name, signal in batch.signals.items():
            encoder: Any = dict(self.unimodal.items()).get(name)
            alone = self.encode(self._only(patches, name)) if encoder is None else encoder.encode(encoder.tokenize(signal))
            own.append(ops.pooled_mean(alone))
        return Views(joint, torch.stack(own, dim=1), present)

    def joint_view(self, patches: Mapping[str, Tokens]) -> tuple[Tensor, Tensor]:
        """What the joint encoder makes of whole clips [B, D], and which modalities are there, bool [B, M]."""
        means, present = ops.modality_means(self.encode(patches), len(self.encoders))
        # Each modality counts once, however many tokens it has.
        return ops.masked_mean(means, present[..., None], 1), present

    def fused(self, views: Views, episode: Tensor | None = None) -> Tensor:
        """[B, E] of views."""
        if self.fusion is None:
            raise ConfigError("This Mu-MAE was built without a fusion. Name one in its recipe: components.fusion.")
        shared, *own = self._metric()
        apart = torch.stack([metric(views.own[:, index]) for index, metric in enumerate(own)], dim=1)
        return self.fusion(shared(views.joint), apart, views.present, episode)

    @torch.no_grad()
    def fit_metric(self, views: Views, labels: Tensor, *, shrink: float | None = None) -> None:
        """Whiten each view by the covariance within base classes: labels int [n].

        Clips that lack a modality which others have take no part in its fit, and none in that of the joint view; a view that no clip has
        stays as it is (LengthError: one has it, but no class has it twice).
        """
        whole = has_all(views.present, views.present.any(0))
        alone = zip(self.encoders, views.present.unbind(1), views.own.unbind(1), strict=True)
        each = [("joint view", whole, views.joint), *((f"view of '{name}'", there, own) for name, there, own in alone)]
        for metric, (what, there, values) in zip(self._metric(), each, strict=True):
            if bool(there.any()):
                with naming(what):
                    metric.fit(values[there], labels[there], shrink=self.config.shrink if shrink is None else shrink)

    @torch.no_grad()
    def prepare(self, batch: SensorBatch) -> None:
        """Let the unimodal encoders fit what is fixed in them."""
        for name, own in self.unimodal.items():
            encoder: Any = own
            encoder.prepare(batch.signals[name])

    def plans(self, patches: Mapping[str, Tokens], *, generator: torch.Generator) -> dict[str, MaskPlan]:
        """What is hidden of each modality. Video and sensors are drawn apart, all sensors of a row together."""
        video = [name for name, encoder in self._encoders().items() if encoder.grid[1:] != (1, 1)]
        sensors = [name for name in patches if name not in video]
        found: dict[str, MaskPlan] = {}
        for group, names in (("video", video), ("sensors", sensors)):
            if not names:
                continue
            if group not in self.maskers:
                raise ConfigError(f"components has no 'maskers.{group}': pretraining Mu-MAE needs one.")
            masker: Any = self.maskers[group]
            # What is hidden depends on places alone: values of different widths need not be joined.
            places = ops.concat_tokens([_without_values(patches[name]) for name in names])
            plan = masker.plan(places, generator=generator)
            sizes = [patches[name].valid.shape[1] for name in names]
            shown, wanted = (part.split(sizes, dim=2) for part in (plan.visible, plan.targets))
            found |= {name: MaskPlan(shown[index], wanted[index]) for index, name in enumerate(names)}
        return found

    def training_loss(self, batch: SensorBatch, *, generator: torch.Generator) -> LossParts:
        """Reconstruct the hidden patches of every modality from the visible ones of all."""
        if self.decoder is None or self.objective is None or not self.maskers:
            raise ConfigError("Pretraining Mu-MAE needs the components 'decoder', 'objective' and 'maskers'; this model was built without.")
        patches = self.tokenise(batch)
        plans = self.plans(patches, generator=generator)
        context = self.encode(patches, {name: plan.visible[0] for name, plan in plans.items()})
        terms: dict[str, Tensor] = {}
        for index, (name, tokens) in enumerate(patches.items()):
            hidden = ops.pack_tokens(tokens, plans[name].targets[0])
            made = self.decoder.decode(index, context, hidden)
            weight = 1.0 if self._encoders()[name].grid[1:] != (1, 1) else self.config.sensor_weight
            terms[name] = weight * self.objective(made, hidden.values, hidden.valid).total
        return LossParts.of(**terms)

    @torch.no_grad()
    def inpainted(self, batch: SensorBatch, *, generator: torch.Generator) -> dict[str, Inpainted]:
        """Hide parts of whole clips as in training and fill them with what is predicted.

        Where the loss compares normalised patches, each is drawn at its own level and spread, which are not predicted.
        """
        if self.decoder is None or not self.maskers:
            raise ConfigError("Inpainting needs the components 'decoder' and 'maskers'; this model was built without.")
        patches = self.tokenise(batch)
        plans = self.plans(patches, generator=generator)
        context = self.encode(patches, {name: plan.visible[0] for name, plan in plans.items()})
        found = {}
        for index, (name, tokens) in enumerate(patches.items()):
            # All that is hidden, though training may ask for some of it only.
            encoder, asked = self._encoders()[name], tokens.valid & ~plans[name].visible[0]
            hidden = ops.pack_tokens(tokens, asked)
            told = hidden.values * hidden.valid[..., None]
            filled = self.decoder.decode(index, context, hidden)
            if isinstance(self.objective, Reconstruction):
                filled = self.objective.restored(filled, told)
            order = torch.argsort((~asked).to(torch.uint8), dim=1, stable=True)[:, : filled.shape[1]]
            place = torch.where(hidden.valid[..., None], filled, torch.gather(tokens.values, 1, order[..., None].expand_as(filled)))
            made = tokens.values.scatter(1, order[..., None].expand_as(place), place)
            everywhere = asked[..., None].expand(-1, -1, tokens.values.shape[-1]).to(made.dtype)
            seen, filled_in, shade = (encoder.assembled(part) for part in (tokens.values, made, everywhere))
            found[name] = Inpainted(seen, filled_in, shade > 0)
        return found

    def weigh(self, weights: Sequence[float], fitted: Sequence[bool]) -> None:
        """How much the joint view and each modality's own counts in the fusion."""
        if self.fusion is not None:
            self.fusion.weigh(weights, fitted)

    @staticmethod
    def _only(patches: Mapping[str, Tokens], wanted: str) -> dict[str, Tokens]:
        """The same patches, of which only one modality's are valid: what it says alone must not have seen the others."""
        return {name: tokens if name == wanted else tokens.keep(torch.zeros_like(tokens.valid)) for name, tokens in patches.items()}

    def _metric(self) -> list[WithinClassWhitening]:
        return [cast(WithinClassWhitening, metric) for metric in self.metric]

    def _encoders(self) -> dict[str, Any]:
        return dict(self.encoders.items())


def _without_values(tokens: Tokens) -> Tokens:
    return Tokens(tokens.values[..., :0], tokens.valid, tokens.time_s, tokens.modality, tokens.channel, tokens.cell)


_VIDEO = {"channels": 1, "frames": 4, "height": 8, "width": 8, "tubelet": 2, "patch": 4, "embed_dim": 16, "heads": 2}
_SENSOR = {"channels": 3, "points": 32, "slots": 4, "embed_dim": 16, "heads": 2}
_MASKERS = {"video": "tube", "sensors": "synchronised"}
