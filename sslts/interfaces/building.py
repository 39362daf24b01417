"""From a name and options to a component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sslts import registry
from sslts.config import ComponentRef, Modality, SensorSpec, parse
from sslts.errors import ConfigError


def build(kind: str, ref: ComponentRef, role: str, facts: Mapping[str, Any] | None = None) -> Any:
    """Build one component. Fields of its Config named in FROM_SPEC are filled in from `facts`; a contradiction is an error.

    Raises:
        UnknownComponentError, CollisionError, PluginError: from the lookup.
        ConfigError: the options do not fit; the path names the role, the component and, for a plugin, its distribution.
    """
    component: Any = registry.get(kind, ref.name)
    owner = registry.origin(kind, ref.name)
    where = f"{role} ({kind} '{ref.name}'" + (f" of {owner})" if owner != "sslts" else ")")
    options = dict(ref.options)
    for name in component.Config.FROM_SPEC:
        if facts is None or name not in facts:
            continue
        fact = facts[name]
        if name in options and options[name] != fact:
            raise ConfigError(f"{where}: option {name} is {options[name]!r}, but the model's spec says {fact!r}. Leave it out.")
        options[name] = fact
    return component(parse(component.Config, options, where))


def facts_of(spec: SensorSpec, modality: Modality) -> dict[str, Any]:
    """What a spec says of one modality, by the names that options of encoders have."""
    frame = {} if modality.frame is None else dict(zip(("height", "width"), modality.frame, strict=True))
    return {
        **frame,
        "channels": len(modality.channels),
        "points": spec.samples(modality),
        "rate_hz": modality.rate_hz,
        "window_s": spec.window_s,
    }
