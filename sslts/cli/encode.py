"""`sslts encode`: recordings in, a table of embeddings out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sslts.cli.models import ModelName
from sslts.cli.words import warnings_in_one_line


class Normalise(StrEnum):
    """Whose statistics standardise the signals."""

    ARTEFACT = "artefact"
    RECORDING = "recording"


def encode(
    model: ModelName,
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT", help="Recordings, or folders that hold several.")],
    reader: Annotated[
        str, typer.Option(help="Layout of the files: empatica-e4, wesad, utd-mhad, csv, ...: sslts list --kind reader.")
    ] = "empatica-e4",
    option: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the reader; repeatable.")] = None,
    session: Annotated[list[str] | None, typer.Option(help="Only this session (subject); repeatable.")] = None,
    out: Annotated[Path, typer.Option(help="Where the embeddings go: .npz, .csv or .parquet.")] = Path("embeddings.npz"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    stride_s: Annotated[float | None, typer.Option(help="Seconds from one window to the next; default: the model's.")] = None,
    normalise: Annotated[
        Normalise | None, typer.Option(help="'recording': each recording's own statistics (two passes). Default: the model's.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where the model runs: cpu, cuda, cuda:1, mps.")] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")] = False,
) -> None:
    """Embed every window of one or more recordings.

    Example: sslts encode crossl-wesad S01/ --out s01.csv
    """
    from sslts.cli.inputs import make_reader, recordings
    from sslts.cli.tables import check_target, write_table

    check_target(out, overwrite=overwrite)
    source = make_reader(reader, option or [])

    from sslts.model import load

    encoder = load(model, device=device)
    with warnings_in_one_line():
        parts = {
            name: encoder.encode(recording, normalise=normalise.value if normalise else None, stride_s=stride_s, progress=not quiet)
            for name, recording in recordings(source, inputs, session or [])
        }
    write_table(out, parts)
    if not quiet:
        windows = sum(len(part) for part in parts.values())
        typer.echo(f"{windows} windows of {len(parts)} recording{'s' * (len(parts) != 1)}, {encoder.embed_dim} numbers each: {out}")
