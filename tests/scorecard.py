"""The scorecard: tests marked `trust(row, promise)` are rows of it. `make trust` runs all of them and prints one line a row."""

from __future__ import annotations

import os

import pytest

#: Whether each row is checked to its full extent; otherwise a quick part of it.
FULL = os.environ.get("SSLTS_TRUST") == "full"
_ROWS: dict[str, tuple[str, list[bool]]] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest the mark."""
    config.addinivalue_line("markers", "trust(row, promise): a row of the scorecard")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember how each row's tests went; with several workers the report is all that arrives here."""
    told = dict(report.user_properties).get("trust")
    if told is not None and (report.when == "call" or report.failed):
        _ROWS.setdefault(told[0], (told[1], []))[1].append(report.passed)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Put the row on the test's report."""
    for mark in item.iter_markers("trust"):
        item.user_properties.append(("trust", list(mark.args)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a row."""
    if FULL and _ROWS:
        terminalreporter.section("scorecard")
        for row, (promise, outcomes) in sorted(_ROWS.items()):
            state = "pass" if all(outcomes) else "FAIL"
            terminalreporter.write_line(f"{row:3} {state}  {promise} ({sum(outcomes)} of {len(outcomes)} checks)")
