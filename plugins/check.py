"""Check plugins as their users meet them: each is built into a wheel, installed into an environment of its own, and its tests run there.

    python plugins/check.py                    all of them
    python plugins/check.py sslts-example      one

The environments see this one's packages (torch is large), so that pip installs only what a plugin needs besides; what it installs comes
first on the path.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLUGINS = tuple(sorted(path.parent.name for path in HERE.glob("*/pyproject.toml")))


def check(plugin: str, work: Path) -> None:
    """Build, install, test (CalledProcessError if one of them fails)."""
    run = [sys.executable, "-m", "build", "--wheel", "--outdir", str(work / "dist"), str(HERE / plugin)]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = (work / "dist").glob("*.whl")
    python = environment(work / "env")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, f"{wheel}[test]"], check=True)
    # Away from the sources, so that it is the wheel that is imported.
    for name in ("tests", "recipe.yaml"):
        source = HERE / plugin / name
        if source.is_dir():
            shutil.copytree(source, work / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, work / name)
    (work / "pytest.ini").write_text("[pytest]\n")
    subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"], check=True, cwd=work, env=clean())


def environment(folder: Path) -> str:
    """A new environment that also sees the packages of this one; its python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True)
    mine = Path(told.stdout.strip())
    seen = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    # `site.addsitedir` also reads .pth files there, as an editable install of sslts needs.
    (mine / "parent.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in seen))
    return str(python)


def clean() -> dict[str, str]:
    """The environment variables without those that would let the checkout be imported."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTEST_ADDOPTS")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plugins", nargs="*", default=PLUGINS, help=f"which: {', '.join(PLUGINS)}")
    failed = []
    for plugin in parser.parse_args().plugins:
        print(f"== {plugin}", flush=True)
        with tempfile.TemporaryDirectory() as work:
            try:
                check(plugin, Path(work))
            except subprocess.CalledProcessError as error:
                print(f"{plugin}: {error}", file=sys.stderr)
                failed.append(plugin)
    print(f"failed: {', '.join(failed)}" if failed else "all plugins pass")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
