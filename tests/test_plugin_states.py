"""Whether installed plugins work: each fault is told, and touches nobody else."""

from __future__ import annotations

import json
import os
import sys

import pytest
from test_registry import GOOD, entry
from typer.testing import CliRunner

from sslts import registry
from sslts.cli import app
from sslts.plugin_states import PluginState, plugin_states


@pytest.fixture
def installed(plugins, monkeypatch):
    """Installs as `plugins` does, in a way that child processes see as well."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(plugins.root), *sys.path]))
    return plugins


def states(**options) -> dict[str, PluginState]:
    """By distribution, of the ones that a test installed."""
    return {state.distribution: state for state in plugin_states(**options) if state.distribution.startswith(("acme", "bad"))}


@pytest.mark.trust("P1", "plugins that raise, exit, hang, clash or are of a wrong type: named, and everything else works")
def test_each_fault_has_its_state_and_its_reason(installed, monkeypatch):
    monkeypatch.setenv("SSLTS_BLOCK_PLUGINS", "bad-blocked")
    installed.install("acme", entry("acme.good", "acme:Good"), GOOD)
    installed.install("bad-raises", entry("bad.raises", "bad_raises:Good"), "raise RuntimeError('out of cheese')")
    installed.install("bad-exits", entry("bad.exits", "bad_exits:Good"), "import os; os._exit(7)")
    installed.install("bad-hangs", entry("bad.hangs", "bad_hangs:Good"), "import time; time.sleep(600)")
    installed.install("bad-prints", entry("bad.prints", "bad_prints:Good"), f"print('hello')\n{GOOD}")
    installed.install("bad-kind", entry("bad.kind", "bad_kind:Good", "sslts.encoders"), GOOD)
    installed.install("bad-blocked", entry("bad.blocked", "bad_blocked:Good"), GOOD)
    installed.install("bad-builtin", entry("random", "bad_builtin:Good"), GOOD)
    installed.install("bad-group", entry("bad.group", "bad_group:Good", "sslts.v9.maskers"), GOOD)
    registry.refresh()
    found = states(timeout_s=15)
    assert {name: state.state for name, state in found.items()} == {
        "acme": "ok",
        "bad-raises": "broken",
        "bad-exits": "broken",
        "bad-hangs": "broken",
        "bad-prints": "ok",
        "bad-kind": "broken",
        "bad-blocked": "blocked",
        "bad-builtin": "shadowed",
        "bad-group": "ignored",
    }
    assert "RuntimeError: out of cheese" in found["bad-raises"].reason
    assert "ended the process (exit code 7)" in found["bad-exits"].reason
    assert "took over 15 s" in found["bad-hangs"].reason
    assert "expected a subclass of sslts.interfaces.Encoder" in found["bad-kind"].reason
    assert "'random' is built in" in found["bad-builtin"].reason
    assert "unknown group 'sslts.v9.maskers'" in found["bad-group"].reason


def test_of_two_with_one_name_each_names_the_other(installed):
    installed.install("acme", entry("acme.good", "acme:Good"), GOOD)
    installed.install("acme-fork", entry("acme.good", "acme_fork:Good"), GOOD)
    found = states()
    assert {state.state for state in found.values()} == {"shadowed"}
    assert "acme-fork 1.0 offers the same name" in found["acme"].reason


def test_without_checking_nothing_is_imported(installed, tmp_path):
    marker = tmp_path / "imported"
    installed.install("acme", entry("acme.bad", "acme:Bad"), f"from pathlib import Path\nPath({str(marker)!r}).touch()\n")
    assert states(check=False)["acme"].state == "not checked"
    assert not marker.exists()


def test_the_command_prints_a_table_or_json(installed):
    installed.install("acme", entry("acme.good", "acme:Good"), GOOD)
    shown = CliRunner().invoke(app, ["plugins", "--no-check"]).stdout
    assert shown.splitlines()[0].split() == ["distribution", "version", "kind", "name", "state", "reason"]
    assert any(line.split()[:4] == ["acme", "1.0", "masker", "acme.good"] for line in shown.splitlines())
    told = json.loads(CliRunner().invoke(app, ["plugins", "--no-check", "--json"]).stdout)
    assert {"distribution": "acme", "version": "1.0", "kind": "masker", "name": "acme.good", "state": "not checked", "reason": ""} in told


def test_the_command_fails_where_a_plugin_cannot_be_used_and_nobody_asked_for_that(installed, monkeypatch):
    installed.install("acme", entry("acme.good", "acme:Good"), GOOD)
    assert CliRunner().invoke(app, ["plugins", "--no-check"]).exit_code == 0
    installed.install("bad-builtin", entry("random", "bad_builtin:Good"), GOOD)
    registry.refresh()
    for asked in (["plugins", "--no-check"], ["plugins", "--no-check", "--json"]):
        assert CliRunner().invoke(app, asked).exit_code == 1
    monkeypatch.setenv("SSLTS_BLOCK_PLUGINS", "bad-builtin")
    registry.refresh()
    assert CliRunner().invoke(app, ["plugins", "--no-check"]).exit_code == 0


def test_a_misspelt_name_among_the_blocked_is_told(installed, monkeypatch):
    installed.install("acme-fork", entry("acme.good", "acme:Good"), GOOD)
    monkeypatch.setenv("SSLTS_BLOCK_PLUGINS", "Acme_Frok")
    registry.refresh()
    told = CliRunner().invoke(app, ["plugins", "--no-check"]).stderr
    assert "SSLTS_BLOCK_PLUGINS names 'acme-frok', but no installed plugin is called that. Did you mean 'acme-fork'?" in told
    monkeypatch.setenv("SSLTS_BLOCK_PLUGINS", "Acme_Fork")
    registry.refresh()
    assert "SSLTS_BLOCK_PLUGINS" not in CliRunner().invoke(app, ["plugins", "--no-check"]).stderr


def test_components_are_listed_with_who_offers_them(installed):
    installed.install("acme", entry("acme.good", "acme:Good"), GOOD)
    shown = CliRunner().invoke(app, ["list", "--kind", "masker"]).stdout
    assert ["masker", "acme.good", "acme", "1.0"] in [line.split() for line in shown.splitlines()]
    assert ["masker", "tube", "sslts"] in [line.split() for line in shown.splitlines()]
    told = json.loads(CliRunner().invoke(app, ["list", "acme.*", "--kind", "all", "--json"]).stdout)
    assert told == [{"kind": "masker", "name": "acme.good", "from": "acme 1.0"}]
    assert CliRunner().invoke(app, ["list", "nothing*", "--kind", "all"]).stdout.strip() == "no components"
