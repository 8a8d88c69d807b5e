"""Ctrl-C in the middle of a step."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Stopping:
    """A context in which Ctrl-C (and TERM, HUP) only sets `asked`, so that a step can end and be saved.

    `obey` then does what the signal would have done. A second signal does it at once. Signals that are ignored stay
    so. An exception that leaves the context after a signal gives way to it: the other processes of the run have
    stopped.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        if threading.current_thread() is not threading.main_thread():
            return self  # only that one can handle signals
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._restore()
        if self.asked is not None and isinstance(error, Exception):
            self.obey()

    def obey(self) -> None:
        """Do what the signal that came would have done; KeyboardInterrupt if that returns."""
        self._restore()
        if self.asked is not None:
            signal.raise_signal(self.asked)
        raise KeyboardInterrupt

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = number
        self._restore()

    def _restore(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
