"""`sslts demo`: encode a bundled real recording, print a short table, write a report to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("demo"),
    model: Annotated[str, typer.Option(help="The model: a catalogue name, a folder or 'hf:...'.")] = "crossl-wesad",
    sample: Annotated[str, typer.Option(help="The bundled recording.")] = "e4_stress_predict_s01",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no table.")] = False,
) -> None:
    """Encode a bundled real recording, show nearest moments and what each sensor adds, and write an HTML report."""
    from sslts.cli.tour import tour

    toured = tour(sample, model, progress=not quiet)
    if not quiet:
        typer.echo(toured.table())
    typer.echo(str(toured.write(out / "report.html").resolve()))
