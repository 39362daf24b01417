"""`sslts search`: moments of recordings, or of an index of them, that a text describes or that resemble an example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sslts.cli.words import DEFAULT_MODEL, DEFAULT_READER, ReaderName, TextModel, warnings_in_one_line
from sslts.errors import ConfigError, ReaderError

if TYPE_CHECKING:
    from sslts.data.recording import Recording


def search(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[INPUT]... QUERY", help="Recordings, or folders that hold several; then what to look for, in words."),
    ] = None,
    model: TextModel = DEFAULT_MODEL,
    top: Annotated[int, typer.Option(help="How many moments at most.")] = 10,
    apart_s: Annotated[float | None, typer.Option(help="Of moments nearer than this only the best is shown; default: one window.")] = None,
    like: Annotated[str | None, typer.Option(metavar="SESSION", help="Look for what resembles this session of INPUT; no QUERY.")] = None,
    at: Annotated[float | None, typer.Option(help="With --like: the second at which the example begins; default: its start.")] = None,
    index: Annotated[Path | None, typer.Option(help="Search this stored index instead of INPUT.")] = None,
    save_index: Annotated[Path | None, typer.Option(help="Keep what was embedded in this new folder, for --index.")] = None,
    reader: ReaderName = DEFAULT_READER,
    option: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the reader; repeatable.")] = None,
    session: Annotated[list[str] | None, typer.Option(help="Search only this session (subject); repeatable.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the hits here as well.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --csv or --save-index if it exists.")] = False,
    stride_s: Annotated[float | None, typer.Option(help="Seconds from one window to the next; default: the model's.")] = None,
    device: Annotated[str, typer.Option(help="Where the model runs: cpu, cuda, cuda:1, mps.")] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Find the moments that words describe, or that resemble an example.

    Example: sslts search sub_24.zip "someone running" --reader motionsense --save-index idx, then: sslts search "sitting" --index idx
    """
    from sslts.cli.inputs import make_reader
    from sslts.cli.tables import check_target
    from sslts.hub.folders import check_target as check_folder
    from sslts.retrieval.index_files import FILES

    inputs, query = _split(arguments or [], by_example=like is not None)
    _check(inputs, like, at, index, save_index)
    if not inputs and (option or session or stride_s is not None):
        raise typer.BadParameter("--option, --session and --stride-s are about INPUT; --index is already embedded")
    if csv is not None:
        check_target(csv, overwrite=overwrite, formats=(".csv",), option="--csv")
    if save_index is not None:
        check_folder(save_index, FILES, what="search index", overwrite=overwrite)
    source = make_reader(reader, option or []) if inputs else None

    from sslts.model import load
    from sslts.retrieval.words import text_method

    finder = load(model, device=device)
    if like is None:
        text_method(finder.method, finder.name, "search by words")  # said before hours of recordings are embedded
    asked = query if like is None else _example(source, inputs, like, at)
    with warnings_in_one_line():
        if index is None:
            where = finder.index(_each(source, inputs, session or []), stride_s=stride_s, progress=not quiet)
        else:
            where = finder.load_index(index)
        hits = finder.search(where, asked, top_k=top, apart_s=apart_s)
    if save_index is not None:
        where.save(save_index, overwrite=overwrite)
    if csv is not None:
        hits.to_csv(csv)
    typer.echo(repr(hits))


def _split(arguments: Sequence[str], *, by_example: bool) -> tuple[list[Path], str]:
    if by_example:
        return [Path(argument) for argument in arguments], ""
    if not arguments:
        raise typer.BadParameter("say what to look for: sslts search INPUT... 'someone running', or --like SESSION")
    *inputs, query = arguments
    if not query.strip():
        raise typer.BadParameter("what to look for is empty: say it in words, such as 'someone running'")
    if _is_file(query):
        raise typer.BadParameter(f"the last argument is what to look for, in words, but '{query}' is a file or folder")
    return [Path(argument) for argument in inputs], query


def _is_file(text: str) -> bool:
    try:
        return Path(text).exists()
    except OSError:  # longer than any name of a file
        return False


def _check(inputs: Sequence[Path], like: str | None, at: float | None, index: Path | None, save_index: Path | None) -> None:
    if at is not None and like is None:
        raise typer.BadParameter("--at says where the example of --like begins: name a session with --like")
    if index is not None and save_index is not None:
        raise typer.BadParameter("--save-index keeps what INPUT holds; --index is already stored")
    if index is not None and inputs and like is None:
        raise typer.BadParameter("give INPUT or --index, not both")
    if not inputs and (index is None or like is not None):
        raise typer.BadParameter("no INPUT: name recordings" + (", in which --like is found" if like else ", or --index"))


def _each(source: Any, inputs: Sequence[Path], sessions: Sequence[str]) -> Iterator[Recording]:
    from sslts.cli.inputs import recordings

    # The name that a user could type for it, even if two folders hold sessions of one name.
    return (replace(recording, session=name) for name, recording in recordings(source, inputs, sessions))


def _example(source: Any, inputs: Sequence[Path], name: str, at: float | None) -> Recording:
    found = list(_each(source, inputs, [name]))
    if len(found) != 1:
        raise ReaderError(f"{len(found)} recordings are called '{name}': give only one of them as INPUT.")
    (example,) = found
    if at is not None and not at >= example.start_s:
        raise ConfigError(f"--at must be a second of '{name}', which begins at {example.start_s:g} s, got {at:g}.")
    return example if at is None else example.window(start_s=at)
