"""Measure how long naming and searching take.

    python -m benchmarks.speed_words                 print, and write benchmarks/results/speed-words.json

An hour of a phone's six channels at 50 Hz is named (the bundled recording, repeated), and a million invented embeddings of the model's
width are searched for a sentence. Everything that a user waits for counts, but loading the model and making the invented embeddings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sslts
from benchmarks.results import ROOT, today, versions, write_json
from benchmarks.speed import best, machine, timed
from benchmarks.speed_signals import HOUR_S, tiled
from sslts import registry
from sslts.data import samples
from sslts.data.recording import Recording
from sslts.model import Model
from sslts.retrieval.index import Index, IndexedRecording

LABELS = ("walking", "jogging", "walking upstairs", "walking downstairs", "sitting", "standing")
QUERY = "a person is running"
_SAMPLE = "motionsense_sub_24"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; exit code 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="sensor-text-jepa-har", help="a name, or dir:FOLDER")
    parser.add_argument("--windows", type=int, default=1_000_000, help="embeddings that are searched")
    parser.add_argument("--rounds", type=int, default=5, help="runs of which the best counts")
    parser.add_argument("--out", type=Path, default=ROOT / "speed-words.json")
    given = parser.parse_args(arguments)
    model = sslts.load(given.model)
    found: dict[str, Any] = {"date": today(), "model": model.name, "machine": machine(), "versions": versions()}
    found["threads"] = torch.get_num_threads()
    found["classify_hour"] = classify_hour(model, rounds=given.rounds)
    found["search"] = search(model, windows=given.windows, rounds=given.rounds)
    for name in ("classify_hour", "search"):
        print(f"{name}:", *(f"\n  {key}: {value}" for key, value in found[name].items()))
    write_json(given.out, found)
    return 0


def classify_hour(model: Model, *, rounds: int) -> dict[str, Any]:
    """Seconds from an hour of a phone's signals to a name for every window."""
    recording = tiled(_sample(), HOUR_S)
    named = model.classify(recording, LABELS)
    rates = {name: stream.rate_hz for name, stream in recording.streams.items()}
    seconds = best(lambda: timed(lambda: model.classify(recording, LABELS)), rounds)
    return {
        "seconds": seconds,
        "windows": len(named.time_s),
        "rates_hz": rates,
        "channels": sum(stream.values.shape[1] for stream in recording.streams.values()),
    }


def search(model: Model, *, windows: int, rounds: int) -> dict[str, Any]:
    """Seconds from a sentence to its ten best of so many embeddings."""
    index = invented(model, windows)
    model.search(index, QUERY)
    seconds = best(lambda: timed(lambda: model.search(index, QUERY)), rounds)
    return {"seconds": seconds, "windows": windows, "width": model.method.embed_text([QUERY]).shape[1]}


def invented(model: Model, windows: int) -> Index:
    """An index of this model whose embeddings are random directions."""
    real = model.index(_sample())
    random = np.random.default_rng(0)

    def directions(width: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        made = random.standard_normal((windows, width), dtype=np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made

    return replace(
        real,
        words=directions(model.method.embed_text([QUERY]).shape[1]),
        sensors=directions(real.sensors.shape[1]),
        time_s=np.arange(windows) * real.window_s,
        recording=np.zeros(windows, dtype=np.int32),
        recordings=(IndexedRecording("invented"),),
        nearest={},
    )


def _sample() -> Recording:
    """A walk with the phone's accelerometer and gyroscope: six channels."""
    sample = samples.get(_SAMPLE)
    reader = registry.get("reader", sample.reader).create()
    found: Recording = reader.read(sample.path, session=reader.sessions(sample.path)[0]).only("acc", "gyro")
    return found


if __name__ == "__main__":
    sys.exit(main())
