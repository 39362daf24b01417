"""Damaged inputs, what one may cost, and a folder of those that once failed."""

from __future__ import annotations

import hashlib
import random
import resource
import time
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
    """Read each input: a typed error without control characters, or a value. -> (refused, accepted). What fails goes to the corpus."""
    refused = accepted = 0
    before = _peak_mb()
    for data in [*corpus.of(kind), *inputs]:
        started = time.perf_counter()
        try:
            read(data)
            accepted += 1
        except SslTsError as error:
            refused += 1
            problem = None if str(error).isprintable() else f"its message holds control characters: {str(error)!r}"
        except BaseException as error:
            problem = f"it raised {type(error).__name__}: {error}"
        else:
            problem = None
        if time.perf_counter() - started > limits.seconds:
            problem = f"it took {time.perf_counter() - started:.1f} s, allowed {limits.seconds:g}"
        if problem is not None:
            raise AssertionError(f"{corpus.add(kind, data)}: {problem}")
    if _peak_mb() - before > limits.megabytes:
        raise AssertionError(f"reading {len(inputs)} damaged {kind} took {_peak_mb() - before:.0f} MB more, allowed {limits.megabytes:g}")
    return refused, accepted


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
