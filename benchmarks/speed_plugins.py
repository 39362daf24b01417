"""What 200 installed plugins cost: importing sslts, and listing components, with and without them, in fresh processes.

    python -m benchmarks.speed_plugins          writes benchmarks/results/speed_plugins.json

Milliseconds, the best of several processes each: what is left is the work, not the machine's other business.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.results import ROOT, today, write_json

PLUGINS, RUNS = 200, 9
_IMPORT = "import sslts"
_LIST = "from sslts import registry\nstarted = time.perf_counter()\nregistry.names('encoder')"


def install(folder: Path, count: int) -> None:
    """The metadata of so many distributions with a component each."""
    for number in range(count):
        info = folder / f"acme{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme{number}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[sslts.encoders]\nacme{number}.one = acme{number}:One\n")


def milliseconds(code: str, path: str) -> float:
    """The fastest of several fresh processes; the last `started` counts."""
    script = f"import time\nstarted = time.perf_counter()\n{code}\nprint(time.perf_counter() - started)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), path])}
    found = [subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True) for _ in range(RUNS)]
    return 1000 * min(float(run.stdout) for run in found)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder), PLUGINS)
        told = {
            "plugins": PLUGINS,
            "import_ms": {"none": milliseconds(_IMPORT, ""), "installed": milliseconds(_IMPORT, folder)},
            "list_ms": {"none": milliseconds(_LIST, ""), "installed": milliseconds(_LIST, folder)},
            "date": today(),
            "python": platform.python_version(),
        }
    write_json(ROOT / "speed_plugins.json", told)
    print(told)


if __name__ == "__main__":
    main()
