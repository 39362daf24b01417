"""Compute benchmark rows and write their tables.

    python benchmarks/run.py wesad-loso --rows peers --data data --resume
    python benchmarks/run.py wesad-loso --table
    python benchmarks/run.py dsads-loso --rows peers --data data --resume

Each row and fold becomes benchmarks/results/PROTOCOL/ROW/SUBJECT.json;
--table makes summary.json, summary.md and the plots from these files.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: make `benchmarks` importable

from benchmarks import loso, results, summary  # noqa: E402
from benchmarks.grid import load_grid  # noqa: E402
from benchmarks.rows import all_rows, find_rows  # noqa: E402
from sslts.errors import SslTsError  # noqa: E402
from sslts.evaluate.protocol import load_protocol  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 1 with one line on what is wrong."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        protocol = load_protocol(options.protocol)
        if options.rows:
            rows = [row.placed(options.work) for row in find_rows(options.rows, protocol)]
            grid = load_grid(protocol, options.data)
            for row in rows:
                loso.compute_row(
                    protocol, row, grid, resume=options.resume, parts=options.parts, root=options.results, groups=options.groups
                )
        if options.table:
            summary.write(protocol, list(all_rows(protocol)), root=options.results)
    except SslTsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protocol", help="a protocol's id, such as wesad-loso")
    parser.add_argument("--rows", nargs="+", default=[], metavar="ROW", help="rows, or peers, models, ablations, all")
    parser.add_argument("--parts", nargs="+", default=loso.PARTS, choices=loso.PARTS, help="compute only these parts of each fold")
    parser.add_argument("--groups", nargs="+", type=int, metavar="K", help="only the folds of these groups: several processes share a row")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder that holds the data sets (default: data)")
    parser.add_argument("--work", type=Path, default=Path("runs"), help="folder for pretrainings and features (default: runs)")
    parser.add_argument("--results", type=Path, default=results.ROOT, help="folder for the results (default: benchmarks/results)")
    parser.add_argument("--resume", action="store_true", help="keep what is already computed with the same configuration")
    parser.add_argument("--table", action="store_true", help="write summary.json, summary.md and the plots")
    return parser


if __name__ == "__main__":
    sys.exit(main())
