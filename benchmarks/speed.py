"""How fast and how large: start-up, loading, encoding, training and memory, each figure beside what it is compared with.

    python -m benchmarks.speed --data data                       print, and write benchmarks/results/speed.json
    python -m benchmarks.speed --data data --model FOLDER        another model than the bundled crossl-wesad

Times are the best of several runs: on a busy machine the least disturbed run is the nearest to what the code costs. Start-up, loading and
memory are measured in processes of their own. The ratios are what carries over to another machine. Needs `pip install 'sslts[bench]'`.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

import sslts
from benchmarks import speed_training
from benchmarks.peers.minirocket import KERNELS, MiniRocket, stack_at_one_rate
from benchmarks.results import ROOT, today, versions, write_json
from benchmarks.speed_signals import HOUR_S, hour
from sslts.data.collate import to_batch
from sslts.data.prepare import prepare
from sslts.data.recording import Recording
from sslts.data.windows import cut, window_starts
from sslts.model import Model

_TIMED = "import time; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"
#: Memory while encoding, sampled: the kernel's own peak would count what was needed to make the recording, and its parent's memory.
_MEMORY = """
import sys, threading, time
import psutil, sslts
from benchmarks.speed_signals import tiled
from sslts.data import synthetic

model = sslts.load(sys.argv[1])
recording = tiled(synthetic.session(seed=0, segment_s=880), float(sys.argv[2]))
process = psutil.Process()
before, peak, done = process.memory_info().rss, [0], threading.Event()

def watch():
    while not done.wait(0.005):
        peak[0] = max(peak[0], process.memory_info().rss)

watcher = threading.Thread(target=watch)
watcher.start()
start, windows = time.perf_counter(), 0
for piece in model.iter_encode(recording):
    windows += len(piece)
seconds = time.perf_counter() - start
done.set()
watcher.join()
print(before, peak[0], sum(stream.values.nbytes for stream in recording.streams.values()), windows, seconds)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; exit code 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="holds E4_demo/; without it the hour is a synthetic one")
    parser.add_argument("--model", default="crossl-wesad", help="a name, or a folder")
    parser.add_argument("--hours", type=float, default=72, help="length of the recording whose memory is measured")
    parser.add_argument("--rounds", type=int, default=5, help="runs of which the best counts")
    parser.add_argument("--out", type=Path, default=ROOT / "speed.json")
    given = parser.parse_args(arguments)
    folder = Path(given.model)
    reference = f"dir:{folder.resolve()}" if folder.is_dir() else given.model
    model = sslts.load(reference)
    recording, source = hour(given.data)
    # Only names and numbers of the machine that a reader can use; the folder a model came from is nobody's concern.
    found: dict[str, Any] = {"date": today(), "model": model.name, "source": source, "machine": machine(), "versions": versions()}
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "start_up": lambda: start_up(reference, rounds=given.rounds),
        "encode_hour": lambda: encode_hour(model, recording, rounds=given.rounds),
        "windows_per_s": lambda: windows_per_s(model, recording, rounds=given.rounds),
        "training": speed_training.run,
        "memory": lambda: memory(reference, hours=given.hours),
    }
    for name, measure in parts.items():
        found[name] = measure()
        print(f"{name}:", *(f"\n  {key}: {shown(value)}" for key, value in found[name].items()), flush=True)
    write_json(given.out, found)
    return 0


def start_up(reference: str, *, rounds: int) -> dict[str, Any]:
    """Seconds in a fresh process, without the start of Python itself."""
    listed = best(lambda: child(_TIMED.format(code="import sslts; repr(sslts.list_models())")), rounds)
    torch_s = best(lambda: child(_TIMED.format(code="import torch")), rounds)
    load_s = best(lambda: child("import torch; " + _TIMED.format(code=f"import sslts; sslts.load({reference!r})")), rounds)
    return {
        "import_sslts_s": best(lambda: child(_TIMED.format(code="import sslts")), rounds),
        "import_and_list_models_s": listed,
        "import_torch_s": torch_s,
        "list_models_over_import_torch": listed / torch_s,
        "load_after_torch_s": load_s,
    }


def encode_hour(model: Model, recording: Recording, *, rounds: int) -> dict[str, Any]:
    """One hour from a Recording to embeddings, with torch's own number of threads and everything included."""
    model.encode(recording)
    seconds = best(lambda: timed(lambda: model.encode(recording)), rounds)
    return {
        "seconds": seconds,
        "windows": len(model.encode(recording)),
        "times_faster_than_recorded": recording.duration_s / seconds,
        "threads": torch.get_num_threads(),
    }


def windows_per_s(model: Model, recording: Recording, *, rounds: int) -> dict[str, Any]:
    """The model against MiniRocket's transform (fitted beforehand) on the same windows, both on one thread.

    MiniRocket needs one rate for all signals: 32 Hz, as in the benchmark's table, or the highest that the model reads, where nothing is
    lost. Bringing the windows to that rate is not counted.
    """
    spec = model.config.spec
    cuts = cut(prepare(recording, spec), spec, window_starts(recording, window_s=spec.window_s, stride_s=spec.stride_s))
    batch = to_batch(cuts, spec)
    rates = {modality.name: modality.rate_hz for modality in spec.named}
    count = len(batch)

    def embed() -> None:
        for first in range(0, count, 64):
            model.embed(batch.select(slice(first, first + 64)))

    rows: list[dict[str, Any]] = [{"of": model.name, "rates_hz": rates, "windows_per_s": count / alone(embed, rounds)}]
    for rate_hz in sorted({32.0, max(rates.values())}):
        windows = stack_at_one_rate({name: part.values for name, part in cuts.items()}, rates, rate_hz=rate_hz)
        transform = MiniRocket(n_kernels=KERNELS, random_state=0, n_jobs=1).fit(windows)
        per_s = count / alone(partial(transform.transform, windows), rounds)
        rows.append({"of": f"MiniRocket, {KERNELS:,} kernels", "rates_hz": dict.fromkeys(rates, rate_hz), "windows_per_s": per_s})
    ratios = {f"ratio_at_{row['rates_hz'][spec.names[0]]:g}_hz": rows[0]["windows_per_s"] / row["windows_per_s"] for row in rows[1:]}
    return {"rows": rows, **ratios, "windows": count, "threads": 1}


def memory(reference: str, *, hours: float) -> dict[str, Any]:
    """Memory of `iter_encode` over a recording of days, beyond what the process held with model and recording loaded."""
    printed = run_child(_MEMORY, reference, str(hours * HOUR_S)).split()
    before, peak, recorded, windows = (int(value) for value in printed[:4])
    mib = 2**20
    return {
        "hours": hours,
        "windows": windows,
        "recording_mib": recorded / mib,
        "before_mib": before / mib,
        "peak_mib": peak / mib,
        "added_mib": (peak - before) / mib,
        "added_over_recording": (peak - before) / recorded,
        "seconds": float(printed[4]),
    }


def best(measure: Callable[[], float], rounds: int) -> float:
    """The smallest of several measurements."""
    return min(measure() for _ in range(rounds))


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alone(work: Callable[[], object], rounds: int) -> float:
    """The best time on one thread, after one run that is not counted (compilation, caches)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        work()
        return best(lambda: timed(work), rounds)
    finally:
        torch.set_num_threads(threads)


def child(code: str) -> float:
    """The number that a fresh Python process prints."""
    return float(run_child(code))


def run_child(code: str, *arguments: str) -> str:
    """What a fresh Python process prints; a failure is raised with what it says."""
    path = os.pathsep.join(filter(None, [str(ROOT.parents[1]), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"The measured process failed:\n{done.stderr}")
    return done.stdout


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    found = {"system": platform.system(), "processor": platform.machine(), "cpus": os.cpu_count()}
    return {**found, "load_before": round(os.getloadavg()[0], 2)} if hasattr(os, "getloadavg") else found  # not on Windows


def shown(value: Any) -> str:
    """A figure with three digits; rows one a line."""
    if isinstance(value, list):
        return "".join(f"\n    {row['windows_per_s']:.4g} windows/s  {row['of']}, {rates(row['rates_hz'])}" for row in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def rates(rates_hz: dict[str, float]) -> str:
    """Every signal's rate, or the one that all have."""
    if len(set(rates_hz.values())) == 1:
        return f"all at {next(iter(rates_hz.values())):g} Hz"
    return ", ".join(f"{name} {rate:g} Hz" for name, rate in rates_hz.items())


if __name__ == "__main__":
    sys.exit(main())
