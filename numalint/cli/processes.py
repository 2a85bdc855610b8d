"""The processes of ``-j``. A terminal sends Ctrl-C to all of them: it ends the workers, and the first process tells it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor


@contextlib.contextmanager
def pool(count: int) -> Iterator[Executor]:
    """An executor of so many processes. Ctrl-C waits while they start: Python swallows it in what it runs around a fork."""
    with ProcessPoolExecutor(count, initializer=_end_with_ctrl_c) as executor:
        _hold_ctrl_c(True)
        try:
            executor.submit(int)  # with the first task all of them start
        finally:
            _hold_ctrl_c(False)
        yield executor


def _end_with_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _hold_ctrl_c(False)


def _hold_ctrl_c(held: bool) -> None:
    if hasattr(signal, "pthread_sigmask"):  # Windows has none, and no fork
        signal.pthread_sigmask(signal.SIG_BLOCK if held else signal.SIG_UNBLOCK, {signal.SIGINT})
