"""The scorecard: tests marked `trust(row, promise)` are rows of it. `make trust` runs all of them and prints one line a row."""

from __future__ import annotations

import os

import pytest

#: Whether each row is checked to its full extent; otherwise a quick part of it.
FULL = os.environ.get("SSLTS_TRUST") == "full"
#: The rows that `make trust` stands for; one without a passing check is a failure, whatever the others say.
ROWS = ("F1", "F2", "F3", "F4", "F5", "N1", "N2", "N3", "N5", "N7", "P1", "P2")
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


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A row that nothing checked fails the scorecard."""
    whole = FULL and session.config.option.markexpr == "trust" and not hasattr(session.config, "workerinput")
    if whole and any(not _ROWS.get(row, ("", []))[1] for row in ROWS):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a row."""
    if not FULL:
        return
    terminalreporter.section("scorecard")
    for row in ROWS:
        promise, outcomes = _ROWS.get(row, ("nothing checked it", []))
        state = "pass" if outcomes and all(outcomes) else "FAIL"
        terminalreporter.write_line(f"{row:3} {state}  {promise} ({sum(outcomes)} of {len(outcomes)} checks)")
