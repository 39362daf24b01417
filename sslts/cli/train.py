"""`sslts train` and `sslts finetune`: from a recipe to an artefact folder."""

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


def finetune(
    recipe: Annotated[str, typer.Argument(metavar="CONFIG", help="A recipe with a finetune section, or a bundled one by name.")],
    root: Annotated[Path | None, typer.Option(help="Folder of the data set; default: what the recipe says.")] = None,
    start: Annotated[Path | None, typer.Option(help="The pretrained artefact; default: runs/NAME/artefact.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the result; default: runs/NAME-finetuned.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no log.")] = False,
) -> None:
    """Teach a pretrained model by base classes how to compare clips; validation classes decide which state is kept.

    Example: sslts finetune mu-mae-utd-mhad --root data/UTD-MHAD
    """
    if not quiet:
        logging.getLogger("sslts").setLevel(logging.INFO)

    from sslts.training.finetune import finetune as run

    tuned = run(recipe, root=root, start=start, out=out, progress=not quiet)
    fitted = tuned.fitted
    first, best = fitted.history[0], max(each.accuracy for each in fitted.history)
    typer.echo(f"validation classes: {100 * first.accuracy:.1f} % at step {first.step}, {100 * best:.1f} % as kept (step {fitted.kept})")
    typer.echo(f"{tuned.model.name}: {tuned.folder}")
    if tuned.head is not None:
        typer.echo(f"its few-shot head: {tuned.head}; give it to few_shot as head=sslts.load_head('{tuned.head}')")
