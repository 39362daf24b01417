"""What `sslts classify` and `sslts search` share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

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

    def show(message: Warning | str, *_: Any) -> None:
        line = f"sslts: warning: {' '.join(str(message).split())}"
        if line not in said:
            typer.echo(line, err=True)
        said.add(line)

    with warnings.catch_warnings():
        # It takes fewer arguments by name than the one it stands for; all are passed by position.
        warnings.showwarning = show  # type: ignore[assignment]
        yield
