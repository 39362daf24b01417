"""What a model expects and how it is built, as frozen pydantic values. No torch here, so that listing and checking stay fast.

Two ideas: `SensorSpec` is the input contract (channels, units, rates, window), `ModelConfig` is the whole of `config.json`.
Numbers and strings are bounded, unknown keys are refused, and no string in a config can select code: components are registered names.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from sslts._builtins import SCHEMA
from sslts.errors import ConfigError
from sslts.invalid import describe
from sslts.strict_json import check_bounded

Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Text = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
Rate = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]
Side = Annotated[int, Field(ge=1, le=4096)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Frozen(BaseModel):
    """Base of all configuration values: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class ComponentConfig(Frozen):
    """Base of every component's `Config`: the only argument of its constructor.

    Fields named in `FROM_SPEC` describe the input (channels, rate, window, ...): `build` fills them in from the model's spec, so that a
    config file states each fact once.
    """

    FROM_SPEC: ClassVar[tuple[str, ...]] = ()


class Channel(Frozen):
    """One scalar signal.

    `kind` is what is measured ("accelerometer", "electrodermal-activity"), `unit` how ("g", "uS"), `position` where on the body,
    `description` one sentence for people and for text-conditioned models. `valid` is the sensor's physical range in `unit`:
    samples outside are treated as lost, many of them as a wrong unit.
    """

    name: Name
    kind: Name
    unit: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    position: Text = ""
    description: Text = ""
    valid: tuple[Finite, Finite] | None = None

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Channel:
        if self.valid is not None and not self.valid[0] < self.valid[1]:
            raise ValueError(f"valid range of channel '{self.name}' must be (low, high) with low < high, got {self.valid}")
        return self


class Modality(Frozen):
    """One sensor: channels that share a clock. Several modalities of a model may run at different rates.

    rate_hz: samples a second, or a clip where the spec's clock is "clip". frame: (rows, columns) of a video's frames; None for a sensor.
    """

    name: Name
    rate_hz: Rate
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=256)]
    frame: tuple[Side, Side] | None = None

    @model_serializer(mode="wrap")
    def _without_defaults(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_default(plain(self), "frame", None)

    @model_validator(mode="after")
    def _names_differ(self) -> Modality:
        _refuse_doubles([channel.name for channel in self.channels], f"channels of modality '{self.name}'")
        return self

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Channel names in the model's order."""
        return tuple(channel.name for channel in self.channels)


class AnyChannels(Frozen):
    """What a model reads that takes any described channels: all of them at one rate, each kind in its unit.

    `units` maps a channel's kind to the unit that the model expects; channels of other kinds are not read.
    """

    rate_hz: Rate
    units: Annotated[dict[Name, Annotated[str, StringConstraints(min_length=1, max_length=32)]], Field(min_length=1, max_length=64)]


class SensorSpec(Frozen):
    """The input contract of a model: which modalities, at which rates, in windows of how many seconds.

    `modalities` is a tuple in the model's order; `AnyChannels` for a model that reads whatever has a description; or "any" for one that
    takes recordings as they are. `clock` "clip": a recording is one clip, whatever it lasts; its parts are aligned by fraction of it, and
    seconds and rates count clips.
    """

    modalities: Annotated[tuple[Modality, ...], Field(min_length=1, max_length=64)] | AnyChannels | Literal["any"]
    window_s: Seconds
    stride_s: Seconds
    clock: Literal["seconds", "clip"] = "seconds"

    @property
    def window_text(self) -> str:
        """What one window is, for people: "60 s" or "one clip"."""
        return "one clip" if self.clock == "clip" else f"{self.window_s:g} s"

    def rate_text(self, modality: Modality) -> str:
        """How many samples of a modality there are, for people: "64 Hz" or "64 a clip"."""
        return f"{modality.rate_hz:g} {'a clip' if self.clock == 'clip' else 'Hz'}"

    @model_serializer(mode="wrap")
    def _without_defaults(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_default(plain(self), "clock", "seconds")

    @model_validator(mode="after")
    def _clips_are_whole(self) -> SensorSpec:
        if self.clock != "clip":
            return self
        if (self.window_s, self.stride_s) != (1.0, 1.0):
            raise ValueError(f"a clip is one window: window_s and stride_s must be 1, got {self.window_s:g} and {self.stride_s:g}")
        rates = [self.modalities.rate_hz] if isinstance(self.modalities, AnyChannels) else [modality.rate_hz for modality in self.named]
        broken = [f"{rate:g}" for rate in rates if not rate.is_integer()]
        if broken:
            raise ValueError(f"a clip holds a whole number of samples, but rate_hz is {', '.join(broken)}")
        return self

    @model_validator(mode="after")
    def _fits(self) -> SensorSpec:
        if not isinstance(self.modalities, tuple):
            return self
        _refuse_doubles([modality.name for modality in self.modalities], "modalities")
        for modality in self.modalities:
            if self.samples(modality) < 1:
                raise ValueError(f"a window of {self.window_s:g} s holds no sample of '{modality.name}' at {modality.rate_hz:g} Hz")
        return self

    @property
    def named(self) -> tuple[Modality, ...]:
        """The declared modalities; empty when any is accepted."""
        return self.modalities if isinstance(self.modalities, tuple) else ()

    @property
    def open(self) -> bool:
        """Whether it takes streams of any name."""
        return not isinstance(self.modalities, tuple)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the declared modalities, in the model's order."""
        return tuple(modality.name for modality in self.named)

    def modality(self, name: str) -> Modality:
        """One modality by name (ConfigError if unknown)."""
        for modality in self.named:
            if modality.name == name:
                return modality
        raise ConfigError(f"No modality is named '{name}'. This model's modalities: {', '.join(self.names)}.")

    def samples(self, modality: Modality) -> int:
        """Samples of this modality in one window."""
        return round(self.window_s * modality.rate_hz)


class ChannelStatistics(Frozen):
    """Location and scale of each channel of one modality, in the channel's unit, fitted on training subjects only."""

    mean: Annotated[tuple[Finite, ...], Field(min_length=1, max_length=256)]
    scale: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=256)]

    @model_validator(mode="after")
    def _same_length(self) -> ChannelStatistics:
        if len(self.mean) == len(self.scale):
            return self
        raise ValueError(f"{len(self.mean)} means but {len(self.scale)} scales")


class Preprocessing(Frozen):
    """What happens between a recording and the encoder: standardise, then clip.

    `statistics` holds one entry per modality, or is empty when the encoders standardise by themselves. `fitted_on` names the subjects.
    `recording` says what `normalise="recording"` replaces: the input statistics by the recording's own, or nothing in the input, and
    each dimension of the embeddings is standardised over the recording's windows instead. `default` is what the model was trained with,
    and what `encode` does if nothing else is asked for.
    """

    statistics: dict[Name, ChannelStatistics] = Field(default_factory=dict, max_length=64)
    clip: Annotated[float, Field(gt=0, le=1e6)] | None = None
    fitted_on: tuple[Text, ...] = Field(default=(), max_length=10_000)
    recording: Literal["input", "embedding"] = "input"
    default: Literal["artefact", "recording"] = "artefact"

    @model_validator(mode="after")
    def _something_to_replace(self) -> Preprocessing:
        if self.statistics and self.recording == "embedding":
            raise ValueError("recording is 'embedding', but there are input statistics to replace: choose one")
        return self


class ComponentRef(Frozen):
    """A registered component and its options, as bounded JSON. The component's own `Config` checks them when it is built."""

    name: Name
    options: dict[str, Any] = Field(default_factory=dict, max_length=64)

    @field_validator("options")
    @classmethod
    def _bounded(cls, value: dict[str, Any]) -> dict[str, Any]:
        check_bounded(value, "options")
        return value


class Golden(Frozen):
    """A fixed input's embedding, stored so that `load` can prove that this machine computes what the publisher computed."""

    seed: Annotated[int, Field(ge=0, le=2**31)]
    embedding: Annotated[tuple[tuple[Finite, ...], ...], Field(min_length=1, max_length=8)]
    tolerance: Annotated[float, Field(gt=0, le=0.1)] = 1e-3


class Provenance(Frozen):
    """Where the weights come from: shown by `summary()` and on the card. excluded_labels: windows with these were not read."""

    recipe: Text = ""
    seed: int | None = None
    datasets: tuple[Text, ...] = Field(default=(), max_length=64)
    subjects: tuple[Text, ...] = Field(default=(), max_length=10_000)
    excluded_labels: tuple[Text, ...] = Field(default=(), max_length=1000)
    sslts_version: Text = ""
    licence: Text = ""

    @model_serializer(mode="wrap")
    def _without_defaults(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_default(plain(self), "excluded_labels", ())


class ModelConfig(Frozen):
    """All of `config.json`.

    `components` maps a role to a component. Roles are the prefixes of the state dict: "encoders.acc", "aggregator", "objective", ...
    `files` holds the sha256 of the other files of the folder.
    """

    schema_version: Annotated[int, Field(ge=1, le=1000)] = SCHEMA
    name: Name
    method: ComponentRef
    spec: SensorSpec
    preprocessing: Preprocessing = Preprocessing()
    components: dict[Name, ComponentRef] = Field(max_length=256)
    requires: dict[Name, Text] = Field(default_factory=dict, max_length=32)
    trained_parts: tuple[Name, ...] = Field(default=(), max_length=256)
    provenance: Provenance = Provenance()
    golden: Golden | None = None
    files: dict[str, Sha256] = Field(default_factory=dict, max_length=32)

    @model_validator(mode="after")
    def _statistics_fit(self) -> ModelConfig:
        for name, statistics in self.preprocessing.statistics.items():
            known = {modality.name: modality for modality in self.spec.named}
            if name not in known:
                raise ValueError(f"preprocessing.statistics names '{name}', which is not a modality ({', '.join(known)})")
            if len(statistics.mean) != len(known[name].channels):
                raise ValueError(
                    f"preprocessing.statistics.{name} has {len(statistics.mean)} channels, the spec {len(known[name].channels)}"
                )
        return self

    def group(self, prefix: str) -> dict[str, ComponentRef]:
        """Components whose role is `prefix.NAME`, by NAME."""
        return {role.removeprefix(f"{prefix}."): ref for role, ref in self.components.items() if role.startswith(f"{prefix}.")}


def parse(model: type[Frozen], data: Any, where: str) -> Any:
    """Validate `data` against a config class; a failure is a ConfigError that names `where`, the field and what came."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{where}: {describe(error, known=tuple(model.model_fields))}") from None


def without_default(fields: dict[str, Any], name: str, default: Any) -> dict[str, Any]:
    """What is written of a value without a field at its default: files and digests from before the field existed stay what they are."""
    return {key: value for key, value in fields.items() if key != name or value != default}


def _refuse_doubles(names: list[str], what: str) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"{what} must have different names, got {', '.join(doubled)} more than once")
