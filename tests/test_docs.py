"""The README and the documentation: every relative link leads somewhere, and Python examples are Python."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def slug(heading: str) -> str:
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.strip().lower()))


def anchors(page: Path) -> set[str]:
    return {slug(heading.replace("`", "")) for heading in re.findall(r"^#+\s+(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [first or second for first, second in LINK.findall(prose)]
    lost = []
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_examples_parse(page: Path) -> None:
    for language, code in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            ast.parse(code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_quoted_files_are_quoted_as_mkdocs_reads_it(page: Path) -> None:
    """A formatter that takes the line for Python makes another line of it, which the site would show as it is."""
    for line in page.read_text(encoding="utf-8").splitlines():
        if re.match(r"\W*8\W*<", line):
            quoted = re.fullmatch(r'--8<-- "([^"]+)"', line)
            assert quoted, line
            assert (ROOT / quoted[1]).is_file(), line


def test_the_plugin_page_shows_the_whole_encoder() -> None:
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    assert '--8<-- "plugins/sslts-example/sslts_example/spectrum.py"' in page.splitlines()


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    missing = [
        str(page.relative_to(ROOT / "docs"))
        for page in PAGES
        if page.parent != ROOT and str(page.relative_to(ROOT / "docs")) not in navigation
    ]
    assert missing == []
