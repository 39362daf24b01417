"""Write the table of `sslts/encoders/descriptors/ranges.py`: python -m benchmarks.tools.fit_ranges

Measured on the bundled E4 recording (Stress-Predict, subject S01), which is no part of any benchmark's data.
"""

from __future__ import annotations

import json

import torch

from sslts.data import cut, prepare, readers, samples, window_starts
from sslts.data.specs import empatica_e4
from sslts.encoders.descriptors.ranges import OCTAVES
from sslts.encoders.descriptors.shares import response_range


def main() -> None:
    """Print the table as JSON, rounded to two decimals."""
    spec = empatica_e4(window_s=60, stride_s=30)
    recording = prepare(readers.empatica_e4(samples.path("e4_stress_predict_s01")), spec)
    windows = cut(recording, spec, window_starts(recording, window_s=60, stride_s=60))
    kinds = {"acc": "motion", "bvp": "pulse", "eda": "electrodermal", "temp": "temperature"}
    for name, kind in kinds.items():
        values = torch.from_numpy(windows[name].values)
        match kind:
            case "motion":
                values = torch.cat([values, torch.linalg.vector_norm(values, dim=1, keepdim=True)], dim=1)
            case "pulse":
                values = torch.cat([values, values / (values.std(-1, correction=0, keepdim=True) + 0.1)], dim=1)
            case "electrodermal":
                values = torch.cat([values, (values.clamp(min=0) + 0.03).log()], dim=1)
        halvings, octaves = OCTAVES[kind]
        if halvings:
            values = torch.nn.functional.avg_pool1d(values, 2**halvings)
        table = response_range(values, octaves)
        print(kind, json.dumps([[[round(x, 2) for x in pair] for pair in octave] for octave in table.tolist()]))


if __name__ == "__main__":
    main()
