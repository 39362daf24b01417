"""How fast CroSSL trains: our TCN against a plain translation with `nn.Conv1d`, in alternating rounds of one process.

    python -m benchmarks.speed_training

One step is forward, CroSSL loss, backward and Adam, on the paper's WESAD sizes: three modalities of 1,000 samples, batches of 64, fp32,
dropout off as in their pretraining. Encoders differ, everything around them is the same code. The figure is the median of the rounds'
ratios: a machine that is busy with something else slows both halves of a round.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from sslts.aggregators.concat_mlp import ConcatMLP
from sslts.encoders.tcn import TCN
from sslts.objectives.vicreg import VICReg
from sslts.ops import modality_tokens

MODALITIES, SAMPLES, BATCH = 3, 1000, 64


class PlainTCN(nn.Module):
    """The encoder as one writes it first. [B, T, 1] -> [B, T, 96]."""

    def __init__(self) -> None:
        super().__init__()
        sizes = [(1, 24, 24), (24, 48, 16), (48, 96, 8)]
        self.convolutions = nn.ModuleList(nn.Conv1d(i, o, k, padding="same") for i, o, k in sizes)
        self.norms = nn.ModuleList(nn.LayerNorm(o, eps=1e-3) for _, o, _ in sizes)
        self.activations = nn.ModuleList(nn.PReLU(o, init=0.0) for _, o, _ in sizes)

    def forward(self, values: Tensor) -> Tensor:
        values = values.transpose(1, 2)
        for convolution, norm, activation in zip(self.convolutions, self.norms, self.activations, strict=True):
            values = activation(norm(convolution(values).transpose(1, 2)).transpose(1, 2))
        return values.transpose(1, 2)


def training_step(make: Callable[[], nn.Module]) -> Callable[[], None]:
    """A function that trains three fresh encoders and the paper's aggregator by one step."""
    torch.manual_seed(0)
    encoders = nn.ModuleList(make() for _ in range(MODALITIES))
    aggregator = ConcatMLP.create(modalities=MODALITIES, token_dim=96)
    objective = VICReg.create(invariance=10, variance=10, covariance=100, correction=0)
    optimiser = torch.optim.Adam([*encoders.parameters(), *aggregator.parameters()], lr=1e-4, fused=True)
    windows = torch.randn(MODALITIES, BATCH, SAMPLES, 1)
    generator = torch.Generator().manual_seed(0)

    def step() -> None:
        # Pooled by sum and division: the backward pass of `mean` writes out a full-size gradient, the same cost for both.
        latents = torch.stack([encoder(values).sum(1) / SAMPLES for encoder, values in zip(encoders, windows, strict=True)], dim=1)
        kept = torch.rand(2, BATCH, MODALITIES, generator=generator) < 0.9
        first, second = (aggregator(modality_tokens(latents, view)) for view in kept)
        optimiser.zero_grad()
        objective(first, second).total.backward()
        optimiser.step()

    return step


def run(*, rounds: int = 9) -> dict[str, float | int]:
    """Windows per second of both, and the median ratio over the rounds (the first step of each is not counted)."""
    steps = {"plain": training_step(PlainTCN), "sslts": training_step(lambda: TCN.create(channels=1, dropout=0.0))}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for index in range(rounds):
        # Each goes first in every other round, so that a change of load within a round favours neither.
        for name in sorted(steps, reverse=index % 2 == 0):
            start = time.perf_counter()
            steps[name]()
            seconds[name].append(time.perf_counter() - start)
    return {
        "plain_windows_per_s": BATCH / statistics.median(seconds["plain"]),
        "sslts_windows_per_s": BATCH / statistics.median(seconds["sslts"]),
        "ratio": statistics.median(plain / ours for plain, ours in zip(seconds["plain"], seconds["sslts"], strict=True)),
        "threads": torch.get_num_threads(),
        "rounds": rounds,
    }


def main() -> None:
    """Print the figures as JSON."""
    print(json.dumps({name: round(value, 2) for name, value in run().items()}))


if __name__ == "__main__":
    main()
