"""`sslts train`: from a recipe to an artefact folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[str, typer.Argument(metavar="CONFIG", help="A recipe (YAML file), or a bundled one by name ('crossl-wesad').")],
    root: Annotated[Path | None, typer.Option(help="Folder of the data set; default: what the recipe says.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: what the recipe says.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the newest checkpoint of this recipe.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no log.")] = False,
) -> None:
    """Train a model from a recipe. Ctrl-C saves first; the same command goes on where it stopped.

    Example: sslts train crossl-wesad --root data/WESAD --out runs/mine
    """
    if not quiet:
        logging.getLogger("sslts").setLevel(logging.INFO)

    from sslts.training.run import run_recipe

    trained = run_recipe(recipe, root=root, out=out, resume=resume, progress=not quiet)
    typer.echo(f"{trained.model.name}: {trained.folder}")
    if not quiet:
        typer.echo(f"use it: sslts.load('dir:{trained.folder}')")
