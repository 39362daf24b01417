"""Which pretrained models there are: bundled ones, those that catalogue.json pins on the Hub, and those of plugins.

Facts stand once: a bundled model's entry is derived from its folder whenever the list is asked for; catalogue.json holds only what lives
elsewhere. Reads small files; imports neither torch nor pydantic nor the Hub's client, so that listing stays fast.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sslts import registry
from sslts.errors import ArtefactError, CollisionError, ConfigError, PluginError, SslTsError, UnknownModelError, suggest
from sslts.hub.bundled import bundled_folders
from sslts.hub.entry import Entry, HeadlineMetric, InFolder, ModelList, parse_entry
from sslts.hub.header import read_header
from sslts.hub.layout import CONFIG, METRICS, WEIGHTS
from sslts.hub.migrations import migrate
from sslts.strict_json import read_json

logger = logging.getLogger(__name__)

CATALOGUE_FILE = Path(__file__).with_name("catalogue.json")


def list_models(pattern: str = "*", *, modality: str | None = None, task: str | None = None, licence: str | None = None) -> ModelList:
    """Pretrained models by wildcard ("crossl*"), with filters; the result prints as a table.

    A plugin's catalogue or a folder that cannot be read is left out with a warning in the log.
    """
    found = {entry.name: entry for entry in _known()}
    return ModelList(
        entry
        for name, entry in sorted(found.items())
        if fnmatchcase(name, pattern)
        and (modality is None or modality in entry.modalities)
        and (task is None or task in entry.tasks)
        and (licence is None or fnmatchcase(entry.licence.lower(), licence.lower()))
    )


def find(name: str) -> Entry:
    """The entry of one name: a bare name is sslts's own, a dotted one belongs to the plugin of that namespace.

    Raises:
        UnknownModelError: no entry has this name; the message suggests the nearest.
        CollisionError: two plugins offer it.
        PluginError: the plugin of this namespace is installed but its catalogue cannot be read.
        ArtefactError, ConfigError: the bundled folder of this name cannot be read.
    """
    if "." in name:
        return _find_in_plugins(name)
    folders = bundled_folders()
    if name in folders:
        return _checked(folders[name])
    for entry in _on_the_hub():
        if entry.name == name:
            return entry
    raise UnknownModelError(_unknown(name))


def entry_from_folder(folder: Path) -> Entry:
    """The catalogue entry of a model's folder, from its config, its metrics and the header of its weights.

    Reads what the entry needs and no more; `find` and `load` check the whole.

    Raises:
        ArtefactError: a file is missing.
        ConfigError: config.json or metrics.json is not valid.
        RequirementError: the config was written by another version of sslts.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise ArtefactError(f"{folder} is not a model folder: it has no {CONFIG}.")
    config = migrate(read_json(path), str(path))
    stored = read_header(folder / WEIGHTS).tensors.values()
    measured = read_json(folder / METRICS) if (folder / METRICS).is_file() else {}
    try:
        spec, provenance, results = config["spec"], config["provenance"], measured.get("results", [])
        named = spec["modalities"] if isinstance(spec["modalities"], list) else []
        return Entry(
            name=config["name"],
            method=config["method"]["name"],
            modalities=tuple(modality["name"] for modality in named) or ("any",),
            rates_hz=tuple(modality["rate_hz"] for modality in named),
            window_s=spec["window_s"],
            clock=spec.get("clock", "seconds"),
            parameters=sum(info.items for info in stored if info.dtype.startswith(("F", "BF"))),
            size_bytes=(folder / WEIGHTS).stat().st_size,
            licence=provenance.get("licence", ""),
            data=tuple(provenance.get("datasets", ())),
            tasks=tuple(dict.fromkeys(result["task"] for result in results)),
            headline=_headline(results[0]) if results else None,
            where=InFolder(path=folder),
        )
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} or {METRICS} lacks what the catalogue shows ({type(error).__name__}: {error}).") from None


def _headline(result: dict[str, Any]) -> HeadlineMetric:
    setting = result.get("setting")
    label = f"{result['protocol']} {result['task']}" + (f" ({setting})" if setting else "")
    return HeadlineMetric(name=result["metric"], value=result["value"], protocol=label)


def _checked(folder: Path) -> Entry:
    """The entry of a folder whose config and metrics are valid as a whole."""
    from sslts.hub.artefact import read_config
    from sslts.hub.metrics import read_metrics

    read_config(folder)
    read_metrics(folder)
    return entry_from_folder(folder)


def _known() -> Iterable[Entry]:
    yield from _on_the_hub()
    for folder in bundled_folders().values():
        try:
            yield entry_from_folder(folder)
        except SslTsError as error:
            logger.warning("The bundled model in %s is left out: %s", folder, error)
    for offer in _plugin_catalogues():
        try:
            yield from entries_of(offer)
        except PluginError as error:
            logger.warning("A plugin's catalogue is left out: %s", error)


@functools.cache
def _on_the_hub() -> tuple[Entry, ...]:
    return tuple(parse_entry(item, f"catalogue.json[{index}]") for index, item in enumerate(read_json(CATALOGUE_FILE)))


def _plugin_catalogues() -> list[registry.Offer]:
    return [offer for offer in registry.offers() if offer.kind == "catalogue" and offer.problem is None]


def entries_of(offer: registry.Offer) -> list[Entry]:
    """What a plugin's catalogue returns, checked (PluginError names the distribution and what is wrong)."""
    who = f"catalogue '{offer.name}' of {offer.distribution} {offer.version}"
    function: Any = registry.load_offer(offer)
    try:
        entries = [item if isinstance(item, Entry) else parse_entry(item, who) for item in function()]
    except (Exception, SystemExit) as error:  # a plugin may fail in any way; it must not take the list down
        raise PluginError(
            f"The {who} cannot be read ({type(error).__name__}: {error}). "
            f"Update or uninstall it, or block it: SSLTS_BLOCK_PLUGINS={offer.distribution}."
        ) from error
    strangers = [entry.name for entry in entries if not entry.name.startswith(f"{offer.name}.")]
    if strangers:
        raise PluginError(f"The {who} offers '{strangers[0]}', expected names that start with '{offer.name}.'. Tell its authors.")
    return entries


def _find_in_plugins(name: str) -> Entry:
    # An entry point's name is the namespace of its models, so that one name imports one plugin.
    offers = [offer for offer in _plugin_catalogues() if name.startswith(f"{offer.name}.")]
    found = [(offer, entry) for offer in offers for entry in entries_of(offer) if entry.name == name]
    if not found:
        raise UnknownModelError(_unknown(name))
    if len(found) > 1:
        who = ", ".join(f"{offer.distribution} {offer.version}" for offer, _ in found)
        raise CollisionError(f"Model '{name}' is offered by {len(found)} catalogues ({who}). Uninstall one or block it.")
    return found[0][1]


def _unknown(name: str) -> str:
    known = [entry.name for entry in list_models()]
    hint = suggest(name, known)
    if not hint and "." in name:
        hint = f"'{name.split('.')[0]}' looks like a plugin's namespace: is it installed here? "
    if Path(name).is_dir():
        hint += f"A folder of this name is here: write './{name}' for it. "
    if kinds := [kind for kind in registry.kinds() if name in registry.names(kind)]:
        hint += f"It is the name of a component ({kinds[0]}): see 'sslts list --kind {kinds[0]}'. "
    return f"No pretrained model is named '{name}'. {hint}Known models: {', '.join(known) or 'none'}."
