"""numalint's own description of a host, as tables: decoded strictly, each table with its place in the file."""

from __future__ import annotations

import re
from typing import NoReturn, TypeVar

import msgspec

from numalint.loaders.document import Document, LoadError
from numalint.loaders.host.toml_cores import parse_cores
from numalint.loaders.host.toml_keys import HostFile
from numalint.loaders.host.values import LARGEST_SIZE
from numalint.loaders.nearest_name import did_you_mean
from numalint.loaders.sizes import size_bytes
from numalint.loaders.strict_toml import in_words, read_toml
from numalint.loaders.toml_places import locate
from numalint.model.idset import HostCpus, Id, IdSet, NotationError
from numalint.model.place import Place

Kind = TypeVar("Kind", bound=msgspec.Struct)

_CORES_HELP = "write 0-15+32-47 for cores 0,32 1,33 ..., 0-31/2 for cores 0-1 2-3 ..., or a list of such"


class Tables:
    """The tables of one file. A table is named as its header is: ``node.1``, ``[[nodes]] 2``, "" for the top.

    All methods raise LoadError, which names the table and the key, with the line.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self.path = document.path
        self._raw = read_toml(document)
        self.file = self.decode(HostFile, self._raw, "")

    def place(self, table: str) -> Place:
        return Place(self.path, table)

    def refuse(self, table: str, key: str | None, message: str, help: str = "") -> NoReturn:
        """Raises the error; ``message`` is put behind the name of the table and the key."""
        where = " ".join(part for part in (_shown(table), key) if part)
        place = Place(self.path, table, key)
        line = locate(self._document, [place])[place][0].line
        raise LoadError(f"{where}: {message}" if where else message, self.path, line, help=help)

    def contradicts(self, table: str, key: str | None, message: str) -> None:
        """Refuses what contradicts another key, unless ``lenient = true`` says that the machine itself reports it so."""
        if not self.file.lenient:
            self.refuse(table, key, message)

    def decode(self, kind: type[Kind], raw: object, table: str) -> Kind:
        if not isinstance(raw, dict):
            self.refuse(table, None, "this must be a table")
        known = [field.encode_name for field in msgspec.structs.fields(kind)]
        for key in raw:
            if key not in known:
                hint = did_you_mean(key, known, f"the keys are {', '.join(known)}")
                self.refuse(table, key, f"unknown key ({hint})")
        try:
            return msgspec.convert(raw, kind)
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at ")
            missing = re.search(r"required field `(\w+)`", message)
            if missing:
                self.refuse(table, None, f"the key {missing[1]!r} is missing")
            self.refuse(table, re.split(r"[.\[]", path.strip("`$."))[0] or None, in_words(message))

    def size(self, text: str, table: str, key: str) -> int:
        """A size in bytes. Sizes in powers of ten are refused, for tools differ on what a GB is."""
        try:
            size = size_bytes(text)
        except ValueError as error:
            self.refuse(table, key, str(error))
        if size > LARGEST_SIZE:
            self.refuse(table, key, f"{text!r} is more than any host has")
        return size

    def ids(self, text: str, table: str, key: str) -> IdSet[Id]:
        """A set in libvirt's notation; an empty text is the empty set."""
        if not text.strip():
            return IdSet()
        try:
            return IdSet.parse(text)
        except NotationError as error:
            self.refuse(table, key, f"{text!r} is not a set such as '0-7,16': {error.reason}")

    def cores(self, texts: str | list[str], table: str, key: str) -> list[HostCpus]:
        """Cores: ``0-15+32-47`` (the n-th has the n-th CPU of each part), ``0-31/2`` (each two in turn), or several."""
        found: list[HostCpus] = []
        for text in [texts] if isinstance(texts, str) else texts:
            try:
                found += parse_cores(text)
            except NotationError as error:
                self.refuse(table, key, f"{text!r}: {error.reason}", _CORES_HELP)
        return self.apart(found, table, key)

    def apart(self, sets: list[IdSet[Id]], table: str, key: str) -> list[IdSet[Id]]:
        """Sets of CPUs of which no two share one."""
        taken: IdSet[Id] = IdSet()
        for each in sets:
            if taken & each:
                self.refuse(table, key, f"CPU {taken & each} is in two of them")
            taken |= each
        return sets

    def bounded(self, number: int, least: int, largest: int, table: str, key: str) -> int:
        if not least <= number <= largest:
            self.refuse(table, key, f"{number} is not from {least} to {largest}")
        return number


def _shown(table: str) -> str:
    return table if table.startswith("[") or not table else f"[{table}]"
