"""The command group: options that all commands share, and how errors end a run."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import sslts
from sslts.cli.classify import classify
from sslts.cli.demo import demo
from sslts.cli.encode import encode
from sslts.cli.evaluate import evaluate
from sslts.cli.models import info, list_
from sslts.cli.plugins import new_plugin, plugins
from sslts.cli.publish import fetch, publish
from sslts.cli.search import search
from sslts.cli.train import finetune, train
from sslts.errors import SslTsError, TrainingInterrupted
from sslts.strict_json import printable

FAILED, INTERRUPTED = 1, 130


class ErrorsInOneLine(TyperGroup):
    """Turns what goes wrong into one line on stderr and an exit code; `--debug` shows the traceback as well."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, TrainingInterrupted) as error:
            _report(ctx, error, str(error) or "interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except SslTsError as error:
            _report(ctx, error, str(error))
            raise typer.Exit(FAILED) from None
        except BrokenPipeError:
            raise  # click ends quietly when the reader of a pipe has gone
        except OSError as error:
            _report(ctx, error, str(error))
            raise typer.Exit(FAILED) from None


def _report(ctx: Any, error: BaseException, message: str) -> None:
    if ctx.params.get("debug"):
        traceback.print_exception(error, file=sys.stderr)
    typer.echo(f"sslts: {printable(' '.join(message.split()))}", err=True)


app = typer.Typer(
    name="sslts",
    cls=ErrorsInOneLine,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sslts {sslts.__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error and log in detail.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")] = False,
) -> None:
    """Self-supervised models for multimodal sensor time series: list, inspect, encode, name, search, train, evaluate.

    Try `sslts demo` first. `sslts COMMAND --help` explains each command.
    """
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s", force=True)


app.command("list")(list_)
app.command()(info)
app.command()(encode)
app.command()(classify)
app.command()(search)
app.command()(train)
app.command()(finetune)
app.command()(evaluate)
app.command()(demo)
app.command()(fetch)
app.command()(publish)
app.command()(plugins)
app.command("new-plugin")(new_plugin)


def main() -> None:
    """Entry point of the `sslts` command."""
    app(prog_name="sslts")
