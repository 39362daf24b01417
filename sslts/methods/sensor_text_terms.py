"""Terms of sensor-text JEPA's loss that look at hidden places of a window, and what they ask of a batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sslts import ops
from sslts.interfaces import Predictor
from sslts.types import SensorBatch, Signal, Tokens


def latent_distance(
    objective: Any, predictor: Predictor, target: Any, whole: Tokens, context: Tokens, hidden: Tensor, *, layer_norm: bool
) -> Tensor:
    """First term: the distance to what the target encoder makes of the whole window, at hidden places (bool [B, N])."""
    with torch.no_grad():
        latents = target.encode(whole)
        values = functional.layer_norm(latents.values, latents.values.shape[-1:]) if layer_norm else latents.values
    wanted = ops.pack_tokens(replace(whole, values=values), hidden)
    predicted = predictor(context, wanted)
    if getattr(objective, "grouped", False):
        return objective(predicted.values, wanted.values, wanted.valid, wanted.channel).total
    return objective(predicted.values, wanted.values, wanted.valid).total


def reconstruction(decoder: Predictor, whole: Tokens, context: Tokens, hidden: Tensor) -> Tensor:
    """Hybrid: the fixed description of hidden patches, reconstructed from the context."""
    wanted = ops.pack_tokens(whole, hidden)
    made = decoder(context, wanted)
    distance = (made.values - wanted.values).square().mean(-1)
    return (distance * wanted.valid).sum() / wanted.valid.sum().clamp(min=1)


def unbroken(batch: SensorBatch) -> Tensor:
    """Which windows were observed from end to end by all of their sensors. bool [B]."""
    return torch.stack([~signal.present | signal.observed.all(2).all(1) for signal in batch.signals.values()]).all(0)


def place_of(signal: Signal) -> str:
    """Where a sensor sits; what does not say sits alone."""
    channel = signal.channels[0]
    return channel.position or f"{channel.kind} {channel.name} {channel.description}"
