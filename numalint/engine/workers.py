"""A run in several processes: the files in parts, each examined by a worker of a ``concurrent.futures.Executor``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from numalint.engine.examine import Examined, Examiner, add_counted
from numalint.engine.judge import add_counts
from numalint.engine.request import Request
from numalint.engine.world import Sniffer, World
from numalint.loaders.document import LoadError

if TYPE_CHECKING:  # it imports logging, which most runs do without
    from concurrent.futures import Executor, Future

_FEWEST = 50
_PARTS = 2
"""So many parts for each worker, so that none waits long for the last one; each has some files."""


Watch = Callable[[Sequence[Any]], Iterable[Any]]
"""Gives back what it is given, one after the other."""


class Workers(msgspec.Struct, frozen=True):
    """Who examines the files: ``count`` workers of an executor, each of which makes the ``request`` anew.

    What makes it is sent to other processes, so it has to be a function that can be pickled.
    """

    executor: Executor
    count: int
    request: Callable[[], Request]


def examined_by(workers: Workers, files: Sequence[tuple[str, bool]], watch: Watch = iter) -> Examined:
    """What the files show, the same as if one process had examined them. Raises LoadError where a worker is lost."""
    from concurrent.futures import BrokenExecutor  # noqa: PLC0415  # as above

    size = max(_FEWEST, -(-len(files) // (workers.count * _PARTS)))
    parts = [files[first : first + size] for first in range(0, len(files), size)]
    asked: list[Future[Examined]] = []
    shown = Examined()
    try:
        asked += (workers.executor.submit(_examine, workers.request, os.getcwd(), part) for part in parts)
        for each in watch(asked):
            _add(shown, each.result())
    except BrokenExecutor as error:
        raise LoadError("a worker process has ended before its time, perhaps for want of memory", "-j") from error
    finally:
        for each in asked:
            each.cancel()
    return shown


def _examine(make: Callable[[], Request], folder: str, files: Sequence[tuple[str, bool]]) -> Examined:
    """What a part of the files shows, in a process that may have begun elsewhere."""
    if os.getcwd() != folder:
        os.chdir(folder)
    request = make()
    sniffer = Sniffer(request.formats)
    return Examiner(request, sniffer, World(request.config, request.hosts, sniffer)).examine(files)


def _add(shown: Examined, part: Examined) -> None:
    """Add what the next part of the files has shown."""
    for field in ("said", "faulty", "malformed", "problems", "rules_failed", "read", "claims", "host_files"):
        getattr(shown, field).extend(getattr(part, field))
    for field in ("domains", "refused", "without_host"):
        setattr(shown, field, getattr(shown, field) + getattr(part, field))
    add_counted(shown.passed_over, part.passed_over)
    shown.files |= part.files
    shown.suppressions |= part.suppressions
    shown.overrides |= part.overrides
    for name, documents in part.documents.items():
        shown.documents.setdefault(name, set()).update(documents)
    add_counts(shown.unjudged, part.unjudged)
