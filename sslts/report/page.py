"""A report page and how it becomes one HTML file."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled fact: "Embedding", "128 numbers a window"."""

    label: str
    value: str


class Section(ABC):
    """A part of the page. Its template is `assets/{kind}.html`; `{kind}.css` and `{kind}.js` beside it are optional."""

    kind: ClassVar[str]
    title: str

    @abstractmethod
    def context(self) -> Mapping[str, Any]:
        """What the template reads. Strings are escaped by the template."""

    def data(self) -> Mapping[str, Any] | None:
        """What the script reads, as JSON; None where there is no script."""
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that a report shows."""

    title: str
    lead: str
    figures: tuple[Fact, ...]
    sections: tuple[Section, ...]
    footer: str = ""
    kicker: str = "sslts"


def render(page: Page) -> str:
    """The page as one HTML document."""
    environment = Environment(
        loader=PackageLoader("sslts.report", "assets"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    kinds = list(dict.fromkeys(section.kind for section in page.sections))
    bodies = [
        {
            "title": section.title,
            "kind": section.kind,
            "body": Markup(environment.get_template(f"{section.kind}.html").render(section.context(), id=f"section-{index}")),
            "data": None if (data := section.data()) is None else _script_json(data),
            "id": f"section-{index}",
        }
        for index, section in enumerate(page.sections)
    ]
    return environment.get_template("page.html").render(
        page=page,
        sections=bodies,
        style=Markup("\n".join(_asset(name) for name in ("page.css", "tracks.css", *(f"{kind}.css" for kind in kinds)))),
        script=Markup("\n".join(_asset(f"{kind}.js") for kind in kinds)),
    )


def write(page: Page, path: Path) -> Path:
    """Render to a file, whole or not at all; folders are made. Returns the path."""
    html = render(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(html, encoding="utf-8")
    partial.replace(path)
    return path


def _asset(name: str) -> str:
    """A style or script file; empty where a section has none."""
    file = resources.files("sslts.report").joinpath("assets", name)
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _script_json(data: Mapping[str, Any]) -> Markup:
    # "<" could close the script element; inside JSON strings its escape means the same.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))
