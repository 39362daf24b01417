"""Damaged inputs, what one may cost, and a folder of those that once failed."""

from __future__ import annotations

import hashlib
import random
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sslts.errors import SslTsError

_TOKENS = (
    b"9",
    b"-",
    b"0",
    b'"',
    b"}",
    b"[",
    b"1e9",
    b"\\u0000",
    b"F64",
    b"null",
    b"true",
    b"{}",
    b"1" * 40,
    b"&a",
    b"*a",
    b"!!x",
    b"\x1b[2J",
    b"\xff",
)


def damaged(data: bytes, made: random.Random) -> bytes:
    """One to four small damages, many of them near the beginning: bits, tokens, cuts, insertions, repetitions."""
    result = bytearray(data)
    for _ in range(made.randint(1, 4)):
        if not result:
            break
        at = made.randrange(min(len(result), made.choice((16, 400, max(1, len(data))))))
        match made.randrange(6):
            case 0:
                result[at] ^= 1 << made.randrange(8)
            case 1:
                result[at : at + 1] = made.choice(_TOKENS)
            case 2:
                del result[at : at + made.randint(1, 9)]
            case 3:
                result[at:at] = made.randbytes(made.randint(1, 9))
            case 4:
                del result[max(at, 1) :]
            case _:
                other = made.randrange(len(result))
                result[at:at] = result[other : other + made.randint(1, 60)]
    return bytes(result)


@dataclass(frozen=True)
class Limits:
    """What one input may cost."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Corpus:
    """A folder of inputs that once failed, one file each: KIND-HASH.bin."""

    folder: Path

    def of(self, kind: str) -> list[bytes]:
        """All of one kind."""
        return [path.read_bytes() for path in sorted(self.folder.glob(f"{kind}-*.bin"))]

    def add(self, kind: str, data: bytes) -> Path:
        """Keep one."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{kind}-{hashlib.sha256(data).hexdigest()[:16]}.bin"
        path.write_bytes(data)
        return path


def survives(kind: str, inputs: Sequence[bytes], read: Callable[[bytes], object], corpus: Corpus, limits: Limits) -> tuple[int, int]:
    """Read each input, and those of the corpus: a typed error without control characters, or a value. -> (refused, accepted).

    What fails goes to the corpus, to be committed with its cure.
    """
    refused = accepted = 0
    for data in [*corpus.of(kind), *inputs]:
        fine, problem = _read(data, read, limits)
        if problem is not None and "it took" in problem:
            fine, problem = _read(data, read, limits)  # a machine can be busy once
        if problem is not None:
            raise AssertionError(f"{corpus.add(kind, data)}: {problem}")
        accepted += fine
        refused += not fine
    return refused, accepted


def refused(data: bytes, read: Callable[[bytes], object], limits: Limits) -> bool:
    """Whether a hand-made input is refused with a typed error; AssertionError if it costs more than it may, or fails in another way."""
    tracemalloc.start()
    try:
        fine, problem = _read(data, read, limits)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    if problem is None and peak > limits.megabytes:
        problem = f"it took {peak:.0f} MB, allowed {limits.megabytes:g}"
    if problem is not None:
        raise AssertionError(problem)
    return not fine


def _read(data: bytes, read: Callable[[bytes], object], limits: Limits) -> tuple[bool, str | None]:
    """Whether it was read, and what is wrong with how that went."""
    started = time.perf_counter()
    fine, problem = True, None
    try:
        read(data)
    except SslTsError as error:
        fine = False
        if not str(error).isprintable():
            problem = f"its message holds control characters: {str(error)!r}"
    except BaseException as error:
        problem = f"it raised {type(error).__name__}: {error}"
    if problem is None and time.perf_counter() - started > limits.seconds:
        problem = f"it took {time.perf_counter() - started:.1f} s, allowed {limits.seconds:g}"
    return fine, problem
