"""What a model needs to be installed: a range of sslts and of plugins (`requires` in config.json)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from sslts.errors import RequirementError
from sslts.hub.bundled import sslts_version
from sslts.strict_json import printable


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return sslts_version() if distribution == "sslts" else metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def check_requires(requires: Mapping[str, str], where: str, *, version_of: Callable[[str], str | None] = installed_version) -> None:
    """Check `distribution -> version range` (PEP 440; an empty range accepts any version).

    Raises:
        RequirementError: names everything that is missing or too old, with one line that installs it.
    """
    problems, wanted = [], []
    for name, text in requires.items():
        try:
            accepted = SpecifierSet(text)
        except InvalidSpecifier:
            raise RequirementError(f"{where}: requires.{name} is '{printable(text)}', expected a range such as '>=0.1,<1'.") from None
        found = version_of(name)
        try:
            fits = found is not None and accepted.contains(Version(found), prereleases=True)
        except InvalidVersion:
            fits = False
        if not fits:
            problems.append(f"{name} {text}".rstrip() + (f" (installed: {found})" if found else " (not installed)"))
            wanted.append(f"'{name}{text}'")
    if problems:
        raise RequirementError(f"{where} needs {', '.join(problems)}. Install: pip install {' '.join(wanted)}.")
