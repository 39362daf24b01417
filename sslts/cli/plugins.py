"""`sslts plugins` and `sslts new-plugin`: what others added, and how to add something oneself."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def plugins(
    check: Annotated[bool, typer.Option(help="Import each plugin, in a process of its own, to see whether it works.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show the components that installed packages add, and whether they work: ok, blocked, broken, shadowed or ignored, with the reason.

    Ends with exit code 1 if one is broken, shadowed or ignored.
    """
    from sslts.plugin_states import UNUSABLE, blocked_in_vain, plugin_states
    from sslts.retrieval.tables import aligned

    found = plugin_states(check=check)
    for note in blocked_in_vain():
        typer.echo(f"sslts: {note}", err=True)
    header = ("distribution", "version", "kind", "name", "state", "reason")
    if as_json:
        typer.echo(json.dumps([asdict(state) for state in found], indent=1))
    elif found:
        typer.echo(aligned(header, [tuple(str(getattr(state, key)) for key in header) for state in found]))
    else:
        typer.echo("no plugins are installed; write one: sslts new-plugin NAME")
    if any(state.state in UNUSABLE for state in found):
        raise typer.Exit(1)


def new_plugin(
    name: Annotated[str, typer.Argument(help="The plugin's namespace, lower-case kebab-case: 'acme' gives components 'acme.…'.")],
    folder: Annotated[Path | None, typer.Option(help="Where to write it; default: ./sslts-NAME.")] = None,
) -> None:
    """Write a plugin that works: a distribution with an encoder, a masker, a recipe and tests. Change it from there.

    Example: sslts new-plugin acme && pip install -e './sslts-acme[test]'
    """
    from sslts.scaffold import write_plugin

    written = write_plugin(name, folder)
    typer.echo(f"wrote {written}")
    typer.echo(f"next: pip install -e '{written}[test]' && sslts list --kind encoder '{name}.*' && python -m pytest '{written}'")
