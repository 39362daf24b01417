"""`sslts list` and `sslts info`: what there is, and what it is. Neither imports torch."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sslts.config import ModelConfig
    from sslts.hub.metrics import Metrics

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A catalogue name, a folder ('./x', 'dir:x') or 'hf:org/repo@revision'.")]


def list_(
    pattern: Annotated[str, typer.Argument(help="Names to show, with wildcards ('crossl*').")] = "*",
    modality: Annotated[str | None, typer.Option(help="Only models that read this modality, e.g. 'acc'.")] = None,
    task: Annotated[str | None, typer.Option(help="Only models measured on this task, e.g. 'stress'.")] = None,
    licence: Annotated[str | None, typer.Option(help="Only weights under this licence; wildcards allowed.")] = None,
    kind: Annotated[str | None, typer.Option(help="List components of this kind ('encoder', or 'all') instead of models.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """List the pretrained models: bundled, on the Hub and from plugins. With --kind, the components that models are built of."""
    if kind is not None:
        if modality or task or licence:
            raise typer.BadParameter("--modality, --task and --licence choose among models; with --kind, components are listed.")
        _list_components(pattern, kind, as_json=as_json)
        return
    from sslts.hub.catalogue import list_models

    found = list_models(pattern, modality=modality, task=task, licence=licence)
    typer.echo(json.dumps([entry.to_json() for entry in found], indent=1) if as_json else repr(found))


def _list_components(pattern: str, kind: str, *, as_json: bool) -> None:
    from sslts import registry
    from sslts.retrieval.tables import aligned

    wanted = registry.kinds() if kind == "all" else (kind,)
    found = [(each, name, registry.origin(each, name)) for each in wanted for name in registry.names(each) if fnmatchcase(name, pattern)]
    if as_json:
        typer.echo(json.dumps([{"kind": each, "name": name, "from": origin} for each, name, origin in found], indent=1))
        return
    typer.echo(aligned(("kind", "name", "from"), found) if found else "no components")


def info(
    name: ModelName,
    card: Annotated[bool, typer.Option(help="Show the model card as well.")] = True,
) -> None:
    """Show what a model reads and gives, how well it does, and its card. A model on the Hub is downloaded first."""
    from sslts.hub import artefact
    from sslts.hub.card import parse_card
    from sslts.hub.layout import CARD
    from sslts.hub.metrics import read_metrics
    from sslts.hub.resolve import resolve

    source = resolve(name)
    folder = source.folder()
    config = artefact.read_config(folder)
    typer.echo("\n".join([*_facts(config, source.describe()), *_results(read_metrics(folder))]))
    text = folder / CARD
    if card and text.is_file():
        typer.echo("\n" + parse_card(text.read_text(encoding="utf-8")).body.strip())


def _facts(config: ModelConfig, where: str) -> list[str]:
    spec, provenance = config.spec, config.provenance
    rows = [
        ("model", config.name),
        ("where", where),
        ("method", config.method.name),
        ("window", spec.window_text if spec.clock == "clip" else f"{spec.window_text}, every {spec.stride_s:g} s"),
        *(
            (f"reads {modality.name}", f"{', '.join(f'{c.name} [{c.unit}]' for c in modality.channels)} at {spec.rate_text(modality)}")
            for modality in spec.named
        ),
        ("trained on", f"{', '.join(provenance.datasets) or 'not said'} ({len(provenance.subjects)} subjects)"),
        ("licence", provenance.licence or "not said"),
        *((("needs", ", ".join(f"{plugin}{version}" for plugin, version in sorted(config.requires.items()))),) if config.requires else ()),
    ]
    width = max(len(label) for label, _ in rows)
    return [f"{label.ljust(width)}  {value}" for label, value in rows]


def _results(metrics: Metrics) -> list[str]:
    lines = []
    for result in metrics.results:
        interval = "" if result.low is None or result.high is None else f" ({result.low:.3g} to {result.high:.3g})"
        lines.append(f"{result.label}: {result.metric} {result.value:.3g}{interval}")
    return ["", *lines] if lines else []
