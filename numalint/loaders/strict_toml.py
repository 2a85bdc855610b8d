"""TOML into typed values, strictly: what is not known is an error that names the table, the key and the nearest one."""

from __future__ import annotations

import re
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from numalint.loaders.document import Document, LoadError
from numalint.loaders.nearest_name import did_you_mean

T = TypeVar("T")

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `(?P<path>[^`]*)`)?")
_LINE = re.compile(r"line (\d+), column (\d+)")
_ENTRY = re.compile(r"\$\.(?P<table>[\w-]+)\[(?P<number>\d+)\](?:\.|$)")
_IN_WORDS = {"Invalid RFC3339 encoded date": "it is no date such as 2026-12-31"}
_SIZE = re.compile(r"([0-9]{1,19})\s*(?:([KMGTP])(i?B)?|B)", re.IGNORECASE | re.ASCII)
_POWERS = "BKMGTP"
_AT = re.compile(r"(?P<reason>.*?)(?: - at `(?P<path>[^`]*)`)?")


def read_toml(document: Document) -> dict[str, Any]:
    """The tables of a TOML file; a byte order mark is passed over. Raises LoadError, with the line, where it is none."""
    import tomllib  # noqa: PLC0415  # a run without a configuration need not pay for it

    try:
        return tomllib.loads(document.data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = document.data.count(b"\n", 0, error.start) + 1
        raise LoadError("it is not UTF-8", document.path, line, help="save it as UTF-8") from None
    except RecursionError:
        raise LoadError("it is not TOML: its values are nested too deeply", document.path) from None
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        found = _LINE.match(place)
        at = (int(found[1]), int(found[2])) if found else _end_of(document)
        raise LoadError(f"it is not TOML: {reason}", document.path, *at) from None


def _end_of(document: Document) -> tuple[int, int]:
    """The line and column after the last character, where tomllib says "at end of document"."""
    lines = document.data.decode("utf-8-sig").split("\n") or [""]
    return len(lines), len(lines[-1]) + 1


def size_bytes(text: str) -> int:
    """A size in bytes, such as ``64 GiB``. Raises ValueError, with a clause, for what is none, and for powers of ten."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size such as '64 GiB'")
    letter = (match[2] or "B").upper()
    if (match[3] or "").upper() == "B":
        raise ValueError(f"{text!r}: write {letter}iB, for tools differ on what {letter}B is")
    return int(match[1]) << 10 * _POWERS.index(letter)


def convert(document: Document, tables: object, kind: type[T]) -> T:
    """``tables`` as ``kind``, a struct that forbids unknown fields. Raises LoadError for the first thing wrong."""
    try:
        return msgspec.convert(tables, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _refused(document, kind, str(error)) from None


def _refused(document: Document, kind: type, said: str) -> LoadError:
    unknown = _UNKNOWN.fullmatch(said)
    if unknown is None:
        match = _AT.fullmatch(said)
        reason, path = (match["reason"], match["path"] or "$") if match else (said, "$")
        where = f" at {_keys(document, path)}" if path != "$" else ""
        reason = _IN_WORDS.get(reason, f"{reason[0].lower()}{reason[1:]}")
        return LoadError(f"{reason}{where}", document.path, _line_of_entry(document, path))
    key, path = unknown["key"], unknown["path"] or "$"
    known = sorted(_fields_at(kind, path))
    table = _keys(document, path)
    where = f"in {table if table.startswith('[') else f'[{table}]'} " if table else ""
    return LoadError(
        f"there is no key {key!r} {where}".rstrip(),
        document.path,
        _line_of(document, key) or _line_of_entry(document, path),
        help=did_you_mean(key, known, f"the keys are {', '.join(known)}", 0.5),
    )


def _keys(document: Document, path: str) -> str:
    """A msgspec path (``$.hosts[...].topology``) as TOML writes it, ``*`` for any key, ``[[ignore]] 2`` for a table."""
    entry = _ENTRY.match(path)
    if entry is not None and _line_of_entry(document, path) is not None:
        rest = path[entry.end() :]
        return f"[[{entry['table']}]] {int(entry['number']) + 1}{' ' * bool(rest)}{rest}"
    return path.removeprefix("$").removeprefix(".").replace("[...]", ".*").lstrip(".")


def _fields_at(kind: Any, path: str) -> set[str]:
    """The keys of the struct at a msgspec path."""
    for step in re.findall(r"\.([^.\[]+)|(\[[^\]]*\])", path.removeprefix("$")):
        key = step[0]
        if key:
            fields = {field.encode_name: field.name for field in msgspec.structs.fields(_struct(kind))}
            kind = get_type_hints(_struct(kind))[fields[key]]
        else:
            kind = get_args(_container(kind))[-1]
    return {field.encode_name for field in msgspec.structs.fields(_struct(kind))}


def _struct(kind: Any) -> Any:
    """The struct in a type such as ``Struct | None``."""
    return next((each for each in get_args(kind) if isinstance(each, type) and issubclass(each, msgspec.Struct)), kind)


def _container(kind: Any) -> Any:
    """The dict or list in a type such as ``dict[str, Struct] | None``."""
    return get_args(kind)[0] if type(None) in get_args(kind) else kind


def _line_of_table(document: Document, name: str, number: int) -> int | None:
    """The line of the header of the table ``number`` (from 0) of an array of tables, where it is written as one."""
    header = re.compile(rf"\s*\[\[\s*(?:tool\.numalint\.)?[\"']?{re.escape(name)}[\"']?\s*\]\]")
    lines = document.data.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    return ([at for at, line in enumerate(lines, 1) if header.match(line)] + [None] * (number + 1))[number]


def _line_of_entry(document: Document, path: str) -> int | None:
    entry = _ENTRY.match(path)
    return None if entry is None else _line_of_table(document, entry["table"], int(entry["number"]))


def _line_of(document: Document, key: str) -> int | None:
    """The line of a key, where a search finds it once."""
    text = document.data.decode("utf-8", "replace")
    found = list(re.finditer(rf"(?<![\w-]){re.escape(key)}(?![\w-])", text))
    lines = {text.count("\n", 0, each.start()) + 1 for each in found}
    return lines.pop() if len(lines) == 1 else None
