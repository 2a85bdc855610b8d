"""Values of command outputs that describe a host, checked as they are read; what is wrong is refused with its line."""

from __future__ import annotations

import re
from typing import NoReturn

from numalint.loaders.document import Document, LoadError
from numalint.model.host import Node
from numalint.model.idset import HostCpus, HostNode, IdSet, NotationError

_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_LONGEST_QUOTE = 40


class Text:
    """The text of one command's output. Lines count from 1; its methods raise LoadError."""

    def __init__(self, document: Document) -> None:
        self._path = document.path
        # A model's name may hold any bytes; what is read here is ASCII.
        self.whole = document.data.decode("utf-8-sig", "replace")

    def lines(self) -> list[tuple[int, str]]:
        """Its lines with their numbers, split where editors split them and not at form feeds and their like."""
        return [(number, line.rstrip("\r")) for number, line in enumerate(self.whole.split("\n"), 1)]

    def refuse(self, line: int | None, message: str, help: str = "", column: int | None = None) -> NoReturn:
        raise LoadError(message, self._path, line, column, help)

    def number(self, text: str, largest: int, what: str, line: int | None) -> int:
        """A whole decimal number from 0 to ``largest``; ``what`` names it in the error."""
        value = int(text) if _NUMBER.fullmatch(text) else -1
        if not 0 <= value <= largest:
            self.refuse(line, f"{what} is {quoted(text)}, not a number from 0 to {largest}")
        return value

    def cpus(self, text: str, what: str, line: int | None) -> HostCpus:
        """A list of CPUs such as ``0-7,16``; an empty text is no CPU."""
        try:
            return HostCpus.parse(text) if text else IdSet()
        except NotationError as error:
            self.refuse(line, f"{what} is {quoted(text)}, which is not a list of CPUs: {error.reason}")


def quoted(text: str) -> str:
    """A value as an error shows it, cut where it is long."""
    return repr(text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}...")


def nodes_of(lists: dict[HostNode, HostCpus], notes: list[str]) -> dict[HostNode, Node]:
    """The nodes with the CPUs that the output lists for each.

    The kernel's numa=fake and some firmware put one CPU on several nodes: the first has it, and a note says so.
    """
    taken: HostCpus = IdSet()
    found = {}
    for number, cpus in sorted(lists.items()):
        again = cpus & taken
        if again:
            notes.append(f"CPUs {again} are on node {number} and on one before it: took the first")
        found[number] = Node(number, cpus - taken)
        taken |= cpus
    return found
