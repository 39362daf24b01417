"""What encoders promise: WINDOWS -> TOKENS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from sslts.interfaces import DescribedEncoder, Encoder
from sslts.testing.case import broken
from sslts.testing.common import row_by_row
from sslts.testing.kit import ROWS, Kit, Promise, Subject, noise
from sslts.testing.tokens import JUNK, in_dtype, read, row_of, with_junk
from sslts.types import Signal, Tokens

Given = Signal | Tokens


class EncoderKit(Kit):
    """Fed by `example_signal`; an encoder that reads tokens only gives `example_tokens` instead."""

    base = Encoder

    def example(self, component: Any, rows: int = ROWS) -> Given:
        own = getattr(component, "example_tokens", None)
        if own is not None:
            tokens: Tokens = own(rows)
            return tokens
        signal: Signal = component.example_signal(rows)
        return signal

    def tokenized(self, component: Any, given: Given) -> Tokens:
        """What is encoded."""
        tokens: Tokens = component.tokenize(given) if isinstance(given, Signal) else given
        return tokens

    def run(self, component: Any, given: Given) -> Tensor:
        return read(component.encode(self.tokenized(component, given)))

    def settle(self, component: Any) -> None:
        if not hasattr(component, "example_tokens"):
            component.prepare(component.example_signal(24))

    def trains(self, component: Any, given: Given) -> Tensor:
        self.settle(component)
        made = self.run(component, given)
        return (made * noise(*made.shape, seed=5)).mean() + made.square().mean()  # a sum of squares of a layer norm is constant

    def cast(self, given: Given, dtype: torch.dtype) -> Given:
        return replace(given, values=given.values.to(dtype)) if isinstance(given, Signal) else in_dtype(given, dtype)

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("shapes", "tokens are [B, N, embed_dim] with positions", _shapes),
            Promise("junk-in-absent", "junk in an absent window changes no output bit", _junk_in_absent, _reads_signals),
            Promise("junk-in-unobserved", "junk in an unobserved sample changes no output bit", _junk_in_unobserved, _reads_signals),
            Promise("junk-in-invalid", "junk in an invalid token changes no output bit", _junk_in_invalid, _reads_tokens),
            Promise("absent-is-invalid", "an absent window has no valid token", _absent_is_invalid, _reads_signals),
            Promise("rows", "a row does not depend on the other rows", _rows),
            Promise("hidden-tokens", "hidden tokens do not influence visible ones", _hidden_tokens),
            Promise("front", "the fixed front computes the same beforehand", _front, _reads_signals),
            Promise("export", "torch.export captures it", _exports, _can_be_exported),
        )


class DescribedEncoderKit(EncoderKit):
    """Fed with channels that have descriptions; one vector a channel."""

    base = DescribedEncoder

    def tokenized(self, component: Any, given: Given) -> Tokens:
        if not isinstance(given, Signal):
            return given
        width = getattr(component.config, "text_dim", 8)
        described = noise(given.values.shape[1], width, seed=3).to(given.values.dtype)
        tokens: Tokens = component.tokenize(given, described)
        return tokens

    def settle(self, component: Any) -> None:
        component.prepare_all([component.example_signal(24)])

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (*super().promises, Promise("channel-order", "permuting channels permutes tokens", _channel_order))


def _kit(subject: Subject) -> EncoderKit:
    return cast(EncoderKit, subject.kit)


def _signal(subject: Subject, component: Any) -> Signal:
    return cast(Signal, subject.kit.example(component))


def _reads_signals(subject: Subject) -> bool:
    return not hasattr(subject.cls, "example_tokens")


def _reads_tokens(subject: Subject) -> bool:
    return not _reads_signals(subject)


def _can_be_exported(subject: Subject) -> bool:
    return bool(subject.cls.exportable)


@torch.no_grad()
def _shapes(subject: Subject) -> None:
    component = subject.fresh()
    made = component.encode(_kit(subject).tokenized(component, subject.kit.example(component)))
    if made.values.shape[0] != ROWS or made.values.shape[2] != component.embed_dim:
        raise broken(f"it returns {tuple(made.values.shape)}, expected [{ROWS}, N, {component.embed_dim}] (embed_dim).")
    if made.valid.dtype != torch.bool:
        raise broken(f"valid is {made.valid.dtype}, expected bool.")
    if made.cell.shape != (*made.valid.shape, 3) or made.cell.dtype != torch.long or made.modality.dtype != torch.long:
        raise broken(f"cell is {made.cell.dtype} {tuple(made.cell.shape)}, expected whole numbers (time, row, column) for each token.")
    given = subject.kit.example(component)
    lasts = given.clock.duration_s(given.values.shape[2]) if isinstance(given, Signal) else float(given.time_s.max())
    if bool((made.time_s[made.valid] < 0).any()) or bool((made.time_s[made.valid] > lasts).any()):
        raise broken(f"tokens stand outside the window's {lasts:g} s. time_s is the centre of what a token covers, in seconds.")
    if not bool(made.values[made.valid].isfinite().all()):
        raise broken("valid tokens hold NaN or infinity for an ordinary signal.")


def _compare(subject: Subject, component: Any, first: Given, second: Given, what: str) -> None:
    with torch.no_grad():
        if not torch.equal(subject.kit.run(component, first), subject.kit.run(component, second)):
            raise broken(f"{what} changes the output. Fill with torch.where (sslts.ops.filled), not by multiplying with a mask.")


def _junk_in_absent(subject: Subject) -> None:
    component = subject.fresh()
    signal = _signal(subject, component)
    present = signal.present.clone()
    present[1] = False
    for junk in JUNK:
        values = signal.values.clone()
        values[1] = junk
        _compare(subject, component, replace(signal, present=present), replace(signal, present=present, values=values), f"{junk} there")


def _junk_in_unobserved(subject: Subject) -> None:
    component = subject.fresh()
    signal = _signal(subject, component)
    observed = signal.observed.clone()
    third = signal.values.shape[2] // 3
    observed[:, :, third : 2 * third] = False
    observed[0] = False
    gap = replace(signal, observed=observed)
    lost = ~(observed if signal.values.dim() == 3 else observed[..., None, None]).expand_as(signal.values)
    for junk in JUNK:
        filled = replace(gap, values=signal.values.masked_fill(lost, junk))
        _compare(subject, component, gap, filled, f"{junk} in a lost sample")


@torch.no_grad()
def _junk_in_invalid(subject: Subject) -> None:
    component = subject.fresh()
    tokens = cast(Tokens, subject.kit.example(component))
    for junk in JUNK:
        _compare(subject, component, tokens, with_junk(tokens, ~tokens.valid, junk), f"{junk} in a token that is not valid")


@torch.no_grad()
def _absent_is_invalid(subject: Subject) -> None:
    component = subject.fresh()
    signal = _signal(subject, component)
    none = replace(signal, present=torch.zeros_like(signal.present))
    lost = replace(signal, observed=torch.zeros_like(signal.observed))
    for given, what in ((none, "absent"), (lost, "wholly unobserved")):
        tokens = _kit(subject).tokenized(component, given)
        if bool(tokens.valid.any()) or bool(component.encode(tokens).valid.any()):
            raise broken(f"a window that is {what} has valid tokens.")


def _rows(subject: Subject) -> None:
    component = subject.fresh()
    kit = _kit(subject)
    given = kit.example(component)

    def alone(of: Given, row: int) -> Given:
        return of.select(slice(row, row + 1)) if isinstance(of, Signal) else row_of(of, row)

    if isinstance(given, Signal):
        row_by_row(kit, component, given, alone, ROWS)
        return
    with torch.no_grad():  # rows of tokens may be padded to unequal lengths: compare what is valid
        together = component.encode(given)
        for row in range(ROWS):
            single = component.encode(row_of(given, row))
            one, other = single.values[0][single.valid[0]], together.values[row][together.valid[row]]
            if one.shape != other.shape or not torch.allclose(one, other, rtol=1e-4, atol=1e-5):
                raise broken(f"row {row} alone differs from the same row in a batch of {ROWS}. Rows must not see each other.")


@torch.no_grad()
def _hidden_tokens(subject: Subject) -> None:
    component = subject.fresh()
    tokens = _kit(subject).tokenized(component, subject.kit.example(component))
    visible = noise(*tokens.valid.shape, seed=4) > 0
    visible[:, 0] = True
    if tokens.valid.shape[1] < 2:
        return
    made = component.encode(tokens, visible)
    if component.drops_tokens:
        # Junk would show that hidden tokens are read at all; they are to be dropped before anything is computed.
        pairs = [(made, component.encode(with_junk(tokens, ~visible, junk), visible)) for junk in JUNK]
    else:
        pairs = [(made, component.encode(with_junk(tokens, ~visible, 3.0), visible))]
        if bool((made.valid & ~visible).any()):
            raise broken("tokens that were hidden come back as valid.")
    for one, other in pairs:
        if not torch.equal(read(one), read(other)):
            raise broken("what hidden tokens hold changes the visible ones.")


@torch.no_grad()
def _front(subject: Subject) -> None:
    component = subject.fresh()
    signal = _signal(subject, component)
    if not torch.equal(subject.kit.run(component, signal), subject.kit.run(component, component.front(signal))):
        raise broken("tokenize(front(signal)) differs from tokenize(signal).")


class _OfValues(nn.Module):
    """An encoder as a function of one tensor, as exporters want it."""

    def __init__(self, kit: EncoderKit, encoder: Any, given: Given) -> None:
        super().__init__()
        self.kit, self.encoder, self.given = kit, encoder, given

    def forward(self, values: Tensor) -> Tensor:
        return self.kit.run(self.encoder, replace(self.given, values=values))


def _exports(subject: Subject) -> None:
    component, kit = subject.fresh(), _kit(subject)
    given = kit.example(component, 2)
    module = _OfValues(kit, component, given).eval()
    with torch.no_grad():
        program = torch.export.export(module, (given.values,), strict=False)
        one, other = module(given.values), program.module()(given.values)
    kept = min(one.shape[1], other.shape[1])  # where tokens cannot be dropped they are padding at the end
    if not torch.allclose(one[:, :kept], other[:, :kept], rtol=1e-4, atol=1e-5):
        raise broken("the exported program computes something else.")


@torch.no_grad()
def _channel_order(subject: Subject) -> None:
    component = subject.fresh()
    signal = component.example_signal(ROWS)
    count = signal.values.shape[1]
    described = noise(count, getattr(component.config, "text_dim", 8), seed=3)
    order = torch.arange(count).flip(0)
    turned = replace(
        signal, values=signal.values[:, order], channels=tuple(signal.channels[i] for i in order), observed=signal.observed[:, order]
    )
    one, other = (component.encode(component.tokenize(given, told)) for given, told in ((signal, described), (turned, described[order])))
    back = _by_place(replace(other, channel=order.to(other.channel.device)[other.channel]))
    if not torch.allclose(_by_place(one), back, rtol=1e-4, atol=1e-4):
        raise broken("other tokens come out when channels and their descriptions are given in another order.")


def _by_place(tokens: Tokens) -> Tensor:
    """Values in the order of (channel, time), row by row."""
    key = tokens.channel.double() * 1e6 + tokens.time_s.double()
    order = torch.argsort(key, dim=1)
    return torch.gather(tokens.values, 1, order[..., None].expand_as(tokens.values))
