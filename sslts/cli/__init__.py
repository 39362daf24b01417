"""The `sslts` command. Each command is a module of this package and imports what it needs when it runs: `sslts list` loads no torch.

Exit codes: 0 done, 1 an error that sslts names, 2 wrong usage, 130 interrupted (Ctrl-C, or training that saved and stopped).
"""

from __future__ import annotations

from sslts.cli.app import app, main

__all__ = ["app", "main"]
