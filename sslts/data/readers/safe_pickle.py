"""Numbers out of a pickle without unpickling it.

An interpreter for the few pickle opcodes that dicts, tuples, short texts and plain numeric arrays need, as Python 2 writes them in
protocols 0 and 2 and Python 3 in protocols 1 to 4. It imports nothing that a file names, calls nothing that a file names, and hands no
file's state to numpy: an allow-list unpickler does the latter, and a crafted dtype state then crashes the process. An array is a shape, a
plain numeric dtype and bytes whose number must fit; they are read from the mapped file when asked for, so what is not asked for costs
nothing.

The only module of the library that reads this format, and it does not import `pickle`.
"""

from __future__ import annotations

import codecs
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sslts.data.readers.pickle_opcodes import ACTIONS
from sslts.errors import ReaderError, SslTsError, UnsafeFileError
from sslts.strict_json import printable

MAX_OPCODES = 20_000  # the official files need a few hundred
MAX_STACK = 2_000
MAX_TEXT = 4_096  # longer strings can only be an array's bytes and stay in the file until asked for
MAX_AXES = 4

_GLOBALS = {
    "numpy.core.multiarray _reconstruct": "reconstruct",
    "numpy._core.multiarray _reconstruct": "reconstruct",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
}
_Order = Literal["<", ">", "|", "="]
_ORDERS: dict[str, _Order] = {"<": "<", ">": ">", "|": "|", "=": "="}
_DTYPES = frozenset({"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})


@dataclass(frozen=True, slots=True)
class _Global:
    """A name that the file asked for and that we know; never the object itself."""

    role: str


@dataclass(frozen=True, slots=True)
class _Span:
    """A long string that stays in the file. escaped: protocol 0 writes bytes as text with escapes; unicode: UTF-8 of Latin-1 characters."""

    start: int
    stop: int
    escaped: bool = False
    unicode: bool = False


@dataclass(slots=True)
class _DType:
    code: str
    order: _Order = "="


class PickledArray:
    """An array in the file: `shape` and `dtype` are checked, the bytes are read by `read`."""

    __slots__ = ("_data", "_machine", "dtype", "shape")

    def __init__(self, machine: _Machine) -> None:
        self._machine = machine
        self._data: bytes | _Span | None = None
        self.shape: tuple[int, ...] = ()
        self.dtype = np.dtype("f8")

    def read(self) -> NDArray[Any]:
        """The array, read-only (ReaderError if the number of bytes is not shape x itemsize)."""
        if self._data is None:
            raise self._machine.malformed("an array without data")
        data = self._machine.bytes_of(self._data)
        count = 1
        for length in self.shape:
            count *= length
        if len(data) != count * self.dtype.itemsize:
            raise self._machine.malformed(f"an array {self.shape} of {self.dtype} with {len(data)} bytes")
        return np.frombuffer(data, dtype=self.dtype).reshape(self.shape) if count else np.zeros(self.shape, dtype=self.dtype)


@contextmanager
def opened_pickle(path: Path) -> Iterator[Any]:
    """What a pickle holds, as dicts, lists, tuples, numbers, texts and PickledArray (readable inside the block).

    Raises:
        UnsafeFileError: the file asks for anything beyond plain data; nothing of it is run.
        ReaderError: the file is missing, truncated or malformed.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield _Machine(data, str(path)).run()
    except (OSError, ValueError) as error:
        if isinstance(error, SslTsError):
            raise
        raise ReaderError(f"{path} cannot be read ({error}).") from error


class _Machine:
    """A stack machine over the file's bytes."""

    def __init__(self, data: mmap.mmap, where: str) -> None:
        self.data = data
        self.where = where
        self.at = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    # --- running ---------------------------------------------------------------------------------------------------------

    def run(self) -> Any:
        """Interpret until STOP and return what is left."""
        for _ in range(MAX_OPCODES):
            opcode = self.take(1)
            if opcode == b".":
                if len(self.stack) != 1 or self.marks:
                    raise self.malformed("a stack that is not one value at the end")
                return self.stack[0]
            action = ACTIONS.get(opcode)
            if action is None:
                raise UnsafeFileError(f"{self.where}, byte {self.at - 1}: opcode {opcode!r} is not among those that plain numbers need.")
            action(self)
            if len(self.stack) > MAX_STACK or len(self.marks) > MAX_STACK:
                raise self.malformed(f"more than {MAX_STACK} nested values")
        raise self.malformed(f"more than {MAX_OPCODES} opcodes")

    def malformed(self, what: str) -> ReaderError:
        """The error for a file that is no such pickle."""
        return ReaderError(f"{self.where}, byte {self.at}: {printable(what)}. The file is damaged or not in its official layout.")

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count < 0 or self.at + count > len(self.data):
            raise self.malformed("the file ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def unsigned(self, size: int) -> int:
        """The next little-endian number."""
        return int.from_bytes(self.take(size), "little")

    def line(self) -> str:
        """The next short line of ASCII text."""
        end = self.data.find(b"\n", self.at, self.at + MAX_TEXT)
        if end < 0:
            raise self.malformed("a line without end")
        text = self.take(end - self.at + 1)[:-1]
        if not text.isascii():
            raise self.malformed("a line that is not ASCII")
        return text.decode("ascii")

    def pop(self) -> Any:
        """Take the topmost value (above the latest mark)."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise self.malformed("a value is missing")
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        """Take everything above the latest mark."""
        if not self.marks:
            raise self.malformed("a mark is missing")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    # --- strings ---------------------------------------------------------------------------------------------------------

    def string(self, count: int, *, unicode: bool = False) -> None:
        """Push a counted string: short ones as text (Latin-1, as Python 2 meant bytes), long ones as a place in the file."""
        start = self.at
        if count > len(self.data) - start:
            raise self.malformed(f"a string of {count} bytes in a file that ends before")
        self.at += count
        if count > MAX_TEXT:
            self.stack.append(_Span(start, self.at, unicode=unicode))
        else:
            try:
                self.stack.append(self.data[start : self.at].decode("utf-8" if unicode else "latin-1"))
            except UnicodeDecodeError:
                raise self.malformed("a text that is not UTF-8") from None

    def quoted(self) -> None:
        """Push protocol 0's quoted string."""
        end = self.data.find(b"\n", self.at)
        start, self.at = self.at, end + 1
        if end - start < 2 or self.data[start] not in b"'\"" or self.data[start] != self.data[end - 1]:
            raise self.malformed("a string without quotes")
        span = _Span(start + 1, end - 1, escaped=True)
        self.stack.append(span if end - start > MAX_TEXT else self.bytes_of(span).decode("latin-1"))

    def bytes_of(self, value: bytes | str | _Span) -> bytes:
        """An array's bytes."""
        try:
            if isinstance(value, bytes):
                return value
            if isinstance(value, str):
                return value.encode("latin-1")
            raw = self.data[value.start : value.stop]
            if value.escaped:
                return codecs.escape_decode(raw)[0]
            return raw.decode("utf-8").encode("latin-1") if value.unicode else raw
        except (UnicodeError, ValueError, Warning) as error:  # an unknown escape is a warning, or an error where those are
            raise self.malformed(f"a string that cannot be decoded ({error})") from None

    # --- the two things that a file may build ----------------------------------------------------------------------------

    def reduce(self) -> None:
        """`callable(*arguments)`, for the three known callables, done by ourselves."""
        arguments, function = self.pop(), self.pop()
        role = function.role if isinstance(function, _Global) else ""
        arguments = arguments if isinstance(arguments, tuple) else ()
        if role == "reconstruct" and len(arguments) == 3 and arguments[0] == _Global("ndarray"):
            self.stack.append(PickledArray(self))
        elif role == "dtype" and arguments and isinstance(arguments[0], str):
            code = arguments[0]
            order = _ORDERS.get(code[:1], "=")
            if code.lstrip("<>|=") not in _DTYPES:
                raise UnsafeFileError(f"{self.where}: an array of '{printable(code[:20])}'. Only plain numbers are read: {_dtypes()}.")
            self.stack.append(_DType(code.lstrip("<>|="), order))
        elif role == "encode" and len(arguments) == 2 and arguments[1] in ("latin1", "latin-1"):
            if not isinstance(arguments[0], str | _Span):
                raise self.malformed("bytes that are no text")
            self.stack.append(arguments[0] if isinstance(arguments[0], _Span) else self.bytes_of(arguments[0]))
        else:
            raise UnsafeFileError(f"{self.where}, byte {self.at}: a call that plain numbers do not need. It was not run.")

    def build(self) -> None:
        """Fill in an array or a dtype; both states are checked field by field."""
        state = self.pop()
        target = self.pop()
        if isinstance(target, _DType) and isinstance(state, tuple):
            # (version, byte order, subdtype, names, fields, itemsize, alignment, flags[, metadata])
            if not (
                len(state) in (8, 9)
                and isinstance(state[1], str)
                and state[1] in _ORDERS
                and _only(state[2:5], None)
                and _only(state[8:], None)
            ):
                raise UnsafeFileError(f"{self.where}, byte {self.at}: a dtype that is not a plain number.")
            if not _only(state[5:7], -1) or state[7] != 0:
                raise UnsafeFileError(f"{self.where}, byte {self.at}: a dtype with an unusual size or flags.")
            self.stack.append(_DType(target.code, _ORDERS[state[1]]))
        elif isinstance(target, PickledArray) and isinstance(state, tuple) and len(state) == 5:
            _, shape, dtype, fortran, data = state
            if not (isinstance(shape, tuple) and len(shape) <= MAX_AXES and all(type(n) is int and 0 <= n < 2**40 for n in shape)):
                raise self.malformed("an array without a plain shape")
            if not isinstance(dtype, _DType) or not isinstance(data, bytes | str | _Span):
                raise UnsafeFileError(f"{self.where}, byte {self.at}: an array of something else than plain numbers.")
            if fortran and len(shape) > 1:
                raise self.malformed("an array in column order")
            target.shape = shape
            target.dtype = np.dtype(dtype.code).newbyteorder(dtype.order)
            target._data = self.bytes_of(data) if isinstance(data, str) else data
            self.stack.append(target)
        else:
            raise UnsafeFileError(f"{self.where}, byte {self.at}: sets the state of something that is neither array nor dtype.")

    def named(self, module: str, name: str) -> None:
        """Push the stand-in for a known name."""
        role = _GLOBALS.get(f"{module} {name}")
        if role is None:
            asked = printable(f"{module}.{name}"[:80])
            raise UnsafeFileError(f"{self.where}, byte {self.at}: asks for {asked}. Only arrays of numbers are read; nothing was run.")
        self.stack.append(_Global(role))

    def set_items(self, target: Any, items: list[Any]) -> None:
        """dict[key] = value, for short text keys."""
        if not isinstance(target, dict) or len(items) % 2 or not all(isinstance(key, str) for key in items[::2]):
            raise self.malformed("a dict with keys that are no text")
        target.update(zip(items[::2], items[1::2], strict=True))

    def integer(self, text: str) -> int | bool:
        """Protocol 0's numbers: 00 and 01 are booleans."""
        if text in ("00", "01"):
            return text == "01"
        digits = text.removesuffix("L")
        if not digits.removeprefix("-").isdecimal() or len(digits) > 20:
            raise self.malformed("a number that is none")
        return int(digits)

    def remember(self, key: int) -> None:
        """Store the topmost value in the memo."""
        value = self.pop()
        self.stack.append(value)
        self.memo[key] = value

    def recall(self, key: int) -> None:
        """Push a value from the memo."""
        if key not in self.memo:
            raise self.malformed("a reference to nothing")
        self.stack.append(self.memo[key])


def _only(values: tuple[Any, ...], allowed: Any) -> bool:
    return all(type(value) is type(allowed) and value == allowed for value in values)


def _dtypes() -> str:
    return ", ".join(sorted(_DTYPES))
