"""Names to classes: the built-in table, installed plugins (entry points) and notebook registrations.

`names` reads metadata only; `get` imports one module. Nothing here imports torch.
Built-in names are bare kebab-case (`video-vit`), a plugin's are `namespace.name` (`acme.wavelet`), so a plugin can never shadow a built-in.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from sslts._builtins import BASES, BUILTINS, CATALOGUE_GROUP, GROUPS
from sslts.errors import CollisionError, PluginError, UnknownComponentError, suggest

_NAMESPACED = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+\Z")
_registered: dict[tuple[str, str], type] = {}
#: Why a plugin that the user switched off is ignored.
BLOCKED = "blocked by SSLTS_BLOCK_PLUGINS"


@dataclass(frozen=True, slots=True)
class Offer:
    """One component that an installed distribution offers. `problem` says why it is ignored, if it is."""

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    problem: str | None = None


def kinds() -> tuple[str, ...]:
    """All kinds of component."""
    return tuple(BASES)


def names(kind: str) -> tuple[str, ...]:
    """Every name that `get(kind, name)` accepts, sorted. Reads metadata only: imports no component and no torch."""
    _check_kind(kind)
    plugins = {offer.name for offer in offers() if offer.kind == kind and offer.problem is None}
    mine = {name for (other, name) in _registered if other == kind}
    return tuple(sorted({*BUILTINS[kind], *plugins, *mine}))


def get(kind: str, name: str) -> type[Any]:
    """The class behind a name. Imports the one module that holds it.

    Raises:
        UnknownComponentError: no such name (the message suggests the nearest).
        CollisionError: two installed distributions offer it.
        PluginError: the plugin fails to import, or offers something that is not a component of this kind.
    """
    _check_kind(kind)
    if (kind, name) in _registered:
        return _registered[kind, name]
    if name in BUILTINS[kind]:
        return _import(BUILTINS[kind][name])
    found = [offer for offer in offers() if offer.kind == kind and offer.name == name and offer.problem is None]
    if not found:
        raise UnknownComponentError(_unknown(kind, name))
    if len(found) > 1:
        who = ", ".join(f"{offer.distribution} {offer.version}" for offer in found)
        raise CollisionError(
            f"{kind} '{name}' is offered by {len(found)} packages ({who}). "
            f"Uninstall one or block it: SSLTS_BLOCK_PLUGINS={found[-1].distribution}."
        )
    return _load_plugin(found[0])


def register(kind: str, name: str, component: type) -> None:
    """Register a class under `namespace.name` for this process (notebooks, scripts). The same object again is a no-op.

    Raises:
        CollisionError: the name is taken by another object.
        PluginError: the name has no namespace, or the class is not a component of this kind.
    """
    _check_kind(kind)
    if not _NAMESPACED.match(name):
        raise PluginError(f"'{name}' cannot be registered: expected 'namespace.name' in lower-case kebab-case, such as 'mine.{kind}'.")
    known = _registered.get((kind, name))
    if known is component:
        return
    if known is not None or any(offer.name == name and offer.kind == kind for offer in offers()):
        raise CollisionError(f"{kind} '{name}' is already registered by {known or 'an installed plugin'}. Choose another name.")
    _check_base(kind, name, component, "this session")
    _registered[kind, name] = component


def unregister(kind: str, name: str) -> None:
    """Forget a notebook registration. Unknown names are ignored."""
    _registered.pop((kind, name), None)


def origin(kind: str, name: str) -> str:
    """The distribution that offers a component: `sslts`, a plugin's name and version, or `this session`."""
    if (kind, name) in _registered:
        return "this session"
    for offer in offers():
        if offer.kind == kind and offer.name == name and offer.problem is None:
            return f"{offer.distribution} {offer.version}"
    return "sslts"


def requirements_of(components: Iterable[str]) -> dict[str, str]:
    """Distribution -> version range of the plugins that offer components of these names: what a model built of them needs.

    A version that was built from a checkout ("0.1.dev3+gabc") counts as its public part; one that is no version, as any.
    """
    wanted = {name for name in components if "." in name}
    return {
        normalised(offer.distribution): _at_least(offer.version) for offer in offers() if offer.name in wanted and offer.problem is None
    }


def of_this_session(components: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that only `register` knows: no other process can build them."""
    known = {name for _, name in _registered}
    return tuple(sorted({name for name in components if name in known}))


def _at_least(version: str) -> str:
    from packaging.version import InvalidVersion, Version

    try:
        return f">={Version(version).public}"
    except (InvalidVersion, TypeError):
        return ""


@functools.cache
def offers() -> tuple[Offer, ...]:
    """Everything that installed distributions declare under our entry-point groups; cached until `refresh`."""
    kind_of = {group: kind for kind, group in GROUPS.items()} | {CATALOGUE_GROUP: "catalogue"}
    blocked = blocked_distributions()
    found: dict[tuple[str, str, str], Offer] = {}
    for distribution in metadata.distributions():
        for entry in distribution.entry_points:
            if not entry.group.startswith("sslts."):
                continue
            owner = distribution.metadata["Name"] or "unknown"
            kind = kind_of.get(entry.group)
            problem = None
            if kind is None:
                kind = entry.group.removeprefix("sslts.")
                problem = f"unknown group '{entry.group}': this sslts knows {', '.join(sorted(kind_of))}"
            elif normalised(owner) in blocked:
                problem = BLOCKED
            elif kind != "catalogue" and not _NAMESPACED.match(entry.name):
                problem = "a plugin's name needs a namespace, such as 'acme.wavelet'; bare names are built-in"
            # One distribution can be found twice on sys.path (editable and wheel); the first one wins, as for imports.
            found.setdefault(
                (entry.group, entry.name, normalised(owner)), Offer(kind, entry.name, entry.value, owner, distribution.version, problem)
            )
    return tuple(sorted(found.values(), key=lambda offer: (offer.kind, offer.name, offer.distribution)))


def refresh() -> None:
    """Read the installed distributions again (after an install in the same process)."""
    offers.cache_clear()


def blocked_distributions() -> frozenset[str]:
    """Normalised distribution names in SSLTS_BLOCK_PLUGINS (comma-separated)."""
    return frozenset(normalised(name) for name in os.environ.get("SSLTS_BLOCK_PLUGINS", "").split(",") if name.strip())


def load_offer(offer: Offer) -> Any:
    """Import the object behind one offer. Whatever the plugin raises becomes a PluginError that names its distribution."""
    try:
        return _import(offer.target)
    except (Exception, SystemExit) as error:  # a plugin may fail in any way; it must not take us down
        raise PluginError(
            f"{offer.kind} '{offer.name}' of {offer.distribution} {offer.version} cannot be imported "
            f"({type(error).__name__}: {error}). Update or uninstall it, or block it: SSLTS_BLOCK_PLUGINS={offer.distribution}."
        ) from error


def _load_plugin(offer: Offer) -> type:
    component = load_offer(offer)
    _check_base(offer.kind, offer.name, component, f"{offer.distribution} {offer.version}")
    return component


def _check_base(kind: str, name: str, component: Any, owner: str) -> None:
    base = _import(BASES[kind])
    if not (isinstance(component, type) and issubclass(component, base)):
        raise PluginError(f"{kind} '{name}' of {owner} is {component!r}, expected a subclass of {BASES[kind].replace(':', '.')}.")


def _import(target: str) -> type:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _check_kind(kind: str) -> None:
    if kind not in BASES:
        raise UnknownComponentError(f"No kind is named '{kind}'. {suggest(kind, BASES)}Known kinds: {', '.join(sorted(BASES))}.")


def _unknown(kind: str, name: str) -> str:
    known = names(kind)
    hint = suggest(name, known)
    if not hint and "." in name:
        hint = f"'{name.split('.')[0]}' looks like a plugin's namespace: is it installed here? "
    ignored = [o for o in offers() if o.kind == kind and o.name == name and o.problem]
    if ignored:
        hint = f"{ignored[0].distribution} {ignored[0].version} offers it, but it is ignored: {ignored[0].problem}. "
    return f"No {kind} is named '{name}'. {hint}Known {plural(kind)}: {_listing(known)}."


def plural(kind: str) -> str:
    """`objective` -> `objectives`."""
    return f"{kind}s"


def _listing(known: Iterable[str]) -> str:
    return ", ".join(known) or "none"


def normalised(name: str) -> str:
    """A distribution's name as packaging compares it: 'Acme_Fork' is 'acme-fork'."""
    return re.sub(r"[-_.]+", "-", name).strip().lower()
