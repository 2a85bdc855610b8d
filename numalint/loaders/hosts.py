"""Hosts from the inputs that describe them: the formats, which one a file has, and several inputs made one host."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import NoReturn

from msgspec.structs import replace

from numalint.loaders import capabilities, host_toml, hwloc, nodedev, synthetic
from numalint.loaders.document import Document, Head, HostFormat, LoadError, ReadInput, read_head
from numalint.loaders.merge import merge
from numalint.model.host import Host

FORMATS: tuple[HostFormat, ...] = (
    host_toml.FORMAT,
    synthetic.FORMAT,
    capabilities.FORMAT,
    hwloc.FORMAT,
    nodedev.FORMAT,
)
"""The formats that numalint brings itself."""

LARGEST_INPUT = 256 << 20
_DEEPEST_BASE = 8
_KNOWN = "looked for capabilities, node devices, hwloc's topology, numalint's TOML and synthetic strings"


def recognise(head: Head, formats: Sequence[HostFormat]) -> HostFormat | None:
    """The first format that knows a file from its first bytes, None where none does."""
    return next((format for format in formats if format.recognise(head)), None)


def load_host(document: Document, formats: Sequence[HostFormat], read_input: ReadInput) -> Host:
    """The host, or the part of it, that one document describes. Raises LoadError."""
    return _format_of(document, formats).load(document, read_input)


def load_inputs(
    inputs: Sequence[str], formats: Sequence[HostFormat], name: str | None = None
) -> tuple[Host, tuple[str, ...]]:
    """One host of several inputs, and sentences on what is odd in them or differs between them.

    An input is a file, a folder of nodedev XML, or a synthetic string. ``name`` overrides that of the inputs. Raises
    LoadError.
    """
    if not inputs:
        raise LoadError("no input is given for this host", name or "")
    loaded: list[tuple[int, Host]] = []
    devices: list[Document] = []
    for text in inputs:
        if not os.path.lexists(text) and synthetic.looks_synthetic(text):
            loaded.append((synthetic.FORMAT.rank, synthetic.read(text, text)))
            continue
        for document in _documents(text, formats):
            format = _format_of(document, formats)
            if format is nodedev.FORMAT:
                devices.append(document)  # read together: the parent of one may be in the file of another
            else:
                loaded.append((format.rank, format.load(document, _reader(document.path, formats, 1))))
    if devices:
        loaded.append((nodedev.FORMAT.rank, nodedev.load_all(devices)))
    host, warnings = merge(loaded)
    return replace(host, name=name or host.name), (*host.notes, *warnings)


def host_from_text(text: str) -> Host:
    """The host that a synthetic string, numalint's TOML or an XML document in ``text`` describes. Raises LoadError."""

    def refuse(path: str) -> NoReturn:
        raise LoadError(f"{path}: a text has no other files beside it", "host")

    if synthetic.looks_synthetic(text):
        return synthetic.read(text, "synthetic")
    return load_host(Document("host", text.encode()), FORMATS, refuse)


def read_document(path: str) -> Document:
    """The bytes of an input. Raises LoadError for what is no plain file or too large, and where it cannot be read."""
    try:
        # Without O_NONBLOCK a FIFO that is put in the place of a file would hang the run.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise LoadError("it is no plain file (a pipe, a socket, a device?)", path, help="copy it to a file")
            data = file.read(LARGEST_INPUT + 1)
    except OSError as error:
        raise LoadError(f"it cannot be read: {error.strerror or error}", path) from None
    except ValueError:
        raise LoadError("it cannot be read: the path has a NUL in it", path) from None
    if len(data) > LARGEST_INPUT:
        raise LoadError(f"it is larger than {LARGEST_INPUT >> 20} MiB, which no description of a host is", path)
    return Document(path, data)


def _format_of(document: Document, formats: Sequence[HostFormat]) -> HostFormat:
    head = read_head(document.data)
    format = recognise(head, formats)
    if format is None:
        found = f"its first element is <{head.element}>" if head.element else "it has no XML element"
        raise LoadError(f"it is not a host description that numalint knows: {found} ({_KNOWN})", document.path)
    return format


def _documents(path: str, formats: Sequence[HostFormat]) -> list[Document]:
    """The document at ``path``; of a folder, its XML files of node devices."""
    if not os.path.isdir(path):
        return [read_document(path)]
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise LoadError(f"it cannot be read: {error.strerror}", path) from None
    files = [os.path.join(path, name) for name in names if name.lower().endswith(".xml")]
    documents = [read_document(file) for file in files if os.path.isfile(file)]
    found = [each for each in documents if recognise(read_head(each.data), formats) is nodedev.FORMAT]
    if not found:
        raise LoadError("this folder has no XML file of node devices", path, help="virsh nodedev-dumpxml writes one")
    return found


def _reader(beside: str, formats: Sequence[HostFormat], depth: int) -> ReadInput:
    """Reads the inputs that a document names; their paths are relative to it."""

    def read(path: str) -> Host:
        if depth > _DEEPEST_BASE:
            raise LoadError("its base leads through too many files, or back to itself", beside)
        document = read_document(os.path.normpath(os.path.join(os.path.dirname(beside), path)))
        return load_host(document, formats, _reader(document.path, formats, depth + 1))

    return read
