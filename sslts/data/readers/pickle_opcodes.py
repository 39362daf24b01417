"""What each allowed pickle opcode does on the machine of `safe_pickle`. An opcode that is not in `ACTIONS` ends the reading."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sslts.errors import ReaderError

if TYPE_CHECKING:
    from sslts.data.readers.safe_pickle import _Machine


def _long(machine: _Machine) -> None:
    size = machine.unsigned(1)
    if size > 8:
        raise machine.malformed("a number of more than 64 bits")
    machine.stack.append(int.from_bytes(machine.take(size), "little", signed=True))


def _float(machine: _Machine) -> None:
    try:
        machine.stack.append(float(machine.line()))
    except ValueError:
        raise machine.malformed("a number that is none") from None


def _unicode_line(machine: _Machine) -> None:
    machine.stack.append(machine.line())


def _append(machine: _Machine, values: list[Any]) -> None:
    if not machine.stack or not isinstance(machine.stack[-1], list):
        raise machine.malformed("a list is missing")
    machine.stack[-1].extend(values)


def _set_items(machine: _Machine, items: list[Any]) -> None:
    target = machine.pop()
    machine.set_items(target, items)
    machine.stack.append(target)


def _set_item(machine: _Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine, [key, value])


def _dict(machine: _Machine) -> None:
    items = machine.pop_mark()
    target: dict[str, Any] = {}
    machine.set_items(target, items)
    machine.stack.append(target)


def _tuple(machine: _Machine, count: int) -> None:
    values = [machine.pop() for _ in range(count)]
    machine.stack.append(tuple(reversed(values)))


def _stack_global(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise machine.malformed("a name that is no text")
    machine.named(module, name)


def _global(machine: _Machine) -> None:
    module = machine.line()
    machine.named(module, machine.line())


def _protocol(machine: _Machine) -> None:
    version = machine.unsigned(1)
    if version > 4:
        raise ReaderError(f"{machine.where}: protocol {version}, expected 0 to 4.")


def _pop_top(machine: _Machine) -> None:
    machine.pop()


def _bytes(machine: _Machine, count: int) -> None:
    machine.string(count)
    if isinstance(machine.stack[-1], str):
        machine.stack[-1] = machine.stack[-1].encode("latin-1")


ACTIONS: dict[bytes, Callable[[_Machine], Any]] = {
    b"\x80": _protocol,
    b"\x95": lambda m: m.take(8),  # FRAME: a hint about buffering
    b"(": lambda m: m.marks.append(len(m.stack)),
    b"0": _pop_top,
    b"1": lambda m: m.pop_mark(),
    b"N": lambda m: m.stack.append(None),
    b"\x88": lambda m: m.stack.append(True),
    b"\x89": lambda m: m.stack.append(False),
    b"I": lambda m: m.stack.append(m.integer(m.line())),
    b"L": lambda m: m.stack.append(m.integer(m.line())),
    b"J": lambda m: m.stack.append(struct.unpack("<i", m.take(4))[0]),
    b"K": lambda m: m.stack.append(m.unsigned(1)),
    b"M": lambda m: m.stack.append(m.unsigned(2)),
    b"\x8a": _long,
    b"F": _float,
    b"G": lambda m: m.stack.append(struct.unpack(">d", m.take(8))[0]),
    b"S": lambda m: m.quoted(),
    b"T": lambda m: m.string(m.unsigned(4)),
    b"U": lambda m: m.string(m.unsigned(1)),
    b"V": _unicode_line,
    b"X": lambda m: m.string(m.unsigned(4), unicode=True),
    b"\x8c": lambda m: m.string(m.unsigned(1), unicode=True),
    b"\x8d": lambda m: m.string(m.unsigned(8), unicode=True),
    b"B": lambda m: _bytes(m, m.unsigned(4)),
    b"C": lambda m: _bytes(m, m.unsigned(1)),
    b"\x8e": lambda m: _bytes(m, m.unsigned(8)),
    b")": lambda m: m.stack.append(()),
    b"t": lambda m: m.stack.append(tuple(m.pop_mark())),
    b"\x85": lambda m: _tuple(m, 1),
    b"\x86": lambda m: _tuple(m, 2),
    b"\x87": lambda m: _tuple(m, 3),
    b"]": lambda m: m.stack.append([]),
    b"l": lambda m: m.stack.append(m.pop_mark()),
    b"a": lambda m: _append(m, [m.pop()]),
    b"e": lambda m: _append(m, m.pop_mark()),
    b"}": lambda m: m.stack.append({}),
    b"d": _dict,
    b"s": _set_item,
    b"u": lambda m: _set_items(m, m.pop_mark()),
    b"p": lambda m: m.remember(m.integer(m.line())),
    b"q": lambda m: m.remember(m.unsigned(1)),
    b"r": lambda m: m.remember(m.unsigned(4)),
    b"\x94": lambda m: m.remember(len(m.memo)),
    b"g": lambda m: m.recall(m.integer(m.line())),
    b"h": lambda m: m.recall(m.unsigned(1)),
    b"j": lambda m: m.recall(m.unsigned(4)),
    b"c": _global,
    b"\x93": _stack_global,
    b"R": lambda m: m.reduce(),
    b"b": lambda m: m.build(),
}
