"""Ctrl-C and SIGTERM ask the loop to stop after the step it is in, instead of ending the process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether somebody asked to stop, and how (`SIGINT`, `SIGTERM`)."""

    def __init__(self) -> None:
        self.by: str | None = None


@contextmanager
def stop_signals() -> Iterator[StopRequest]:
    """Record SIGINT and SIGTERM while inside; the handlers that were there before come back afterwards.

    A second signal does not wait: it raises KeyboardInterrupt at once (a save in progress stays harmless). Outside the main
    thread Python allows no handlers, and nothing is installed.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(number: int, frame: FrameType | None) -> None:
        if request.by is not None:
            raise KeyboardInterrupt
        request.by = signal.Signals(number).name

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
