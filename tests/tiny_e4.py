"""A tiny model that reads the Empatica E4, and short recordings in the E4's layout, for tests of several folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from sslts.config import ChannelStatistics, ComponentRef, ModelConfig, Preprocessing, Provenance, SensorSpec
from sslts.model import Model, build_method

CARD = "---\nlicense: apache-2.0\n---\n# tiny\n\nA model for tests.\n"


def tiny_model(spec: SensorSpec, *, name: str = "tiny", subjects: tuple[str, ...] = ("S2",)) -> Model:
    """CroSSL with one small block a modality and random weights; 8 numbers a window."""
    block = {"filters": [8], "kernels": [4], "strides": [2]}
    config = ModelConfig(
        name=name,
        method=ComponentRef(name="crossl"),
        spec=spec,
        components={
            **{f"encoders.{modality}": ComponentRef(name="tcn", options=block) for modality in spec.names},
            "aggregator": ComponentRef(name="mean"),
            "masker": ComponentRef(name="spatial"),
            "objective": ComponentRef(name="vicreg"),
        },
        preprocessing=Preprocessing(
            statistics={m.name: ChannelStatistics(mean=(0.0,) * len(m.channels), scale=(1.0,) * len(m.channels)) for m in spec.named}
        ),
        provenance=Provenance(datasets=("made-up",), subjects=subjects, licence="Apache-2.0"),
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Model(config, build_method(config).eval())


def write_e4(folder: Path, *, seconds: int) -> Path:
    """ACC, BVP, EDA and TEMP of `seconds` seconds."""
    folder.mkdir(parents=True)
    made = np.random.default_rng(0)
    columns = {
        "ACC": (32, made.integers(-64, 64, (seconds * 32, 3))),
        "BVP": (64, made.normal(0, 50, (seconds * 64, 1)).round(2)),
        "EDA": (4, made.uniform(0.3, 0.6, (seconds * 4, 1)).round(6)),
        "TEMP": (4, made.uniform(31, 33, (seconds * 4, 1)).round(2)),
    }
    for name, (rate_hz, values) in columns.items():
        width = values.shape[1]
        lines = [",".join(["1600000000.0"] * width), ",".join([f"{rate_hz:.6f}"] * width)]
        lines += [",".join(str(value) for value in row) for row in values.tolist()]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
