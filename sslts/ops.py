"""Pure tensor functions on signals and tokens. No parameters, no randomness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from einops import rearrange, repeat
from torch import Tensor

from sslts.errors import ConfigError
from sslts.types import RateClock, Signal, Tokens


def filled(signal: Signal, value: float = 0.0) -> Tensor:
    """Values with `value` wherever a sample is absent or unobserved. [B, C, T] or [B, C, T, H, W].

    `where`, not multiplication: NaN times zero is NaN.
    """
    usable = signal.usable
    if signal.values.dim() == 5:
        usable = usable[..., None, None]
    return torch.where(usable, signal.values, torch.as_tensor(value, dtype=signal.values.dtype, device=signal.values.device))


def surely_all(flags: Tensor) -> bool:
    """Whether all are True, where that can be known: a captured graph (torch.export) must not depend on values, so there it is False."""
    return not torch.compiler.is_compiling() and bool(flags.all())


def masked_mean(values: Tensor, valid: Tensor, dim: int) -> Tensor:
    """Mean over `dim` of the entries where `valid` (broadcast against values); 0 where there are none."""
    weight = valid.to(values.dtype)
    kept = torch.where(valid, values, torch.zeros((), dtype=values.dtype, device=values.device))
    return kept.sum(dim) / weight.expand_as(values).sum(dim).clamp(min=1)


def pooled_mean(tokens: Tokens) -> Tensor:
    """Mean of the valid tokens. [B, N, D] -> [B, D]; a row without any -> 0."""
    valid = tokens.valid
    safe = torch.where(valid[..., None], tokens.values, torch.zeros((), dtype=tokens.values.dtype, device=tokens.values.device))
    # A product with the weights: half the time of a sum over N, forwards and backwards.
    sums = torch.bmm(valid[:, None].to(safe.dtype), safe)[:, 0]
    return sums / valid.sum(1, keepdim=True).clamp(min=1)


def modality_means(tokens: Tokens, modalities: int) -> tuple[Tensor, Tensor]:
    """Mean of the valid tokens of each modality. [B, N, D] -> means [B, M, D] (0 where none), present bool [B, M]."""
    belongs = (tokens.modality[..., None] == torch.arange(modalities, device=tokens.modality.device)) & tokens.valid[..., None]
    weight = belongs.to(tokens.values.dtype)
    safe = torch.where(tokens.valid[..., None], tokens.values, torch.zeros((), dtype=tokens.values.dtype, device=tokens.values.device))
    # One row at a time (bmm), so that a row's result never depends on its neighbours.
    sums = torch.bmm(rearrange(weight, "b n m -> b m n"), safe)
    counts = rearrange(weight.sum(1), "b m -> b m 1")
    return sums / counts.clamp(min=1), counts[..., 0] > 0


def modality_tokens(means: Tensor, present: Tensor, window_s: float = 0.0) -> Tokens:
    """One token per modality from [B, M, D] and bool [B, M]."""
    batch, count, _ = means.shape
    index = repeat(torch.arange(count, device=means.device), "m -> b m", b=batch)
    return Tokens(
        values=means,
        valid=present,
        time_s=means.new_full((1, 1), window_s / 2).expand(batch, count),
        modality=index,
        channel=torch.zeros_like(index),
        cell=torch.zeros((1, 1, 3), dtype=torch.long, device=means.device).expand(batch, count, 3),
    )


def concat_tokens(parts: Sequence[Tokens]) -> Tokens:
    """Sequences one after another along N. All parts need the same width D. Described channels are counted on from part to part."""
    widths = {part.values.shape[-1] for part in parts}
    if len(widths) != 1:
        raise ConfigError(f"Tokens of different widths cannot be joined: got {sorted(widths)}. Give all encoders the same embed_dim.")
    tables = [part.described for part in parts if part.described is not None]
    if tables and len(tables) != len(parts):
        raise ConfigError(
            "Tokens with and without described channels cannot be joined: describe the channels of all modalities, or of none."
        )
    names = ("values", "valid", "time_s", "modality", "cell")
    joined = {name: torch.cat([getattr(part, name) for part in parts], dim=1) for name in names}
    if not tables:
        return Tokens(**joined, channel=torch.cat([part.channel for part in parts], dim=1))
    firsts = [sum(len(table) for table in tables[:index]) for index in range(len(tables))]
    channel = torch.cat([part.channel + first for part, first in zip(parts, firsts, strict=True)], dim=1)
    return Tokens(**joined, channel=channel, described=torch.cat(tables))


def pack_tokens(tokens: Tokens, keep: Tensor) -> Tokens:
    """Drop the tokens outside bool [B, N] and pad rows to the longest. [B, N, D] -> [B, K, D].

    Rows may keep different counts; padding is `valid=False` and holds zeros. Order is kept.
    """
    # A captured graph cannot have shapes that depend on its input: there nothing is dropped, and what would be is padding.
    length = keep.shape[1] if torch.compiler.is_compiling() else max(int(keep.sum(1).max()), 1)
    order = torch.argsort((~keep).to(torch.uint8), dim=1, stable=True)[:, :length]
    kept = torch.gather(keep, 1, order)

    def take(part: Tensor) -> Tensor:
        if part.dim() == 2:
            return torch.gather(part, 1, order)
        return torch.gather(part, 1, order[..., None].expand(-1, -1, part.shape[-1]))

    values = torch.where(kept[..., None], take(tokens.values), torch.zeros((), dtype=tokens.values.dtype, device=tokens.values.device))
    places = {name: take(getattr(tokens, name)) for name in ("time_s", "modality", "channel", "cell")}
    return Tokens(values, take(tokens.valid) & kept, **places, described=tokens.described)


def token_times(signal: Signal, count: int) -> Tensor:
    """Centres, in seconds from the window's start, of `count` equal slots. [B, count], an expanded view."""
    duration = signal.clock.duration_s(signal.values.shape[2])
    centres = (torch.arange(count, device=signal.values.device, dtype=torch.float32) + 0.5) * (duration / count)
    return centres[None].expand(signal.values.shape[0], -1)


def sequence_tokens(values: Tensor, valid: Tensor, signal: Signal) -> Tokens:
    """Tokens of one modality from [B, N, D] in time order. The modality index is 0: `with_modality` sets it."""
    batch, count, _ = values.shape
    steps = torch.arange(count, device=values.device)
    zeros = torch.zeros((1, 1), dtype=torch.long, device=values.device).expand(batch, count)
    cell = torch.stack([steps, torch.zeros_like(steps), torch.zeros_like(steps)], dim=-1)[None].expand(batch, -1, -1)
    return Tokens(values=values, valid=valid, time_s=token_times(signal, count), modality=zeros, channel=zeros, cell=cell)


def with_modality(tokens: Tokens, index: int) -> Tokens:
    """The same tokens, marked as belonging to modality `index`."""
    marked = torch.full((1, 1), index, dtype=torch.long, device=tokens.values.device).expand(tokens.modality.shape)
    return replace(tokens, modality=marked)


def patchify(values: Tensor, patch: int) -> Tensor:
    """Contiguous patches of one channel each. [B, C, T] -> [B, C, T // patch, patch]; T must be a multiple of `patch`."""
    if values.shape[-1] % patch:
        raise ConfigError(f"{values.shape[-1]} samples cannot be cut into patches of {patch}. Choose a patch that divides the window.")
    return rearrange(values, "b c (n p) -> b c n p", p=patch)


def sincos_time(time_s: Tensor, dim: int, longest_s: float) -> Tensor:
    """Fixed sine-cosine features of a time in seconds (Vaswani et al. 2017, sec. 3.5). [...] -> [..., dim], dim even."""
    half = dim // 2
    frequency = torch.exp(torch.linspace(0, 1, half, device=time_s.device) * -torch.log(torch.tensor(longest_s * 10.0)))
    angle = time_s[..., None] * frequency * (2 * torch.pi)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def rate_of(signal: Signal) -> float | None:
    """The signal's rate in Hz, or None for a clip without one."""
    return signal.clock.rate_hz if isinstance(signal.clock, RateClock) else None
