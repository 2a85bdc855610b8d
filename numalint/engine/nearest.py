"""The nearest description of a host: in the folder of a domain, else in the first one above it that has any."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from numalint.engine.discover import repository_of
from numalint.loaders.config_search import NAME
from numalint.loaders.document import HostFormat
from numalint.loaders.host.inputs import HOST_SUFFIXES


class Inputs(NamedTuple):
    """The host files of a folder: those that can serve alone, and those that only add to one."""

    whole: tuple[str, ...]
    partial: tuple[str, ...]


class Nearest:
    """The search for the nearest host, which looks at each folder once. Folders are absolute, files as they are shown.

    ``format_of`` tells which format of hosts a file has, if any. It may raise OSError.
    """

    def __init__(self, format_of: Callable[[str], HostFormat | None]) -> None:
        self._format_of = format_of
        self._inputs: dict[str, Inputs] = {}
        self._nearest: dict[str, str | None] = {}

    def to(self, folder: str) -> str | None:
        """The nearest folder with a file that describes a host by itself: ``folder`` or one above it.

        The search ends at a folder with a configuration, and at the root of the repository; outside a repository at
        the working directory, where that is above.
        """
        if folder not in self._nearest:
            stop = os.path.exists(os.path.join(folder, ".git")) or os.path.exists(os.path.join(folder, NAME))
            above = os.path.dirname(folder)
            if self.inputs(folder).whole:
                found: str | None = folder
            elif not stop and above != folder and _may_climb(folder):
                found = self.to(above)
            else:
                found = None
            self._nearest[folder] = found
        return self._nearest[folder]

    def inputs(self, folder: str) -> Inputs:
        """The host files of a folder."""
        if folder not in self._inputs:
            self._inputs[folder] = self._found_in(folder)
        return self._inputs[folder]

    def _found_in(self, folder: str) -> Inputs:
        whole: list[str] = []
        partial: list[str] = []
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():  # a file that is not saved yet
            if name.lower().endswith(HOST_SUFFIXES) and name != NAME:
                path = os.path.join(folder, name)
                try:
                    format = self._format_of(path) if os.path.isfile(path) else None
                except OSError:
                    format = None
                if format is not None:
                    (partial if format.partial else whole).append(os.path.relpath(path))
        return Inputs(tuple(whole), tuple(partial))


def _may_climb(folder: str) -> bool:
    """Outside a repository the search ends at the working directory, if the folder lies below it."""
    if repository_of(folder) is not None:
        return True
    here = str(Path.cwd())
    return folder != here and folder.startswith(here + os.sep)
