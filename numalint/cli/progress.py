"""How far a long run is, for whoever waits at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

import click

T = TypeVar("T")

_PATIENCE = 2.0
"""So many seconds nobody needs to be told."""


def watched(items: Sequence[T]) -> Iterator[T]:
    """The items one after the other; a bar on standard error tells how many are done, if that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    began, done = time.monotonic(), iter(items)
    for number, each in enumerate(done, 1):
        yield each
        if time.monotonic() - began > _PATIENCE:
            with click.progressbar(length=len(items), label="checking", file=sys.stderr) as bar:
                bar.update(number)
                for later in done:
                    yield later
                    bar.update(1)
