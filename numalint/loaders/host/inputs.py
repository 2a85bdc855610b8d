"""Hosts from the inputs that describe them: the formats, which one a file has, and several inputs made one host."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NoReturn

from msgspec.structs import replace

from numalint.loaders.document import Document, Head, HostFormat, LoadError, ReadInput, read_file, read_head
from numalint.loaders.host.formats import FORMATS, NODEDEV, looks_synthetic
from numalint.loaders.host.merge import merge
from numalint.model.host import Host

LOCAL = "local"
"""The input that means the machine that numalint runs on."""

HOST_SUFFIXES = (".xml", ".toml", ".json", ".txt", ".tar", ".tgz", ".gz", ".bz2", ".xz")
"""The files of a folder that may describe a host; what they are is told from their first bytes."""

LARGEST_INPUT = 256 << 20
_DEEPEST_BASE = 8
_SYSFS, _SYNTHETIC = (next(each for each in FORMATS if each.name == name) for name in ("sysfs", "synthetic"))
_KNOWN = "looked for capabilities, node devices, hwloc XML, sysfs, lscpu, numactl, numastat, TOML, synthetic strings"


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
        loaded.extend(_loaded(text, formats, devices))
    if devices:
        from numalint.loaders.host import nodedev  # noqa: PLC0415  # as every format, when it is met

        loaded.append((NODEDEV.rank, nodedev.load_all(devices)))
    host, warnings = merge(loaded)
    return replace(host, name=name or host.name), (*host.notes, *warnings)


def _loaded(text: str, formats: Sequence[HostFormat], devices: list[Document]) -> Iterator[tuple[int, Host]]:
    """What one input states, with its rank. Node devices are put aside: the parent of one may be in another file."""
    if text == LOCAL:
        from numalint.loaders.host import sysfs  # noqa: PLC0415

        yield _SYSFS.rank, sysfs.load_local()
        return
    if not os.path.lexists(text) and looks_synthetic(text):
        from numalint.loaders.host import synthetic  # noqa: PLC0415

        yield _SYNTHETIC.rank, synthetic.read(text, text)
        return
    if os.path.isdir(text):
        from numalint.loaders.host import sysfs  # noqa: PLC0415

        host = sysfs.load_folder(text)
        if host is not None:
            yield _SYSFS.rank, host
            return
    for document in _documents(text, formats):
        format = _format_of(document, formats)
        if format is NODEDEV:
            devices.append(document)
        else:
            yield format.rank, format.load(document, _reader(document.path, formats, 1))


def is_path(text: str) -> bool:
    """Whether an input is a path: not the machine itself, and no synthetic string."""
    return text != LOCAL and not looks_synthetic(text)


def host_from_text(text: str) -> Host:
    """The host that a synthetic string, numalint's TOML or an XML document in ``text`` describes. Raises LoadError."""

    def refuse(path: str) -> NoReturn:
        raise LoadError(f"{path}: a text has no other files beside it", "host")

    if looks_synthetic(text):
        from numalint.loaders.host import synthetic  # noqa: PLC0415  # as every format, when it is met

        return synthetic.read(text, "synthetic")
    return load_host(Document("host", text.encode()), FORMATS, refuse)


def read_document(path: str) -> Document:
    """The bytes of an input. Raises LoadError for what is no plain file or too large, and where it cannot be read."""
    try:
        return Document(path, read_file(path, LARGEST_INPUT, "description of a host"))
    except OSError as error:
        raise LoadError(f"it cannot be read: {error.strerror or error}", path) from None
    except ValueError:
        raise LoadError("it cannot be read: the path has a NUL in it", path) from None


def _format_of(document: Document, formats: Sequence[HostFormat]) -> HostFormat:
    head = read_head(document.data)
    format = recognise(head, formats)
    if format is None:
        found = f"its first element is <{head.element}>" if head.element else "it has no XML element"
        help = "numalint's TOML begins with format = 1" if document.path.lower().endswith(".toml") else ""
        raise LoadError(
            f"it is not a host description that numalint knows: {found} ({_KNOWN})", document.path, help=help
        )
    return format


def _documents(path: str, formats: Sequence[HostFormat]) -> list[Document]:
    """The document at ``path``; of a folder, all in it that describe a host."""
    if not os.path.isdir(path):
        return [read_document(path)]
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise LoadError(f"it cannot be read: {error.strerror}", path) from None
    files = [os.path.join(path, name) for name in names if name.lower().endswith(HOST_SUFFIXES)]
    documents = [read_document(file) for file in files if os.path.isfile(file)]
    found = [each for each in documents if recognise(read_head(each.data), formats) is not None]
    if not found:
        raise LoadError(
            "this folder has neither a sysfs tree nor a file that describes a host",
            path,
            help="name a folder that holds sys/devices/system/cpu, or what virsh capabilities and nodedev-dumpxml print",
        )
    return found


def _reader(beside: str, formats: Sequence[HostFormat], depth: int) -> ReadInput:
    """Reads the inputs that a document names; their paths are relative to it."""

    def read(path: str) -> Host:
        if depth > _DEEPEST_BASE:
            raise LoadError("its base leads through too many files, or back to itself", beside)
        document = read_document(os.path.normpath(os.path.join(os.path.dirname(beside), path)))
        return load_host(document, formats, _reader(document.path, formats, depth + 1))

    return read
