"""`sslts classify`: recordings and labels in, who does what when out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sslts.cli.words import DEFAULT_MODEL, DEFAULT_READER, ReaderName, TextModel, warnings_in_one_line
from sslts.errors import naming


def classify(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT", help="Recordings, or folders that hold several.")],
    labels: Annotated[str, typer.Option(help="What to choose between, with commas: 'walking,sitting'.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="One more label; repeatable, and it may hold commas.")] = None,
    prompt: Annotated[list[str] | None, typer.Option(help="A sentence with {} for the label: 'a person is {}'; repeatable.")] = None,
    model: TextModel = DEFAULT_MODEL,
    reader: ReaderName = DEFAULT_READER,
    option: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the reader; repeatable.")] = None,
    session: Annotated[list[str] | None, typer.Option(help="Only this session (subject); repeatable.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every window's scores here.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    stride_s: Annotated[float | None, typer.Option(help="Seconds from one window to the next; default: the model's.")] = None,
    device: Annotated[str, typer.Option(help="Where the model runs: cpu, cuda, cuda:1, mps.")] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Name what happens in recordings, in your own words, and print the stretches.

    Example: sslts classify sub_24.zip --reader motionsense --labels "walking,sitting,climbing stairs"
    """
    from sslts.cli.inputs import make_reader, recordings
    from sslts.cli.tables import check_target
    from sslts.retrieval.tables import aligned, write_csv

    if csv is not None:
        check_target(csv, overwrite=overwrite, formats=(".csv",), option="--csv")
    named = [part.strip() for part in labels.split(",")] if labels else []
    named += label or []
    source = make_reader(reader, option or [])

    from sslts.model import load

    namer = load(model, device=device)
    header: tuple[str, ...] = ()
    windows, stretches = [], []
    with warnings_in_one_line():
        for name, recording in recordings(source, inputs, session or []):
            with naming(name):
                found = namer.classify(recording, named, prompts=prompt or None, stride_s=stride_s, progress=not quiet)
            header, rows = found.table()
            windows += [[name, *row] for row in rows]
            stretches += [(name, f"{s.start_s:.1f}", f"{s.end_s:.1f}", s.label, f"{s.score:.2f}") for s in found.segments()]
    if csv is not None:
        write_csv(csv, ("recording", *header), windows)
    typer.echo(aligned(("recording", "start_s", "end_s", "label", "score"), stretches))
