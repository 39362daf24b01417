"""`sslts demo`: bundled real recordings under pretrained models, as short tables and a report to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sslts.cli.words import CLIP_MODEL, DEFAULT_MODEL, warnings_in_one_line


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("demo"),
    model: Annotated[str, typer.Option(help="The model: a catalogue name, a folder or 'hf:...'.")] = "crossl-wesad",
    sample: Annotated[str, typer.Option(help="The bundled recording.")] = "e4_stress_predict_s01",
    text_model: Annotated[
        str, typer.Option(help="The model that names and searches the bundled phone recording in words.")
    ] = DEFAULT_MODEL,
    clip_model: Annotated[str, typer.Option(help="The model that recognises the bundled clips from one example each.")] = CLIP_MODEL,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no table.")] = False,
) -> None:
    """Encode a bundled real recording, name and search another in words, recognise clips from one example each; write an HTML report.

    The report shows nearest moments and what each sensor adds; then recognised activities, what sentences find, and how every text
    compares with every window; then a clip, hidden and filled in.
    """
    from sslts.cli.clip_tour import clip_tour
    from sslts.cli.tour import tour
    from sslts.cli.words_tour import words_tour
    from sslts.hub.catalogue import list_models

    # A model that somebody names must be there; the default one may not be bundled with this copy.
    there = text_model != DEFAULT_MODEL or bool(list_models(DEFAULT_MODEL))
    with warnings_in_one_line():
        words = words_tour(text_model, progress=not quiet) if there else None
    shown = clip_model != CLIP_MODEL or bool(list_models(CLIP_MODEL))
    clips = clip_tour(clip_model) if shown else None
    toured = tour(sample, model, progress=not quiet)
    if not quiet:
        typer.echo(toured.table())
        if words:
            typer.echo(f"\n{words.table()}")
        typer.echo(f"\n{clips.table()}\n" if clips else "")
    if not there:
        typer.echo(f"sslts: {text_model} does not come with this copy of sslts, so nothing is named or searched in words.", err=True)
    if not shown:
        typer.echo(f"sslts: {clip_model} does not come with this copy of sslts, so no clip is recognised.", err=True)
    typer.echo(str(toured.write(out / "report.html", words, clips).resolve()))
