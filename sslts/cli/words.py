"""What `sslts classify` and `sslts search` share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TextIO

import typer

TextModel = Annotated[str, typer.Option("--model", help="A model that knows text: a catalogue name, a folder or 'hf:...'.")]
DEFAULT_MODEL = "sensor-text-jepa-har"
#: Recognises the bundled clips in the demo.
CLIP_MODEL = "mu-mae-utd-mhad"
ReaderName = Annotated[str, typer.Option(help="Layout of the files: csv, motionsense, empatica-e4, a plugin's.")]
DEFAULT_READER = "csv"


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """A warning is one line on stderr, as an error is, and is said once."""
    said: set[str] = set()

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None
    ) -> None:
        """As `warnings.showwarning` is called; where in the library it happened tells a user of the command nothing."""
        told = " ".join(str(message).split())
        if told not in said:
            typer.echo(f"sslts: warning: {told}", err=True)
        said.add(told)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
