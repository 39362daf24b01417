"""Weighted batch statistics that the redundancy-reduction objectives share."""

from __future__ import annotations

import torch
from torch import Tensor

from sslts.errors import LengthError


def row_weights(predicted: Tensor, weight: Tensor | None) -> Tensor:
    """Weights [B] as floats: all ones when none are given."""
    if weight is None:
        return predicted.new_ones(predicted.shape[0])
    if weight.shape != predicted.shape[:1]:
        raise LengthError(f"weight must have one entry a row, [{predicted.shape[0]}], got {tuple(weight.shape)}.")
    return weight.to(predicted.dtype)


def without_unused(values: Tensor, weight: Tensor) -> Tensor:
    """values [B, E] with zeros in rows of weight 0, whatever they hold."""
    return torch.where(weight[:, None] > 0, values, torch.zeros_like(values))


def centred(values: Tensor, weight: Tensor) -> Tensor:
    """values [B, E] minus their weighted mean; rows of weight 0 become 0 whatever they hold."""
    kept = without_unused(values, weight)
    mean = (weight[:, None] * kept).sum(0) / weight.sum().clamp(min=1e-12)
    return without_unused(kept - mean, weight)


def covariance(centred_values: Tensor, weight: Tensor, *, correction: int) -> Tensor:
    """[B, E] -> [E, E], divided by the sum of weights minus `correction`."""
    scale = (weight.sum() - correction).clamp(min=1.0)
    return (weight[:, None] * centred_values).T @ centred_values / scale


def off_diagonal(matrix: Tensor) -> Tensor:
    """The matrix with zeros on its diagonal."""
    return matrix - torch.diag(torch.diagonal(matrix))


def same_shape(predicted: Tensor, target: Tensor, dims: int, axes: str) -> None:
    """LengthError unless both are tensors of the same shape with `dims` axes."""
    if predicted.shape != target.shape or predicted.dim() != dims:
        raise LengthError(f"Expected two tensors {axes}, got {tuple(predicted.shape)} and {tuple(target.shape)}.")
