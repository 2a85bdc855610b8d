"""Inputs as they come from disk: their bytes, what kind they are, and what is wrong with them."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Callable

import msgspec

from numalint.model.host import Host

HEAD_BYTES = 8192
"""So much of a file is read to tell what it is."""

_LONGEST_SENTENCE = 400


class LoadError(Exception):
    """An input that cannot be read: a sentence for the operator, where, and what to do.

    ``path`` is the document's path as it is shown; ``line`` and ``column`` count from 1.
    """

    def __init__(
        self, message: str, path: str, line: int | None = None, column: int | None = None, help: str = ""
    ) -> None:
        super().__init__(message)
        self.message = _one_line(message)
        self.path = path
        self.line = line
        self.column = column
        self.help = help


def _one_line(text: str) -> str:
    """A sentence on one line: what it quotes of an input may have many, or be endless."""
    line = " ".join(text.split("\n"))
    return line if len(line) <= _LONGEST_SENTENCE else f"{line[:_LONGEST_SENTENCE]}..."


class Document(msgspec.Struct, frozen=True):
    """The bytes of one input. ``path`` is how it is shown and named in places."""

    path: str
    data: bytes


OPENING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""How a file is opened: a FIFO that was put in its place would else let the run wait for ever."""


def read_file(path: str, largest: int, kind: str) -> bytes:
    """The bytes of a plain file. Raises OSError where it cannot be read, and LoadError for what is no ``kind``.

    That is what has more than ``largest`` bytes, and what is no plain file.
    """
    descriptor = os.open(path, OPENING)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise LoadError("it is no plain file (a pipe, a socket, a device?)", path, help="copy it to a file")
        data = file.read(largest + 1)
    if len(data) > largest:
        raise LoadError(f"it is larger than {largest >> 20} MiB, which no {kind} is", path)
    return data


def lines_of(data: bytes) -> list[str]:
    """The lines of a text as spans count them, without a byte order mark and line ends, of which XML has three kinds."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


class Head(msgspec.Struct, frozen=True):
    """What the first bytes of a file say of it: the first element with its attributes, or none, and the text.

    ``namespace`` is the first element's default namespace ("" where it has none); ``data`` are the bytes of ``text``.
    """

    text: str
    element: str | None = None
    namespace: str = ""
    attributes: dict[str, str] = {}
    doctype: str | None = None
    data: bytes = b""


_BEFORE_ELEMENT = re.compile(
    r"""(?:\s+|<\?.*?\?>|<!--.*?-->|(?P<doctype><!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>))*""", re.DOTALL
)
_ELEMENT = re.compile(r"""<(?P<name>[A-Za-z_][\w:.-]*)(?P<attributes>(?:[^>"']|"[^"]*"|'[^']*')*)""")
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


def read_head(data: bytes) -> Head:
    """What a file is, from its first HEAD_BYTES bytes. Never raises: what is not text has no element."""
    data = data[:HEAD_BYTES]
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    text = data.decode(encoding, "replace").removeprefix("\ufeff")
    before = _BEFORE_ELEMENT.match(text)
    element = _ELEMENT.match(text, before.end() if before else 0)
    if element is None:
        return Head(text, data=data)
    attributes = {name: one or other for name, one, other in _ATTRIBUTE.findall(element["attributes"])}
    name = element["name"]
    namespace = attributes.get(f"xmlns:{name.partition(':')[0]}" if ":" in name else "xmlns", "")
    doctype = before["doctype"] if before else None
    return Head(text, name.rpartition(":")[2], namespace, attributes, doctype, data)


ReadInput = Callable[[str], Host]
"""Reads another input of the same host, named relative to the one that names it (TOML's ``base``)."""


class HostFormat(msgspec.Struct, frozen=True):
    """A format of host topology.

    ``rank`` decides which input wins a fact that several state: the higher one (topology declared by hand
    wins over what was read). ``recognise`` tells the format from the first bytes, ``load`` reads it and raises
    LoadError where it cannot.
    """

    name: str
    rank: int
    recognise: Callable[[Head], bool]
    load: Callable[[Document, ReadInput], Host]
    partial: bool = False
    """Whether an input of this format alone cannot serve as a host (nodedev: devices without nodes)."""
