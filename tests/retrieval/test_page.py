"""The page about searching: its examples run as they stand, in order, on the bundled recording. The model here is an untrained one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tiny_text import tiny_jepa

import sslts

PAGE = Path(__file__).parents[2] / "docs" / "search.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.filterwarnings("ignore::sslts.errors.VocabularyWarning")
@pytest.mark.parametrize("example", EXAMPLES, ids=[str(number) for number in range(len(EXAMPLES))])
def test_an_example_runs_by_itself(example, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sslts, "load", lambda name: tiny_jepa(name=name), raising=False)
    exec(example, {})  # noqa: S102
    assert "nan" not in capsys.readouterr().out
