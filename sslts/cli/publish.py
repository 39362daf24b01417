"""`sslts publish` and `sslts fetch`: a model to the Hub, and a model to a folder for a machine without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sslts.cli.models import ModelName


def publish(
    name: ModelName,
    repo: Annotated[str, typer.Argument(metavar="REPO", help="Where to: 'org/name'. Created if it is not there.")],
    private: Annotated[bool | None, typer.Option("--private/--public", help="Of a repository that is created.")] = None,
    branch: Annotated[str, typer.Option(help="The branch that the commit goes to.")] = "main",
    tag: Annotated[str, typer.Option(help="A name for the commit; one that stands for other files is refused.")] = "v1",
    catalogue: Annotated[Path | None, typer.Option(help="Pin the commit in this catalogue file (JSON).")] = None,
) -> None:
    """Publish a model on the Hugging Face Hub: checked, one commit, tagged. The account is the one of `hf auth login`, or HF_TOKEN.

    Refused without a card, a licence, measured figures and a passing reload.

    Example: sslts publish ./model_cards/crossl-wesad my-org/crossl-wesad --tag v1
    """
    from sslts.publishing import publish as run

    published = run(name, repo, private=private, branch=branch, tag=tag, catalogue=catalogue)
    typer.echo(f"published {published.repo}, commit {published.commit}" + (f", tag {published.tag}" if published.tag else ""))
    typer.echo(f"load it: sslts.load('{published.pin}')")


def fetch(
    name: ModelName,
    to: Annotated[Path, typer.Option(help="The folder that gets a folder of the model's name.")],
    revision: Annotated[str | None, typer.Option(help="A commit or tag, for 'hf:org/repo' without '@'.")] = None,
) -> None:
    """Copy a model to a folder, checked: for a machine without a network.

    Example: sslts fetch hf:my-org/crossl-wesad@v1 --to models/, then sslts.load('dir:models/crossl-wesad')
    """
    from sslts.publishing import fetch as run

    folder = run(name, to, revision=revision)
    typer.echo(f"load it: sslts.load('dir:{folder}')")
