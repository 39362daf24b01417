"""Names to classes: built-ins cannot be shadowed, and one plugin's fault never touches another."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sslts import interfaces, registry
from sslts._builtins import GROUPS
from sslts.errors import CollisionError, PluginError, UnknownComponentError

GOOD = """
from sslts.interfaces import Masker

class Good(Masker):
    @classmethod
    def example(cls):
        return cls.create()

    def plan(self, tokens, *, generator):
        raise NotImplementedError

class Other(Good):
    pass

NOT_A_CLASS = 3
"""


def entry(name: str, target: str, group: str = "sslts.maskers") -> str:
    return f"[{group}]\n{name} = {target}\n"


def test_an_unknown_name_suggests_the_nearest_and_lists_the_rest():
    with pytest.raises(UnknownComponentError) as caught:
        registry.get("encoder", "tcm")
    message = str(caught.value)
    assert message.startswith("No encoder is named 'tcm'. Did you mean 'tcn'? Known encoders:")
    assert all(name in message for name in registry.names("encoder"))


def test_every_kind_has_a_group_and_built_ins():
    assert set(registry.kinds()) == set(GROUPS)
    assert all(registry.names(kind) for kind in registry.kinds())


def test_an_unknown_kind_suggests_the_nearest():
    with pytest.raises(UnknownComponentError, match="Did you mean 'encoder'"):
        registry.names("encoders")


def test_an_unknown_namespace_asks_whether_the_plugin_is_installed():
    with pytest.raises(UnknownComponentError, match="'acme' looks like a plugin's namespace: is it installed here"):
        registry.get("encoder", "acme.wavelet")


def test_names_that_are_listed_can_be_got(plugins):
    plugins.install("acme", entry("acme.good", "acme:Good"), GOOD)
    assert "acme.good" in registry.names("masker")
    assert registry.names("masker") == tuple(sorted(registry.names("masker")))
    component = registry.get("masker", "acme.good")
    assert issubclass(component, interfaces.Masker)
    assert registry.origin("masker", "acme.good") == "acme 1.0"
    assert registry.origin("masker", "random") == "sslts"


def test_listing_imports_no_plugin(plugins):
    plugins.install("acme", entry("acme.bad", "acme:Bad"), "raise RuntimeError('imported')")
    assert "acme.bad" in registry.names("masker")


@pytest.mark.trust("P1", "plugins that raise, exit, hang, clash or are of a wrong type: named, and everything else works")
def test_two_distributions_with_one_name_raise_at_get_and_name_both(plugins):
    plugins.install("acme", entry("acme.good", "acme:Good"), GOOD)
    plugins.install("acme-fork", entry("acme.good", "acme_fork:Good"), GOOD)
    assert registry.names("masker").count("acme.good") == 1
    with pytest.raises(CollisionError, match=r"acme 1\.0, acme-fork 1\.0"):
        registry.get("masker", "acme.good")


def test_blocking_one_of_two_settles_the_collision(plugins, monkeypatch):
    plugins.install("acme", entry("acme.good", "acme:Good"), GOOD)
    plugins.install("acme-fork", entry("acme.good", "acme_fork:Good"), GOOD)
    monkeypatch.setenv("SSLTS_BLOCK_PLUGINS", "Acme_Fork , unrelated")
    registry.refresh()
    assert registry.get("masker", "acme.good").__module__ == "acme"


def test_a_blocked_plugin_says_that_it_is_blocked(plugins, monkeypatch):
    monkeypatch.setenv("SSLTS_BLOCK_PLUGINS", "acme")
    plugins.install("acme", entry("acme.good", "acme:Good"), GOOD)
    assert "acme.good" not in registry.names("masker")
    with pytest.raises(UnknownComponentError, match=r"acme 1\.0 offers it, but it is ignored: blocked by SSLTS_BLOCK_PLUGINS"):
        registry.get("masker", "acme.good")


def test_a_name_without_namespace_is_ignored_with_the_reason(plugins):
    plugins.install("acme", entry("good", "acme:Good") + "random = acme:Good\n", GOOD)
    assert "good" not in registry.names("masker")
    assert registry.get("masker", "random").__module__ == "sslts.maskers.modality"
    with pytest.raises(UnknownComponentError, match="a plugin's name needs a namespace"):
        registry.get("masker", "good")


@pytest.mark.trust("P1", "plugins that raise, exit, hang, clash or are of a wrong type: named, and everything else works")
def test_a_group_of_another_interface_version_is_shown_with_the_reason(plugins):
    plugins.install("acme", entry("acme.good", "acme:Good", "sslts.v9.maskers"), GOOD)
    (offer,) = [offer for offer in registry.offers() if offer.distribution == "acme"]
    assert offer.problem is not None
    assert "unknown group 'sslts.v9.maskers'" in offer.problem


@pytest.mark.trust("P1", "plugins that raise, exit, hang, clash or are of a wrong type: named, and everything else works")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('out of cheese')", "RuntimeError: out of cheese"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import no_such_module_anywhere", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("", "AttributeError"),
    ],
)
def test_a_broken_plugin_is_named_and_leaves_the_others_alone(plugins, code, reason):
    plugins.install("broken", entry("broken.one", "broken:Good"), code)
    plugins.install("acme", entry("acme.good", "acme:Good"), GOOD)
    with pytest.raises(PluginError) as caught:
        registry.get("masker", "broken.one")
    assert "masker 'broken.one' of broken 1.0 cannot be imported" in str(caught.value)
    assert reason in str(caught.value)
    assert "SSLTS_BLOCK_PLUGINS=broken" in str(caught.value)
    assert registry.get("masker", "acme.good").__name__ == "Good"


@pytest.mark.trust("P1", "plugins that raise, exit, hang, clash or are of a wrong type: named, and everything else works")
@pytest.mark.parametrize(("target", "group"), [("acme:Good", "sslts.encoders"), ("acme:NOT_A_CLASS", "sslts.maskers")])
def test_a_component_of_the_wrong_kind_is_refused(plugins, target, group):
    plugins.install("acme", entry("acme.thing", target, group), GOOD)
    kind = group.removeprefix("sslts.").removesuffix("s")
    with pytest.raises(PluginError, match=rf"{kind} 'acme\.thing' of acme 1\.0 is .*, expected a subclass of sslts\.interfaces"):
        registry.get(kind, "acme.thing")


def test_registering_is_for_this_process_and_can_be_undone(plugins):
    plugins.install("acme", "", GOOD)
    from acme import Good, Other

    registry.register("masker", "mine.good", Good)
    try:
        registry.register("masker", "mine.good", Good)  # the same object again changes nothing
        assert registry.get("masker", "mine.good") is Good
        assert "mine.good" in registry.names("masker")
        assert registry.origin("masker", "mine.good") == "this session"
        with pytest.raises(CollisionError, match=r"mine\.good"):
            registry.register("masker", "mine.good", Other)
    finally:
        registry.unregister("masker", "mine.good")
    assert "mine.good" not in registry.names("masker")
    registry.unregister("masker", "mine.good")


def test_an_installed_name_cannot_be_registered_over(plugins):
    plugins.install("acme", entry("acme.good", "acme:Good"), GOOD)
    from acme import Other

    with pytest.raises(CollisionError, match="an installed plugin"):
        registry.register("masker", "acme.good", Other)


@pytest.mark.parametrize("name", ["good", "Mine.good", "mine.", ".good", "mine.go od", "mine/good"])
def test_registering_needs_a_namespace(plugins, name):
    plugins.install("acme", "", GOOD)
    from acme import Good

    with pytest.raises(PluginError, match="expected 'namespace.name'"):
        registry.register("masker", name, Good)


def test_registering_the_wrong_kind_is_refused():
    with pytest.raises(PluginError, match=r"expected a subclass of sslts\.interfaces\.Encoder"):
        registry.register("encoder", "mine.int", int)


@pytest.mark.trust("P1", "plugins that raise, exit, hang, clash or are of a wrong type: named, and everything else works")
def test_import_sslts_imports_no_plugin(plugins, tmp_path):
    marker = tmp_path / "imported"
    code = f"from pathlib import Path\nPath({str(marker)!r}).touch()\n"
    plugins.install("acme", entry("acme.bad", "acme:Bad"), code)
    script = "import sslts; from sslts import registry; assert 'acme.bad' in registry.names('masker')"
    path = os.pathsep.join([str(plugins.root), *sys.path])
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": path})
    assert not marker.exists()


@pytest.mark.parametrize(("version", "wanted"), [("1.2", ">=1.2"), ("0.1.dev3+gabc", ">=0.1.dev3"), ("built by hand", "")])
def test_a_model_requires_the_plugins_it_is_built_of_from_the_version_it_was_built_with(plugins, version, wanted):
    plugins.install("acme", entry("acme.good", "acme:Good"), GOOD, version=version)
    assert registry.requirements_of(["acme.good", "spatial", "tcn"]) == {"acme": wanted}
    assert registry.requirements_of(["spatial"]) == {}
