"""What few-shot heads share: the checks that each makes first, class means, unit length."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sslts.errors import LengthError


def check_support(support: Tensor, labels: Tensor, embed_dim: int | None = None) -> int:
    """Number of classes W. LengthError unless support is [S, E], labels are int [S] and every class 0..W-1 has an example.

    A head with trained weights also says which E it was built for.
    """
    if support.dim() != 2 or labels.shape != support.shape[:1]:
        raise LengthError(f"Expected support [S, E] and labels [S], got {tuple(support.shape)} and {tuple(labels.shape)}.")
    if embed_dim is not None and support.shape[1] != embed_dim:
        raise LengthError(
            f"This head was built for embeddings of {embed_dim} numbers, got support of {support.shape[1]}. "
            f"Build it with embed_dim={support.shape[1]}, or embed with the model that it was trained on."
        )
    if len(labels) == 0:
        raise LengthError("A few-shot head needs at least one example of each class, got none.")
    found = labels.unique().tolist()
    ways = int(labels.max()) + 1
    if found != list(range(ways)):
        missing = sorted(set(range(ways)) - set(found))
        raise LengthError(f"Labels must be 0..{ways - 1} with at least one example each; missing or negative: {missing or found[:3]}.")
    return ways


def check_queries(queries: Tensor, embed_dim: int) -> None:
    """LengthError unless queries are [Q, E] with the support's E. Without it, queries of one number would be broadcast in silence."""
    if queries.dim() != 2 or queries.shape[1] != embed_dim:
        raise LengthError(
            f"Expected queries [Q, {embed_dim}], as wide as the support, got {tuple(queries.shape)}. Embed both with the same model."
        )


def check_episodes(support: Tensor, queries: Tensor) -> None:
    """LengthError unless support is [N, S, E] and queries are [N, Q, E]."""
    if support.dim() != 3 or queries.dim() != 3 or support.shape[::2] != queries.shape[::2]:
        raise LengthError(f"Expected support [N, S, E] and queries [N, Q, E], got {tuple(support.shape)} and {tuple(queries.shape)}.")


def membership(support: Tensor, labels: Tensor, ways: int) -> Tensor:
    """1 where an example belongs to a class, else 0, in the support's type. [S, W]."""
    return functional.one_hot(labels.long(), ways).to(support.dtype)


def class_means(support: Tensor, labels: Tensor, ways: int) -> Tensor:
    """The mean of each class: [S, E] -> [W, E], or [N, S, E] -> [N, W, E]."""
    belongs = membership(support, labels, ways)
    return belongs.T @ support / belongs.sum(0)[:, None]


def unit_length(values: Tensor) -> Tensor:
    """Rows at length 1; a row of zeros stays zeros. [n, E] -> [n, E].

    Unlike `functional.normalize`, whose gradient at a row of zeros is 1e12, the gradient there is 0: such a row has no direction.
    """
    length = torch.linalg.vector_norm(values, dim=-1, keepdim=True)
    return torch.where(length > 1e-12, values / length.clamp(min=1e-12), torch.zeros_like(values))
