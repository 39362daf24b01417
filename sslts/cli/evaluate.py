"""`sslts evaluate`: a protocol's figures for pretrained models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    protocol: Annotated[str, typer.Argument(help="A built-in protocol ('wesad-loso').")],
    models: Annotated[list[str], typer.Argument(metavar="MODEL", help="Models; each subject is judged by one that has not seen it.")],
    root: Annotated[Path, typer.Option(help="Folder of the data set that the protocol names.")],
    partial: Annotated[bool, typer.Option("--partial", help="Judge only the subjects that some model has not seen.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the figures of each subject as JSON.")] = None,
    device: Annotated[str, typer.Option(help="Where the models run.")] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Judge frozen embeddings under a protocol with the linear probe.

    A subject that every model has seen in training is refused: train one model for each group of the protocol and give them all.
    The published tables, with peers and ablations, come from `python benchmarks/run.py` in a checkout.
    """
    from sslts.evaluate.pretrained import evaluate_models
    from sslts.evaluate.protocol import load_protocol
    from sslts.model import load

    named = load_protocol(protocol)
    judged = evaluate_models(named, [load(name, device=device) for name in models], root, partial=partial, progress=not quiet)
    typer.echo(judged.table())
    if out is not None:
        out.write_text(json.dumps(judged.as_json(), indent=1) + "\n", encoding="utf-8")
